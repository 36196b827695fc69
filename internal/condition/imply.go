package condition

import (
	"maps"
	"math"
	"slices"
	"strings"
)

// This file decides, where that is decidable, whether a condition can only be true when an earlier one
// is. Conditions are brought into a disjunction of conjunctions of atoms; an atom says that one operand
// lies in an interval, in a finite set of texts or outside it, or that an opaque leaf is true or false.
// Everything is about the truth value True, so missing facts need no special care. A "no" only means
// that it could not be shown.

// atom is one leaf, as far as it is understood.
type atom struct {
	key      string // the operand it speaks of; the text of the leaf when it is opaque
	interval *interval
	texts    map[string]struct{} // with negated: everything but these
	holds    func(string) bool   // opaque, but can be tried on a text
	subject  string              // the operand of an opaque leaf; may be empty
	known    bool                // the operand is present; that is all
	negated  bool
}

// interval is a set of numbers between two ends.
type interval struct {
	low, high         float64
	lowOpen, highOpen bool
}

// Bounds that keep the proof cheap; beyond them it says "not shown".
const (
	maxDisjuncts = 64
	maxSplit     = 32
	maxSteps     = 400_000 // comparisons of atoms in one document; real playbooks need some hundreds
)

// Prover shows that conditions are covered by earlier ones, as long as its budget lasts.
type Prover struct{ steps int }

func (p *Prover) spend(steps int) bool {
	p.steps += steps
	return p.steps <= maxSteps
}

// Spent reports that the budget is used up: nothing more can be shown.
func (p *Prover) Spent() bool { return p.steps > maxSteps }

// comparisonInterval is the set that `x op limit` allows; nil for !=.
func comparisonInterval(op string, limit float64) *interval {
	all := interval{low: math.Inf(-1), high: math.Inf(1)}
	switch op {
	case "<":
		all.high, all.highOpen = limit, true
	case "<=":
		all.high = limit
	case ">":
		all.low, all.lowOpen = limit, true
	case ">=":
		all.low = limit
	case "==":
		all.low, all.high = limit, limit
	default:
		return nil
	}
	return &all
}

func (i *interval) empty() bool {
	return i.low > i.high || i.low == i.high && (i.lowOpen || i.highOpen)
}

func (i *interval) within(o *interval) bool {
	lowFits := i.low > o.low || i.low == o.low && (i.lowOpen || !o.lowOpen)
	highFits := i.high < o.high || i.high == o.high && (i.highOpen || !o.highOpen)
	return lowFits && highFits
}

func (i *interval) meet(o *interval) *interval {
	r := *i
	if o.low > r.low || o.low == r.low && o.lowOpen {
		r.low, r.lowOpen = o.low, o.lowOpen
	}
	if o.high < r.high || o.high == r.high && o.highOpen {
		r.high, r.highOpen = o.high, o.highOpen
	}
	return &r
}

// opposite is the atoms of which at least one is true when a is false.
func (a atom) opposite() []atom {
	if a.interval == nil {
		a.negated = !a.negated
		return []atom{a}
	}
	var sides []atom
	if !math.IsInf(a.interval.low, -1) {
		sides = append(sides, atom{key: a.key, interval: &interval{low: math.Inf(-1), high: a.interval.low, highOpen: !a.interval.lowOpen}})
	}
	if !math.IsInf(a.interval.high, 1) {
		sides = append(sides, atom{key: a.key, interval: &interval{low: a.interval.high, high: math.Inf(1), lowOpen: !a.interval.highOpen}})
	}
	return sides
}

// Cases are the ways in which a condition can be true: a disjunction of conjunctions.
type Cases [][]atom

// Cases are the ways in which the condition can be true; not ok when there are too many of them to reason
// about, or it is not compiled.
func (c *Condition) Cases() (all Cases, ok bool) { return casesOf(c.root, false) }

// Possible reports whether any case is free of contradiction.
func (all Cases) Possible() bool {
	return slices.ContainsFunc(all, func(c []atom) bool {
		_, ok := simplify(c)
		return ok
	})
}

