package signal

import "slices"

// hit is a match of a rule in a sentence.
type hit struct {
	kind     Kind
	rule     int
	from, to int // tokens
	negated  bool
	sure     bool // a fixed phrase; it wins over what it overlaps
}

// read applies all rules to one sentence.
func (r *rules) read(text string, s sentence) []Finding {
	hits, vetoed, shadowed := r.scan(&s)
	hits = slices.DeleteFunc(hits, func(h hit) bool {
		return vetoed[h.kind] || vetoed[""] || overlapsShadow(h, shadowed)
	})
	var found []Finding
	for i, h := range hits {
		if beaten(hits, i) {
			continue
		}
		start, end := s.tokens[h.from].start, s.tokens[h.to-1].end
		found = append(found, Finding{h.kind, h.negated, text[start:end], start, end})
	}
	return found
}

// scan finds every match, before they are weighed against each other.
func (r *rules) scan(s *sentence) (hits []hit, vetoed map[Kind]bool, shadowed []hit) {
	vetoed = map[Kind]bool{}
	m := newMatcher(r, s.tokens)
	for at := range s.tokens {
		for _, n := range r.candidates(&s.tokens[at]) {
			x := &r.all[n]
			end, ok := m.match(x, at)
			if !ok || end.next == at {
				continue
			}
			switch x.mode {
			case vetoes:
				vetoed[x.kind] = true
			case shadows:
				shadowed = append(shadowed, hit{kind: x.kind, from: at, to: end.next})
			default:
				if h, ok := r.judge(s, x, at, end); ok {
					h.rule = n
					hits = append(hits, h)
				}
			}
		}
	}
	return hits, vetoed, shadowed
}

// candidates are the rules that may begin with the token.
func (r *rules) candidates(t *token) []int {
	out := r.byWord[t.ids[0]]
	if t.ids[1] != t.ids[0] {
		out = append(slices.Clip(out), r.byWord[t.ids[1]]...)
	}
	for _, special := range [...]uint64{classNumber, classMoney, classWhen} {
		if t.classes&special != 0 {
			out = append(slices.Clip(out), r.byClass[special]...)
		}
	}
	return out
}

// judge weighs a match by what surrounds it.
func (r *rules) judge(s *sentence, x *rule, from int, end path) (hit, bool) {
	h := hit{kind: x.kind, from: from, to: end.next, negated: x.mode == denies, sure: x.mode == certain}
	around := r.before(s.tokens, from)
	around.supposed = around.supposed || r.conditional(s.tokens, from, end.next)
	if x.reply {
		h.negated = around.denied && x.mode != certain
		return h, true
	}
	switch x.mode {
	case inQuestion:
		return h, from >= s.asks && !around.stranger && !end.afar
	case asksAbout:
		h.negated = around.denied
		return h, !around.stranger && !end.afar
	case certain:
		return h, from < s.asks && !around.supposed && !around.other
	case denies:
		return h, from < s.asks && !around.supposed && !around.other && !around.denied && !end.denied &&
			(x.kind != Authority || !around.waiting)
	case requests:
		return h, !around.denied && !end.denied && !around.supposed && !around.stranger && (from < s.asks || s.tokens[s.asks].has(r.polite))
	default:
		return stated(s, h, x.kind, around, end)
	}
}

// stated weighs a plain statement.
func stated(s *sentence, h hit, kind Kind, around surroundings, end path) (hit, bool) {
	planned := kind == Budget || kind == Approved
	h.negated = around.denied || end.denied || around.pending && planned
	if h.negated && (kind == Deadline || kind == Urgency) || planned && (around.modal || end.modal || around.later) {
		return h, false
	}
	foreign := around.other || around.they && !planned || end.other && kind != Approved // the director gave his approval
	return h, h.from < s.asks && !around.supposed && !foreign
}

