package signal

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Kind is what a sentence says about buying.
type Kind string

// The kinds, under the names by which a playbook waits for them (`on: {text: budget}`).
const (
	Budget         Kind = "budget"          // money is set aside
	Deadline       Kind = "deadline"        // there is a date by which it must be done
	Approved       Kind = "approved"        // the project has been approved
	FailedSolution Kind = "failed_solution" // what they have does not work
	Authority      Kind = "authority"       // the writer decides
	Urgency        Kind = "urgency"         // it must go fast
	Price          Kind = "price"           // asks what it costs
	Implementation Kind = "implementation"  // asks how it is set up, connected or moved to
)

// Finding is one thing that a text says, with the words that say it.
type Finding struct {
	Kind       Kind
	Negated    bool // the text denies it: "no budget until next year"
	Quote      string
	Start, End int // bytes of the text
}

// Name is the finding as a playbook writes it: "budget", or "no_budget" when it is denied.
func (f Finding) Name() string {
	if f.Negated {
		return "no_" + string(f.Kind)
	}
	return string(f.Kind)
}

// MaxText is how many bytes of a text are read; the rest is ignored.
const MaxText = 10 << 10

// Read finds what an English text says about buying, in the order of the text and each name once.
//
// It reads only what the sender wrote: quoted mail and signatures are left out. A statement counts
// when the writer makes it about the writer's own company: not when it is asked, supposed, wished for,
// or told of somebody else. Reading takes time linear in the length of the text.
func Read(text string) []Finding {
	if len(text) > MaxText {
		text = strings.ToValidUTF8(text[:MaxText], "")
	}
	if !utf8.ValidString(text) {
		return nil
	}
	rules := builtInRules()
	var found []Finding
	for _, s := range sentencesOf(rules, text) {
		found = append(found, rules.read(text, s)...)
	}
	return once(found)
}

// sentencesOf cuts what the sender wrote into sentences, with their words merged and classified.
func sentencesOf(rules *rules, text string) []sentence {
	l := lexer{rules: rules, text: text}
	for _, part := range own(text) {
		l.run(part[0], part[1])
	}
	for i := range l.out {
		s := &l.out[i]
		s.tokens = rules.merge(s.tokens)
		rules.classify(s.tokens)
		s.asks = rules.askedFrom(s)
	}
	return l.out
}

// once keeps the first finding of each name.
func once(found []Finding) []Finding {
	slices.SortStableFunc(found, func(a, b Finding) int { return cmp.Compare(a.Start, b.Start) })
	var out []Finding
	for _, f := range found {
		if !slices.ContainsFunc(out, func(o Finding) bool { return o.Kind == f.Kind && o.Negated == f.Negated }) {
			out = append(out, f)
		}
	}
	return out
}