// casesOf are the ways in which a node can be true (or false, when negated); not ok when there are too
// many.
func casesOf(n node, negated bool) (all Cases, ok bool) {
	switch x := n.(type) {
	case fixed:
		if bool(x) == negated {
			return nil, true
		}
		return Cases{nil}, true
	case notOf:
		return casesOf(x.part, !negated)
	case allOf:
		return joined(x, negated, !negated)
	case anyOf:
		return joined(x, negated, negated)
	case choiceOf:
		return choiceCases(x, negated)
	case *leaf:
		if !negated {
			return Cases{{x.fact}}, true
		}
		for _, a := range x.fact.opposite() {
			all = append(all, []atom{a})
		}
		return all, true
	}
	return nil, false
}

// joined combines the cases of parts: all together or any of them.
func joined(parts []node, negated, together bool) (Cases, bool) {
	var all Cases
	if together {
		all = Cases{nil}
	}
	for _, part := range parts {
		c, ok := casesOf(part, negated)
		if !ok {
			return nil, false
		}
		if together {
			all = product(all, c)
		} else {
			all = append(all, c...)
		}
		if len(all) > maxDisjuncts {
			return nil, false
		}
	}
	return all, true
}

func product(a, b Cases) Cases {
	var all Cases
	for _, x := range a {
		for _, y := range b {
			all = append(all, append(slices.Clone(x), y...))
		}
	}
	return all
}

// choiceCases counts the third way in which a choice can be decided: both answers agree.
func choiceCases(n choiceOf, negated bool) (Cases, bool) {
	asked, ok1 := casesOf(n.question, false)
	denied, ok2 := casesOf(n.question, true)
	yes, ok3 := casesOf(n.yes, negated)
	no, ok4 := casesOf(n.no, negated)
	all := slices.Concat(product(asked, yes), product(denied, no), product(yes, no))
	return all, ok1 && ok2 && ok3 && ok4 && len(all) <= maxDisjuncts
}

// simplify merges what a conjunction says about one operand; possible is false when it contradicts
// itself.
func simplify(conjunction []atom) (merged []atom, possible bool) {
	intervals, texts := map[string]*interval{}, map[string]map[string]struct{}{}
	opaque := map[string]bool{}
	for _, a := range conjunction {
		switch {
		case a.interval != nil:
			if before := intervals[a.key]; before != nil {
				a.interval = before.meet(a.interval)
			}
			if intervals[a.key] = a.interval; a.interval.empty() {
				return nil, false
			}
		case a.texts != nil && !a.negated:
			texts[a.key] = intersect(texts[a.key], a.texts)
		default:
			name := a.identity()
			if before, seen := opaque[name]; seen && before != a.negated {
				return nil, false
			}
			opaque[name] = a.negated
			merged = append(merged, a)
		}
	}
	for key, set := range texts {
		set = remaining(set, key, conjunction)
		if len(set) == 0 || intervals[key] != nil {
			return nil, false
		}
		merged = append(merged, atom{key: key, texts: set})
	}
	for key, i := range intervals {
		merged = append(merged, atom{key: key, interval: i})
	}
	return merged, true
}

// identity distinguishes opaque atoms; a set of excluded texts is known by its members.
func (a atom) identity() string {
	switch {
	case a.known:
		return "known " + a.key
	case a.texts != nil:
		return "texts " + a.key + " " + strings.Join(slices.Sorted(maps.Keys(a.texts)), "\x00")
	}
	return "leaf " + a.key
}

func intersect(a, b map[string]struct{}) map[string]struct{} {
	if a == nil {
		return b
	}
	both := map[string]struct{}{}
	for s := range a {
		if _, ok := b[s]; ok {
			both[s] = struct{}{}
		}
	}
	return both
}

// remaining drops the texts that other atoms about the same operand rule out.
func remaining(set map[string]struct{}, key string, conjunction []atom) map[string]struct{} {
	left := map[string]struct{}{}
	for s := range set {
		one := atom{key: key, texts: map[string]struct{}{s: {}}}
		if !slices.ContainsFunc(conjunction, func(a atom) bool { return one.excludes(a) }) {
			left[s] = struct{}{}
		}
	}
	return left
}

// excludes reports whether a single text contradicts an atom.
func (a atom) excludes(o atom) bool {
	for s := range a.texts {
		switch {
		case o.key == a.key && o.texts != nil && o.negated:
			_, out := o.texts[s]
			return out
		case o.holds != nil && o.subject == a.key:
			return o.holds(s) == o.negated
		}
	}
	return false
}

