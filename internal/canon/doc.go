// Package canon is the one reading and the one writing of JSON that comes from outside.
//
// In goes JSON of any origin; out comes a [Tree] of [Node] values, a map ([Decode]) or the canonical
// text: object keys sorted bytewise, no insignificant white space, strings with the fewest escapes,
// numbers with the digits that were sent. Equal input therefore has equal bytes on every machine and in
// every database.
//
// Reading is strict (RFC 8259), but text is repaired: bytes that are not UTF-8, lone surrogates and
// NUL, which PostgreSQL cannot store, become U+FFFD. Of a repeated key the last one counts. Keys are
// compared exactly, unlike in encoding/json. Nesting beyond [MaxDepth] and numbers beyond float64 do not
// spoil the document around them: the value that holds them says so ([Node.Err]), so that one bad event
// does not cost the batch.
//
// Nothing here recurses deeper than a constant, and no hash table depends on the keys that are read.
// Begin reading at [Tree.Parse].
package canon

import "cusp/internal/fault"

const (
	// MaxDepth is how many arrays and objects a message may hold within each other, itself included.
	MaxDepth = 32

	// parseDepth is how deep values are kept: a message may lie inside a batch, which has two levels.
	// What lies deeper is only checked.
	parseDepth = MaxDepth + 8

	// maxNesting ends the reading of a document that nobody wrote by hand.
	maxNesting = 10_000

	// maxInput keeps offsets within 32 bits.
	maxInput = 1 << 30
)

// The faults of a value that is JSON but is not stored.
var (
	// ErrTooDeep is the fault of a value with more than [MaxDepth] levels.
	ErrTooDeep error = fault.New(fault.Invalid, "JSON is nested deeper than %d levels", MaxDepth).
			WithCode("too_deep").WithHint("send a flatter message")
	// ErrBadNumber is the fault of a value with a number that float64 cannot hold.
	ErrBadNumber error = fault.New(fault.Invalid, "a number is too large").
			WithCode("bad_number").WithHint("send it as a string, or below 1.8e308")
)

func syntaxError(at int, what string) error {
	return fault.New(fault.Invalid, "this is not JSON: %s at byte %d", what, at).WithCode("bad_json").
		WithHint("send one JSON document in UTF-8")
}
