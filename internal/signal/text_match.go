package signal

import "slices"

// element is one place of a pattern.
type element struct {
	words    []int  // ids of forms or lemmas that fit
	forms    []int  // ids of forms that fit
	classes  uint64 // classes that fit
	optional bool
	gap      int  // how many other tokens may stand before it
	far      bool // the gap may reach over commas
	not      bool // the next token must not fit; nothing is consumed
	edge     edge
}

// edge is a place without a token.
type edge uint8

const (
	noEdge edge = iota
	atStart
	atEnd
)

func (e *element) fits(t *token) bool {
	if t.classes&e.classes != 0 {
		return true
	}
	for _, w := range e.words {
		if w == t.ids[0] || w == t.ids[1] {
			return true
		}
	}
	return slices.Contains(e.forms, t.ids[0])
}

// path is how far a pattern has come: the next token, and whether a denial, another person or a modal verb
// stood in a gap on the way.
type path struct {
	next   int
	denied bool
	other  bool
	modal  bool
	afar   bool // the other person has nothing to do with us
}

// matcher tries patterns on one sentence. It keeps its two sets of paths between tries.
type matcher struct {
	r         *rules
	tokens    []token
	words     []uint64 // bit set of the word ids in the sentence
	classes   uint64   // all classes in the sentence
	now, next []path
}

func newMatcher(r *rules, tokens []token) *matcher {
	m := &matcher{r: r, tokens: tokens, words: make([]uint64, len(r.memberOf)/64+1)}
	for i := range tokens {
		t := &tokens[i]
		m.classes |= t.classes
		for _, id := range t.ids {
			m.words[id/64] |= 1 << (id % 64)
		}
	}
	m.words[0] &^= 1 // the id of unknown words
	return m
}

// possible says whether the sentence has any word that the element waits for.
func (m *matcher) possible(e *element) bool {
	if e.classes&m.classes != 0 {
		return true
	}
	return m.holds(e.words) || m.holds(e.forms)
}

// holds says whether any of the words stands in the sentence.
func (m *matcher) holds(ids []int) bool {
	for _, id := range ids {
		if m.words[id/64]&(1<<(id%64)) != 0 {
			return true
		}
	}
	return false
}

// match tries a pattern at a token; ok is false when it does not begin there. The set of paths stays
// small because gaps are bounded, so the work per token is bounded too.
func (m *matcher) match(x *rule, start int) (end path, ok bool) {
	if x.anchor != nil && !m.possible(x.anchor) {
		return path{}, false
	}
	m.now = append(m.now[:0], path{next: start})
	for i := range x.pattern {
		m.advance(&x.pattern[i])
		if len(m.now) == 0 {
			return path{}, false
		}
	}
	return m.now[0], true
}

func (m *matcher) advance(e *element) {
	m.next = m.next[:0]
	for _, at := range m.now {
		if e.optional {
			m.keep(at)
		}
		m.reach(e, at)
	}
	m.now, m.next = m.next, m.now
}

// reach keeps where the element can be met from a path, over its gap.
func (m *matcher) reach(e *element, at path) {
	r := m.r
	for skipped := 0; ; skipped++ {
		met, width := r.meets(e, m.tokens, at.next)
		if met {
			m.keep(path{at.next + width, at.denied, at.other, at.modal, at.afar})
		}
		if skipped == e.gap || at.next >= len(m.tokens) {
			return
		}
		t := &m.tokens[at.next]
		if (t.stop || t.has(r.breaks)) && !e.far {
			return
		}
		at.denied = at.denied || t.has(r.deny) && !t.has(r.harmless)
		at.other = at.other || t.has(r.others)
		at.afar = at.afar || t.has(r.strangers)
		at.modal = at.modal || t.has(r.modals)
		at.next++
	}
}

func (m *matcher) keep(p path) {
	for i := range m.next {
		if m.next[i].next == p.next {
			return
		}
	}
	m.next = append(m.next, p)
}

// meets tries the element at one token; width is how many tokens it takes.
func (r *rules) meets(e *element, tokens []token, at int) (met bool, width int) {
	switch {
	case e.edge == atStart:
		return at == 0 || at <= len(tokens) && tokens[at-1].stop, 0
	case e.edge == atEnd:
		return at == len(tokens) || tokens[at].stop, 0
	case e.not:
		return at >= len(tokens) || !e.fits(&tokens[at]), 0
	}
	return at < len(tokens) && e.fits(&tokens[at]), 1
}
