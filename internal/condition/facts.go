package condition

import "strings"

// Facts is everything that a condition may read. Maps hold traits under snake_case names with values
// as encoding/json gives them (string, float64, bool, map[string]any, []any); a missing key, null and
// the empty string are the same typed absence.
type Facts struct {
	Person  map[string]any
	Account map[string]any
	Event   map[string]any // nil where no event is at hand: type, name, path, properties, context, traits, text
	History History        // nil only in checks
}

// History answers what conditions ask about a lead's signals, at the instant of evaluation.
type History interface {
	// Count is the number of counted occurrences of a signal in the last window seconds, the window
	// open at its old end and closed at its new one. It saturates at [MaxCount].
	Count(signal int, window float64) int
	// SecondsSince is the time since the last counted occurrence; ok is false when there was none.
	SecondsSince(signal int) (seconds float64, ok bool)
	// Fit is the fit score; ok is false while it is unknown.
	Fit() (score float64, ok bool)
	// Intent is the intent score.
	Intent() float64
}

// MaxCount is the largest number that count() answers; the checker refuses comparisons beyond it.
const MaxCount = 255

// Truth is the outcome of a condition: three-valued, because facts may be missing.
type Truth uint8

// The outcomes. A condition is met only when it is True. Unknown means that a missing fact decides:
// and, or and not treat it as SQL treats null.
const (
	False Truth = iota
	True
	Unknown
)

// Verdict is a [Truth] with what a person needs to understand it.
type Verdict struct {
	Truth   Truth
	Missing []string // dotted paths of absent facts that mattered
	Because string   // the deciding part of the condition with the values it read
	Err     string   // why it could not be evaluated (then Truth is Unknown)
}

// Lookup finds the value at a dotted path such as "account.employees" or "person.address.city"; ok is
// false for a typed absence.
func (f *Facts) Lookup(path string) (value any, ok bool) {
	root, rest, _ := strings.Cut(path, ".")
	var at map[string]any
	switch root {
	case "person":
		at = f.Person
	case "account":
		at = f.Account
	case "event":
		at = f.Event
	}
	for {
		key, more, nested := strings.Cut(rest, ".")
		value = at[key]
		if !nested {
			return value, value != nil && value != ""
		}
		at, _ = value.(map[string]any)
		rest = more
	}
}

// Has says whether the fact at a dotted path is present.
func (f *Facts) Has(path string) bool {
	_, ok := f.Lookup(path)
	return ok
}
