package condition

import (
	"fmt"
	"strconv"
	"strings"
)

// status says whether an operand has a value.
type status uint8

const (
	present status = iota
	absent         // a missing fact
	broken         // a value that cannot be used here; the leaf can say why
)

// operand is something in a condition that has a value: a trait, a count, a calculation.
type operand interface {
	value(f *Facts) (any, status)
	// number is the value as a number, without boxing it; broken when it is something else.
	number(f *Facts) (float64, status)
	// note describes what was read, for people.
	note(f *Facts) note
}

type note struct {
	text    string   // "account.employees = 250"
	missing []string // names of absent facts
	err     string   // why the value is broken
}

// toNumber converts the number types that facts may hold.
func toNumber(v any) (float64, bool) {
	switch n := v.(type) {
	case float64:
		return n, true
	case int:
		return float64(n), true
	case int64:
		return float64(n), true
	}
	return 0, false
}

// asNumber is the number that an operand's value is, if it has one.
func asNumber(v any, st status) (float64, status) {
	if st != present {
		return 0, st
	}
	n, ok := toNumber(v)
	if !ok {
		return 0, broken
	}
	return n, present
}

// root names the map that a path begins in.
type root uint8

const (
	personRoot root = iota
	accountRoot
	eventRoot
)

// pathOperand is a trait: person.title, event.properties.plan.
type pathOperand struct {
	root  root
	first string
	rest  []string
	label string
}

func (o *pathOperand) value(f *Facts) (any, status) {
	m := f.Person
	switch o.root {
	case personRoot:
	case accountRoot:
		m = f.Account
	case eventRoot:
		m = f.Event
	}
	v := m[o.first]
	for _, key := range o.rest {
		below, ok := v.(map[string]any)
		if !ok {
			return nil, absent
		}
		v = below[key]
	}
	if v == nil || v == "" {
		return nil, absent
	}
	return v, present
}

func (o *pathOperand) number(f *Facts) (float64, status) {
	v, st := o.value(f)
	return asNumber(v, st)
}

func (o *pathOperand) note(f *Facts) note {
	v, st := o.value(f)
	return noteOf(o.label, v, st)
}

func noteOf(label string, v any, st status) note {
	if st != present {
		return note{text: label + " is missing", missing: []string{label}}
	}
	return note{text: label + " = " + show(v)}
}

// numeric is an operand that is always a number: a count, an age, a score.
type numeric struct {
	read  func(f *Facts) (float64, status)
	label string
}

func (o *numeric) number(f *Facts) (float64, status) { return o.read(f) }

func (o *numeric) value(f *Facts) (any, status) {
	n, st := o.read(f)
	return n, st
}

func (o *numeric) note(f *Facts) note {
	v, st := o.value(f)
	return noteOf(o.label, v, st)
}

func countOf(signal int, window float64, label string) *numeric {
	return &numeric{label: label, read: func(f *Facts) (float64, status) {
		if f.History == nil {
			return 0, absent
		}
		return float64(f.History.Count(signal, window)), present
	}}
}

func daysSince(signal int, label string) *numeric {
	return &numeric{label: label, read: func(f *Facts) (float64, status) {
		if f.History == nil {
			return 0, absent
		}
		seconds, ok := f.History.SecondsSince(signal)
		if !ok {
			return 0, absent
		}
		return seconds / Day, present
	}}
}

func fitScore() *numeric {
	return &numeric{label: "score.fit", read: func(f *Facts) (float64, status) {
		if f.History == nil {
			return 0, absent
		}
		score, ok := f.History.Fit()
		if !ok {
			return 0, absent
		}
		return score, present
	}}
}

func intentScore() *numeric {
	return &numeric{label: "score.intent", read: func(f *Facts) (float64, status) {
		if f.History == nil {
			return 0, absent
		}
		return f.History.Intent(), present
	}}
}

// logical is an operand that is true or false: has_signal(…), known(…), and whole conditions inside
// calculations.
type logical struct {
	test  func(f *Facts) Truth
	label string
}

func (o *logical) value(f *Facts) (any, status) {
	switch o.test(f) {
	case True:
		return true, present
	case False:
		return false, present
	case Unknown:
	}
	return nil, absent
}

func (o *logical) number(*Facts) (float64, status) { return 0, broken }

func (o *logical) note(f *Facts) note {
	v, st := o.value(f)
	return noteOf(o.label, v, st)
}

func hasSignal(signal int, label string) *logical {
	return &logical{label: label, test: func(f *Facts) Truth {
		if f.History == nil {
			return Unknown
		}
		_, ok := f.History.SecondsSince(signal)
		return truthOf(ok)
	}}
}

// isKnown asks whether an operand has a value: known(x), x != nil.
func isKnown(o operand, label string) *logical {
	return &logical{label: label, test: func(f *Facts) Truth {
		_, st := o.value(f)
		return truthOf(st == present)
	}}
}

// constant is a literal.
type constant struct{ v any }

func (o constant) value(*Facts) (any, status) {
	if o.v == nil {
		return nil, absent
	}
	return o.v, present
}

func (o constant) number(*Facts) (float64, status) {
	n, ok := toNumber(o.v)
	if !ok {
		return 0, broken
	}
	return n, present
}

func (o constant) note(*Facts) note { return note{} }

// The operand of `a ?? b`: the first of its alternatives that is present.
type coalesce struct{ alternatives []operand }

func (o coalesce) value(f *Facts) (any, status) {
	for _, a := range o.alternatives {
		if v, st := a.value(f); st != absent {
			return v, st
		}
	}
	return nil, absent
}

func (o coalesce) number(f *Facts) (float64, status) {
	v, st := o.value(f)
	return asNumber(v, st)
}

// note tells every alternative up to the one that is used; a missing one matters only when all are.
func (o coalesce) note(f *Facts) note {
	var all note
	for _, a := range o.alternatives {
		n := a.note(f)
		all = all.join(n)
		if _, st := a.value(f); st != absent {
			all.missing = nil
			return all
		}
	}
	return all
}

func (n note) join(o note) note {
	switch {
	case n.text == "":
		n.text = o.text
	case o.text != "":
		n.text += ", " + o.text
	}
	n.missing = append(n.missing, o.missing...)
	if n.err == "" {
		n.err = o.err
	}
	return n
}

const maxShown = 80

// show writes a value as a condition would, shortened.
func show(v any) string {
	switch x := v.(type) {
	case nil:
		return "nil"
	case string:
		return strconv.Quote(clip(x, maxShown))
	case bool:
		return strconv.FormatBool(x)
	case map[string]any:
		return "a mapping"
	case []any:
		items := make([]string, 0, len(x))
		for _, item := range x[:min(len(x), 8)] {
			items = append(items, show(item))
		}
		if len(x) > len(items) {
			items = append(items, "…")
		}
		return clip("["+strings.Join(items, ", ")+"]", 2*maxShown)
	}
	if n, ok := toNumber(v); ok {
		return FormatNumber(n)
	}
	return clip(fmt.Sprint(v), maxShown)
}
