package table

import (
	"slices"
	"strings"
	"time"

	"cusp/internal/fault"
)

// Mapping says how the columns of a table become the fields of a message: the compiled form of a
// mapping file. It is immutable and may be used for any number of tables.
type Mapping struct {
	Kind      Kind
	Delimiter byte     // 0: find out
	Encoding  Encoding // Detect: find out
	zone      *time.Location
	empty     map[string]bool // texts that stand for nothing, beside the empty one
	keepRest  bool            // unmapped columns become traits or properties
	fields    []field
	also      []mappedEvent
	doc       *document // for problems that show when the columns are known
}

// mappedEvent is a further event that every row tells.
type mappedEvent struct {
	name   string
	fields []field
}

// target is where in a message a value goes, as keys from the top.
type target []string

func (t target) String() string { return strings.Join(t, ".") }

// field is one target and the way to its value.
type field struct {
	target   target
	columns  []string // the first one with a value counts
	template []piece  // instead of columns
	constant any      // instead of columns
	lower    bool
	values   map[string]any // replaces what is found, before it is read as anything
	valElse  any            // for values that are not listed; nil: keep them
	number   *numberFormat
	date     *dateFormat
	zone     *time.Location // nil: the mapping's
	boolean  bool
	object   bool // the cell is a JSON object
	soft     bool // keep as text what cannot be read as number, date or object
	fallback any  // when nothing is found
	required bool
	line     int // in the mapping file
	column   int
}

// piece is a part of a template: literal text, or the name of a column.
type piece struct {
	text   string
	column bool
}

// needs is every column that the field reads.
func (f *field) needs() []string {
	if f.template == nil {
		return f.columns
	}
	var names []string
	for _, p := range f.template {
		if p.column {
			names = append(names, p.text)
		}
	}
	return names
}

// words are the targets without a dot, and where they go.
var words = map[Kind]map[string]target{
	People: {
		"user_id": {"userId"}, "anonymous_id": {"anonymousId"}, "group_id": {"context", "groupId"},
		"email": {"traits", "email"}, "time": {"timestamp"}, "message_id": {"messageId"},
	},
	Accounts: {
		"group_id": {"groupId"}, "domain": {"traits", "domain"}, "name": {"traits", "name"},
		"time": {"timestamp"}, "message_id": {"messageId"},
	},
	Events: {
		"user_id": {"userId"}, "anonymous_id": {"anonymousId"}, "group_id": {"context", "groupId"},
		"email": {"context", "traits", "email"}, "time": {"timestamp"}, "message_id": {"messageId"},
		"event": {"event"}, "type": {"type"},
	},
}

// roots are the first keys of the targets with a dot.
var roots = map[Kind][]string{
	People:   {"traits", "context"},
	Accounts: {"traits", "context"},
	Events:   {"properties", "context", "traits"},
}

// parseTarget reads a target as a mapping writes it; the error has a message and a hint.
func parseTarget(kind Kind, name string) (target, *fault.Error) {
	if t, ok := words[kind][name]; ok {
		return t, nil
	}
	keys := strings.Split(name, ".")
	if len(keys) == 1 || !slices.Contains(roots[kind], keys[0]) {
		return nil, fault.New(fault.Invalid, "%q is not a field of %s", name, kind).
			WithHint("%s", targetHint(kind, name))
	}
	if len(keys) > 6 || slices.ContainsFunc(keys, func(k string) bool { return k == "" || len(k) > 200 }) {
		return nil, fault.New(fault.Invalid, "%q is not a path of one to five keys", name).
			WithHint("write something like %s.plan", keys[0])
	}
	if kind == Events && keys[0] == "traits" {
		keys = append([]string{"context"}, keys...)
	}
	return keys, nil
}

func targetHint(kind Kind, name string) string {
	names := make([]string, 0, len(words[kind]))
	for n := range words[kind] {
		names = append(names, n)
	}
	slices.Sort(names)
	if near := fault.Nearest(name, names); near != "" {
		return "did you mean " + near + "?"
	}
	last := name[strings.LastIndexByte(name, '.')+1:]
	return "write " + roots[kind][0] + "." + last + ", or one of " + strings.Join(names, ", ")
}