// conditional says whether the match hangs on an earlier "if": "if approved, we would start in May".
func (r *rules) conditional(tokens []token, from, to int) bool {
	clause := from
	for clause > 0 && !tokens[clause-1].stop {
		clause--
	}
	would := slices.ContainsFunc(tokens[clause:to], func(t token) bool { return t.is("would", "could", "will", "might", "may") })
	return would && slices.ContainsFunc(tokens[:clause], func(t token) bool { return t.is("if", "unless", "assuming", "suppose", "once") })
}

// surroundings are what stands before a match in its clause.
type surroundings struct{ denied, supposed, other, stranger, modal, pending, later, waiting, they bool }

// clauseReach is how many words back something can govern a match.
const clauseReach = 7

// before looks back from a match to the beginning of its clause. A supposition ("if", "wish") governs
// everything up to the next comma; a denial or another person only what is near.
func (r *rules) before(tokens []token, from int) surroundings {
	var s surroundings
	near, broken := 0, false
	for i := from - 1; i >= 0 && !tokens[i].stop; i-- {
		t := &tokens[i]
		if t.has(r.doubts) {
			s.supposed = true
		}
		broken = broken || t.has(r.breaks)
		if near++; broken || near > clauseReach {
			continue
		}
		s.denied = s.denied || t.has(r.deny) && !t.has(r.harmless)
		s.modal = s.modal || t.has(r.modals)
		s.pending = s.pending || t.has(r.pending)
		s.stranger = s.stranger || t.has(r.strangers)
		s.other = s.other || near <= 4 && t.has(r.others) || s.stranger
		s.they = s.they || near <= 4 && t.has(r.they)
		s.waiting = s.waiting || t.has(r.waiting)
		s.later = s.later || t.has(r.later)
	}
	return s
}

// overlapsShadow says whether words of the match mean something else here.
func overlapsShadow(h hit, shadows []hit) bool {
	return !h.sure && slices.ContainsFunc(shadows, func(s hit) bool {
		return (s.kind == "" || s.kind == h.kind) && s.from < h.to && h.from < s.to
	})
}

// beaten says whether a better match of the same kind covers the same words: a fixed phrase beats a
// denial, a denial beats a statement, and of equals the tightest wins.
func beaten(hits []hit, i int) bool {
	h := hits[i]
	for j, o := range hits {
		if i == j || o.kind != h.kind || o.from >= h.to || h.from >= o.to {
			continue
		}
		if rank(o) > rank(h) || rank(o) == rank(h) && j < i {
			return true
		}
	}
	return false
}

func rank(h hit) int {
	switch {
	case h.sure:
		return 2
	case h.negated:
		return 1
	}
	return 0
}

// askedFrom finds where a question begins: at the first clause that opens like one, else, when the
// sentence ends with a question mark, at its last clause. Nothing is asked in a sentence without either.
func (r *rules) askedFrom(s *sentence) int {
	opened := true
	for i := range s.tokens {
		t := &s.tokens[i]
		if t.stop || t.has(r.breaks) {
			opened = true
			continue
		}
		if opened && r.opensQuestion(s, i) {
			return i
		}
		opened = false
	}
	if !s.question {
		return len(s.tokens)
	}
	last := len(s.tokens)
	for last > 0 && !s.tokens[last-1].stop {
		last--
	}
	return last
}

// opensQuestion recognises "do you …", "is there …" and, before a question mark, "what …" and "how …".
func (r *rules) opensQuestion(s *sentence, i int) bool {
	t := &s.tokens[i]
	switch {
	case t.has(r.openers):
		return s.question || i == 0 && i+1 < len(s.tokens) && (s.tokens[1].has(r.helpers) || s.tokens[1].is("much", "many", "long", "soon"))
	case t.has(r.helpers) && i+1 < len(s.tokens):
		next := &s.tokens[i+1]
		sure := i == 0 || s.question
		return next.has(r.subjects) || sure && next.has(r.persons) && !t.is("have", "has", "had")
	}
	return false
}