func (a atom) implies(b atom) bool {
	if b.known && !b.negated && (a.key == b.key || a.subject == b.key) && (!a.known || !a.negated) {
		return true
	}
	if a.texts != nil && !a.negated && b.holds != nil && b.subject == a.key {
		for s := range a.texts {
			if b.holds(s) == b.negated {
				return false
			}
		}
		return len(a.texts) > 0
	}
	if a.key != b.key {
		return false
	}
	switch {
	case a.interval != nil && b.interval != nil:
		return a.interval.within(b.interval)
	case a.texts != nil && b.texts != nil:
		return impliesTexts(a, b)
	case a.interval == nil && b.interval == nil && a.texts == nil && b.texts == nil:
		return a.known == b.known && a.negated == b.negated
	}
	return false
}

func impliesTexts(a, b atom) bool {
	inB := func(s string) bool { _, ok := b.texts[s]; return ok }
	switch {
	case !a.negated && !b.negated: // a ⊆ b
		return !slices.ContainsFunc(slices.Collect(maps.Keys(a.texts)), func(s string) bool { return !inB(s) })
	case !a.negated && b.negated: // a and b have nothing in common
		return !slices.ContainsFunc(slices.Collect(maps.Keys(a.texts)), inB)
	case a.negated && b.negated: // what b rules out, a rules out
		for s := range b.texts {
			if _, ok := a.texts[s]; !ok {
				return false
			}
		}
		return true
	}
	return false
}

// split takes a finite set of texts apart, so that each text may be covered by another earlier case.
func split(conjunction []atom) Cases {
	for i, a := range conjunction {
		if a.texts == nil || a.negated || len(a.texts) < 2 || len(a.texts) > maxSplit {
			continue
		}
		var all Cases
		for _, s := range slices.Sorted(maps.Keys(a.texts)) {
			one := slices.Clone(conjunction)
			one[i] = atom{key: a.key, texts: map[string]struct{}{s: {}}}
			all = append(all, one)
		}
		return all
	}
	return Cases{conjunction}
}

// Covered reports whether every case of a condition lies within the earlier cases.
func (p *Prover) Covered(later, earlier Cases) bool {
	for _, conjunction := range later {
		if !p.spend(len(conjunction)) {
			return false
		}
		merged, possible := simplify(conjunction)
		if !possible {
			continue
		}
		for _, one := range split(merged) {
			if !p.within(one, earlier) && !p.intervalCovered(one, earlier) {
				return false
			}
		}
	}
	return true
}

// within reports whether a conjunction lies within one of the earlier cases.
func (p *Prover) within(conjunction []atom, earlier Cases) bool {
	for _, e := range earlier {
		if !p.spend(1 + len(conjunction)) {
			return false
		}
		if !slices.ContainsFunc(e, func(b atom) bool { return !p.implies(conjunction, b) }) {
			return true
		}
	}
	return false
}

// implies reports whether a conjunction can only be true when the atom is.
func (p *Prover) implies(conjunction []atom, b atom) bool {
	return p.spend(len(conjunction)) && slices.ContainsFunc(conjunction, func(a atom) bool { return a.implies(b) })
}

// intervalCovered reports whether several earlier cases about one number cover it together.
func (p *Prover) intervalCovered(conjunction []atom, earlier Cases) bool {
	for _, a := range conjunction {
		if a.interval == nil {
			continue
		}
		var parts []interval
		for _, e := range earlier {
			if len(e) == 1 && e[0].key == a.key && e[0].interval != nil {
				parts = append(parts, *e[0].interval)
			}
		}
		if p.spend(len(earlier)+len(parts)*len(parts)) && unionCovers(*a.interval, parts) {
			return true
		}
	}
	return false
}

// unionCovers eats the interval from its low end.
func unionCovers(rest interval, parts []interval) bool {
	for range parts {
		for _, p := range parts {
			if p.high < rest.low || !(p.low < rest.low || p.low == rest.low && (rest.lowOpen || !p.lowOpen)) {
				continue
			}
			if p.high > rest.low || p.high == rest.low && !p.highOpen {
				rest.low, rest.lowOpen = p.high, !p.highOpen
			}
			if rest.empty() || rest.low > rest.high {
				return true
			}
		}
	}
	return false
}
