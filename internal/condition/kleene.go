package condition

// allOf is "and": False when any part is, else Unknown when any part is, else True.
type allOf []node

func (n allOf) eval(f *Facts) Truth {
	result := True
	for _, part := range n {
		switch part.eval(f) {
		case False:
			return False
		case Unknown:
			result = Unknown
		case True:
		}
	}
	return result
}

func (n allOf) explain(f *Facts, why *reason) Truth { return explainParts(n, f, why, False) }

// anyOf is "or": True when any part is, else Unknown when any part is, else False.
type anyOf []node

func (n anyOf) eval(f *Facts) Truth {
	result := False
	for _, part := range n {
		switch part.eval(f) {
		case True:
			return True
		case Unknown:
			result = Unknown
		case False:
		}
	}
	return result
}

func (n anyOf) explain(f *Facts, why *reason) Truth { return explainParts(n, f, why, True) }

// explainParts explains "and" (decisive False) and "or" (decisive True): the first decisive part is
// the whole reason; else the unknown parts are; else all of them.
func explainParts(parts []node, f *Facts, why *reason, decisive Truth) Truth {
	var unknown, rest reason
	result := True
	if decisive == True {
		result = False
	}
	for _, part := range parts {
		var one reason
		t := part.explain(f, &one)
		if t == decisive {
			why.merge(one)
			return decisive
		}
		if t == Unknown {
			result = Unknown
			unknown.merge(one)
			continue
		}
		rest.merge(one)
	}
	if result == Unknown {
		rest = unknown
	}
	why.merge(rest)
	return result
}

func (r *reason) merge(o reason) {
	r.because = append(r.because, o.because...)
	r.missing = append(r.missing, o.missing...)
	if r.err == "" {
		r.err = o.err
	}
}

// notOf is "not": Unknown stays Unknown.
type notOf struct{ part node }

func (n notOf) eval(f *Facts) Truth { return n.part.eval(f).not() }

func (n notOf) explain(f *Facts, why *reason) Truth { return n.part.explain(f, why).not() }

func (t Truth) not() Truth {
	switch t {
	case True:
		return False
	case False:
		return True
	case Unknown:
	}
	return Unknown
}

// choiceOf is "if … then … else …": Unknown when the question is, unless both answers agree.
type choiceOf struct{ question, yes, no node }

func (n choiceOf) eval(f *Facts) Truth {
	switch n.question.eval(f) {
	case True:
		return n.yes.eval(f)
	case False:
		return n.no.eval(f)
	case Unknown:
	}
	if yes := n.yes.eval(f); yes == n.no.eval(f) {
		return yes
	}
	return Unknown
}

func (n choiceOf) explain(f *Facts, why *reason) Truth {
	var question reason
	answer := n.question.explain(f, &question)
	switch answer {
	case True:
		why.merge(question)
		return n.yes.explain(f, why)
	case False:
		why.merge(question)
		return n.no.explain(f, why)
	case Unknown:
	}
	var yes reason
	if t := n.yes.explain(f, &yes); t == n.no.eval(f) && t != Unknown {
		why.merge(yes)
		return t
	}
	why.merge(question)
	return Unknown
}

// fixed is a literal true or false.
type fixed bool

func (n fixed) eval(*Facts) Truth {
	if n {
		return True
	}
	return False
}

func (n fixed) explain(f *Facts, why *reason) Truth {
	if n {
		why.because = append(why.because, "always true")
	} else {
		why.because = append(why.because, "always false")
	}
	return n.eval(f)
}

// truthOf converts a Go boolean.
func truthOf(b bool) Truth {
	if b {
		return True
	}
	return False
}
