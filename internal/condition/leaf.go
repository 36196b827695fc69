package condition

import (
	"fmt"
	"math"
	"regexp"
	"strings"
)

// leaf is a part of a condition without and, or, not: the unit that is true, false or unknown by
// itself. The common ones are native closures; the rest run on the expression machine.
type leaf struct {
	text  string // as people read it
	test  func(f *Facts) Truth
	reads []operand
	err   func(f *Facts) string // why test is Unknown although nothing is missing; may be nil
	fact  atom                  // what the checker understands of it
}

func (l *leaf) eval(f *Facts) Truth { return l.test(f) }

func (l *leaf) explain(f *Facts, why *reason) Truth {
	t := l.test(f)
	var all note
	for _, o := range l.reads {
		all = all.join(o.note(f))
	}
	why.because = append(why.because, l.sentence(t, all.text))
	if t != Unknown {
		return t
	}
	why.missing = append(why.missing, all.missing...)
	if why.err == "" && len(all.missing) == 0 {
		why.err = all.err
		if why.err == "" && l.err != nil {
			why.err = l.err(f)
		}
	}
	return t
}

func (l *leaf) sentence(t Truth, values string) string {
	if strings.HasPrefix(values, l.text+" ") { // a bare operand: "has_signal("x") = true" says it all
		return values
	}
	s := l.text
	switch t {
	case True:
	case False:
		s += " is false"
	case Unknown:
		s += " is unknown"
	}
	if values == "" {
		return s
	}
	return s + " (" + values + ")"
}

// fromNumber makes the test of a condition on one number.
func fromNumber(o operand, holds func(float64) bool) func(f *Facts) Truth {
	return func(f *Facts) Truth {
		n, st := o.number(f)
		if st != present {
			return Unknown
		}
		return truthOf(holds(n))
	}
}

// compareNumber is `operand < 5` and its sisters. Equality with something that is no number is false;
// order with it is undefined.
func compareNumber(op string, o operand, limit float64) func(f *Facts) Truth {
	switch op {
	case "<":
		return fromNumber(o, func(n float64) bool { return n < limit })
	case "<=":
		return fromNumber(o, func(n float64) bool { return n <= limit })
	case ">":
		return fromNumber(o, func(n float64) bool { return n > limit })
	case ">=":
		return fromNumber(o, func(n float64) bool { return n >= limit })
	}
	equal := op == "=="
	return func(f *Facts) Truth {
		n, st := o.number(f)
		if st == broken { // no number, or no value at all
			_, st = o.value(f)
			n = math.NaN()
		}
		if st != present {
			return Unknown
		}
		return truthOf((n == limit) == equal)
	}
}

// fromText makes the test of a condition on one text; other types are undefined.
func fromText(o operand, holds func(string) bool) func(f *Facts) Truth {
	return func(f *Facts) Truth {
		v, st := o.value(f)
		if st != present {
			return Unknown
		}
		s, ok := v.(string)
		if !ok {
			return Unknown
		}
		return truthOf(holds(s))
	}
}

// textPredicate is `text OP s` for order and the text operators; nil for others.
func textPredicate(op, s string) func(string) bool {
	switch op {
	case "<":
		return func(v string) bool { return v < s }
	case "<=":
		return func(v string) bool { return v <= s }
	case ">":
		return func(v string) bool { return v > s }
	case ">=":
		return func(v string) bool { return v >= s }
	case "contains":
		return func(v string) bool { return strings.Contains(v, s) }
	case "startsWith":
		return func(v string) bool { return strings.HasPrefix(v, s) }
	case "endsWith":
		return func(v string) bool { return strings.HasSuffix(v, s) }
	}
	return nil
}

// compareText is `operand == "x"`, order, and the text operators.
func compareText(op string, o operand, s string) func(f *Facts) Truth {
	if holds := textPredicate(op, s); holds != nil {
		return fromText(o, holds)
	}
	return equalTo(o, s, op == "==")
}

// equalTo is `operand == literal` (wanted true) or `!=` for text and booleans.
func equalTo(o operand, literal any, wanted bool) func(f *Facts) Truth {
	return func(f *Facts) Truth {
		v, st := o.value(f)
		if st != present {
			return Unknown
		}
		return truthOf(sameValue(v, literal) == wanted)
	}
}

// sameValue compares a fact with a literal; numbers compare as numbers, other types never mix.
func sameValue(v, literal any) bool {
	switch l := literal.(type) {
	case string:
		s, ok := v.(string)
		return ok && s == l
	case bool:
		b, ok := v.(bool)
		return ok && b == l
	}
	a, ok := toNumber(v)
	b, also := toNumber(literal)
	return ok && also && a == b
}

func matchesPattern(o operand, pattern *regexp.Regexp) func(f *Facts) Truth {
	return fromText(o, pattern.MatchString)
}

// inSet is `operand in ["a", 2]`.
func inSet(o operand, literals []any) func(f *Facts) Truth {
	texts := make(map[string]struct{}, len(literals))
	var others []any
	for _, l := range literals {
		if s, ok := l.(string); ok {
			texts[s] = struct{}{}
			continue
		}
		others = append(others, l)
	}
	return func(f *Facts) Truth {
		v, st := o.value(f)
		if st != present {
			return Unknown
		}
		if s, ok := v.(string); ok {
			_, found := texts[s]
			return truthOf(found)
		}
		for _, l := range others {
			if sameValue(v, l) {
				return True
			}
		}
		return False
	}
}

// inList is `operand in lists.name`; what is not text is in no list.
func inList(o operand, has membership) func(f *Facts) Truth {
	return func(f *Facts) Truth {
		v, st := o.value(f)
		if st != present {
			return Unknown
		}
		s, ok := v.(string)
		return truthOf(ok && has(s))
	}
}

// holds is `literal in operand`: a list that has the item, or a mapping that has the key.
func holds(o operand, literal any) func(f *Facts) Truth {
	return func(f *Facts) Truth {
		v, st := o.value(f)
		if st != present {
			return Unknown
		}
		switch x := v.(type) {
		case []any:
			for _, item := range x {
				if sameValue(item, literal) {
					return True
				}
			}
			return False
		case map[string]any:
			s, ok := literal.(string)
			_, has := x[s]
			return truthOf(ok && has)
		}
		return Unknown
	}
}

// isTrue is a bare operand that must be true or false itself.
func isTrue(o operand) func(f *Facts) Truth {
	return func(f *Facts) Truth {
		v, st := o.value(f)
		if st != present {
			return Unknown
		}
		b, ok := v.(bool)
		if !ok {
			return Unknown
		}
		return truthOf(b)
	}
}

// mistyped is the explanation of a leaf whose operand has the wrong type.
func mistyped(o operand, wanted string) func(f *Facts) string {
	return func(f *Facts) string {
		return fmt.Sprintf("%s, which is not %s", o.note(f).text, wanted)
	}
}
