package signal

// element is one place of a pattern.
type element struct {
	words    []int  // ids of forms or lemmas that fit
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
	return false
}

// path is how far a pattern has come: the next token, and whether a denial, another person or a modal verb
// stood in a gap on the way.
type path struct {
	next   int
	denied bool
	other  bool
	modal  bool
}

// match tries a pattern at a token; ok is false when it does not begin there. The set of paths stays
// small because gaps are bounded, so the work per token is bounded too.
func (r *rules) match(p []element, tokens []token, start int) (end path, ok bool) {
	paths := []path{{next: start}}
	for i := range p {
		paths = r.advance(&p[i], tokens, paths)
		if len(paths) == 0 {
			return path{}, false
		}
	}
	return paths[0], true
}

func (r *rules) advance(e *element, tokens []token, paths []path) []path {
	var out []path
	for _, at := range paths {
		if e.optional {
			out = keepPath(out, at)
		}
		out = r.reach(out, e, tokens, at)
	}
	return out
}

// reach appends where the element can be met from a path, over its gap.
func (r *rules) reach(out []path, e *element, tokens []token, at path) []path {
	for skipped := 0; ; skipped++ {
		met, width := r.meets(e, tokens, at.next)
		if met {
			out = keepPath(out, path{at.next + width, at.denied, at.other, at.modal})
		}
		if skipped == e.gap || at.next >= len(tokens) {
			return out
		}
		t := &tokens[at.next]
		if t.stop && !e.far || t.has(r.breaks) && !e.far {
			return out
		}
		at.denied = at.denied || t.has(r.deny) && !t.has(r.harmless)
		at.other = at.other || t.has(r.others)
		at.modal = at.modal || t.has(r.modals)
		at.next++
	}
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

func keepPath(paths []path, p path) []path {
	for i := range paths {
		if paths[i].next == p.next {
			return paths
		}
	}
	return append(paths, p)
}
