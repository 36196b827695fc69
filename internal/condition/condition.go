// Package condition is the language in which a playbook asks about a lead: a compiler from text to
// [Condition], three-valued evaluation over [Facts], explanations in words, and proofs about what can
// still be true.
//
// The grammar is that of expr; what would make a condition slow, depend on a clock or give two answers is
// refused. A fact that is missing makes a condition [Unknown], never an error. Compiled conditions are
// immutable and know no playbook: signals are numbers to them.
//
// Begin reading at [Compiler.Compile].
package condition

import (
	"slices"
	"strings"
)

// Condition is one compiled condition of a playbook. It is immutable and safe for concurrent use; the
// same facts always give the same answer.
type Condition struct {
	Text string // as the author wrote it

	root node
	uses uses
}

// uses is what a condition reads, found when it is compiled.
type uses struct {
	paths   []string // sorted
	signals []SignalUse
	score   bool
	demands []Demand
}

// SignalUse says how a condition asks about a signal.
type SignalUse struct {
	Signal int     // the index that the compiler knew it by
	Window float64 // of count(), in seconds; 0 for has_signal and days_since
	// Moment is the time, in seconds after an occurrence, at which the answer can change by itself: the
	// window of count(), or the days that days_since() is compared with. 0 when it never does.
	Moment float64
}

// node is one part of a condition in three-valued logic.
type node interface {
	eval(f *Facts) Truth
	explain(f *Facts, why *reason) Truth
}

// reason gathers what a person needs to know; each operator keeps only what decided.
type reason struct {
	because []string
	missing []string
	err     string
}

// Eval decides the condition. It never fails: what cannot be evaluated is [Unknown].
func (c *Condition) Eval(f *Facts) Truth {
	if c.root == nil {
		return Unknown
	}
	return c.root.eval(f)
}

// maxBecause bounds an explanation, in bytes before the cut.
const maxBecause = 400

// Explain decides the condition and says why: which part decided, what it read, what was missing.
func (c *Condition) Explain(f *Facts) Verdict {
	if c.root == nil {
		return Verdict{Truth: Unknown, Err: "the condition is not compiled"}
	}
	var why reason
	v := Verdict{Truth: c.root.explain(f, &why)}
	v.Because = clip(strings.Join(why.because, " and "), maxBecause)
	if v.Truth == Unknown {
		slices.Sort(why.missing)
		v.Missing, v.Err = slices.Compact(why.missing), why.err
	}
	return v
}

// Paths are the dotted paths of the traits that the condition reads, sorted.
func (c *Condition) Paths() []string { return c.uses.paths }

// Signals are the questions that the condition asks about signals, each once.
func (c *Condition) Signals() []SignalUse { return c.uses.signals }

// UsesScore reports whether the condition reads score.fit or score.intent.
func (c *Condition) UsesScore() bool { return c.uses.score }

// UsesEvent reports whether the condition reads the event at hand.
func (c *Condition) UsesEvent() bool {
	return slices.ContainsFunc(c.uses.paths, func(p string) bool { return strings.HasPrefix(p, "event.") })
}

// Demands are what its comparisons need count() to find.
func (c *Condition) Demands() []Demand { return c.uses.demands }

// clip shortens s to at most limit bytes at a character boundary.
func clip(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && s[limit]&0xC0 == 0x80 {
		limit--
	}
	return s[:limit] + "…"
}
