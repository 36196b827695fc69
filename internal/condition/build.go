package condition

import (
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// builder turns a vetted and type-checked tree into nodes.
type builder struct {
	c       *Compiler
	text    string
	signals []SignalUse
	demands []Demand
	found   []Finding
}

// Demand is a comparison that needs count(signal, window) to be at least a number.
type Demand struct {
	Signal int     // its index
	Window float64 // in seconds
	Least  float64
}

// truth builds the part of the tree that is made of and, or, not and choices.
func (b *builder) truth(node ast.Node) node {
	switch n := unchain(node).(type) {
	case *ast.BoolNode:
		return fixed(n.Value)
	case *ast.UnaryNode:
		if n.Operator == "!" || n.Operator == "not" {
			return notOf{b.truth(n.Node)}
		}
	case *ast.ConditionalNode:
		return choiceOf{b.truth(n.Cond), b.truth(n.Exp1), b.truth(n.Exp2)}
	case *ast.BinaryNode:
		switch n.Operator {
		case "&&", "and":
			return allOf(b.parts(n, "&&", "and"))
		case "||", "or":
			return anyOf(b.parts(n, "||", "or"))
		}
	}
	return b.leaf(unchain(node))
}

// parts flattens a chain of one operator, so that it is evaluated and explained as one.
func (b *builder) parts(n *ast.BinaryNode, operators ...string) []node {
	var parts []node
	for _, side := range []ast.Node{n.Left, n.Right} {
		if below, ok := side.(*ast.BinaryNode); ok && slices.Contains(operators, below.Operator) {
			parts = append(parts, b.parts(below, operators...)...)
			continue
		}
		parts = append(parts, b.truth(side))
	}
	return parts
}

// leaf builds a part that is true or false by itself: natively where its shape is common.
func (b *builder) leaf(n ast.Node) node {
	l := &leaf{text: clip(n.String(), maxBecause), fact: atom{key: n.String()}}
	if binary, ok := n.(*ast.BinaryNode); ok && b.native(l, binary) {
		return l
	}
	o := b.operand(n)
	l.test, l.reads = isTrue(o), []operand{o}
	l.err = mistyped(o, "true or false")
	if _, ok := o.(constant); ok {
		l.err = func(*Facts) string { return l.text + " is not true or false" }
	}
	return l
}

// native fills l for `operand OP literal`; false when the shape is another one.
func (b *builder) native(l *leaf, n *ast.BinaryNode) bool {
	switch n.Operator {
	case "==", "!=", "<", "<=", ">", ">=":
		return b.comparison(l, n)
	case "contains", "startsWith", "endsWith", "matches":
		return b.textual(l, n)
	case "in":
		return b.inclusion(l, n)
	}
	return false
}

func (b *builder) comparison(l *leaf, n *ast.BinaryNode) bool {
	if isNil(n.Left) || isNil(n.Right) {
		return b.presence(l, n)
	}
	op, subject, literal := n.Operator, n.Left, n.Right
	if _, ok := literalOf(subject); ok {
		op, subject, literal = mirrored(op), literal, subject
	}
	value, ok := literalOf(literal)
	if _, both := literalOf(subject); !ok || both {
		return false
	}
	o := b.operand(subject)
	l.reads = []operand{o}
	switch v := value.(type) {
	case float64:
		l.test, l.err = compareNumber(op, o, v), mistyped(o, "a number")
		if i := comparisonInterval(op, v); i != nil {
			l.fact = atom{key: subject.String(), interval: i}
			b.moment(subject, i)
		}
	case string:
		l.test, l.err = compareText(op, o, v), mistyped(o, "text")
		if op == "==" || op == "!=" {
			l.fact = atom{key: subject.String(), texts: map[string]struct{}{v: {}}, negated: op == "!="}
		}
	case bool:
		if op != "==" && op != "!=" {
			return false
		}
		l.test = equalTo(o, v, op == "==")
	}
	return true
}

// moment notes what a comparison says about a signal: that days_since() passes a number of days, so
// that the answer changes by itself that long after an occurrence; and how many occurrences count()
// must find.
func (b *builder) moment(subject ast.Node, i *interval) {
	c, ok := subject.(*ast.CallNode)
	if !ok {
		return
	}
	switch calleeName(c) {
	case "days_since":
		for _, days := range []float64{i.low, i.high} {
			if days > 0 && !math.IsInf(days, 0) {
				b.use(SignalUse{Signal: b.signal(c), Moment: days * Day})
			}
		}
	case "count":
		window, _ := ParseDuration(stringArgument(c, 1))
		least := math.Ceil(i.low)
		if i.lowOpen {
			least = math.Floor(i.low) + 1
		}
		b.demands = append(b.demands, Demand{Signal: b.signal(c), Window: window, Least: least})
	}
}

// presence is `x == nil` and `x != nil`.
func (b *builder) presence(l *leaf, n *ast.BinaryNode) bool {
	subject := n.Left
	if isNil(subject) {
		subject = n.Right
	}
	if n.Operator != "==" && n.Operator != "!=" {
		return false
	}
	o := b.operand(subject)
	known := isKnown(o, l.text)
	l.test = known.test
	if n.Operator == "==" {
		l.test = func(f *Facts) Truth { return known.test(f).not() }
	}
	l.reads = []operand{optional{o}}
	l.fact = atom{key: subject.String(), known: true, negated: n.Operator == "=="}
	return true
}

func (b *builder) textual(l *leaf, n *ast.BinaryNode) bool {
	s, ok := n.Right.(*ast.StringNode)
	if !ok {
		return false
	}
	o := b.operand(n.Left)
	l.reads, l.err = []operand{o}, mistyped(o, "text")
	l.fact.subject = n.Left.String()
	if n.Operator != "matches" {
		l.test = compareText(n.Operator, o, s.Value)
		l.fact.holds = textPredicate(n.Operator, s.Value)
		return true
	}
	pattern, err := regexp.Compile(s.Value)
	if err != nil { // vetted before
		return false
	}
	l.test = matchesPattern(o, pattern)
	l.fact.holds = pattern.MatchString
	return true
}

func (b *builder) inclusion(l *leaf, n *ast.BinaryNode) bool {
	switch right := unchain(n.Right).(type) {
	case *ast.MemberNode:
		if has := b.list(right); has != nil {
			o := b.operand(n.Left)
			l.test, l.reads = inList(o, has), []operand{o}
			l.fact.subject, l.fact.holds = n.Left.String(), has
			if items, ok := b.c.items(right); ok {
				l.fact = atom{key: n.Left.String(), texts: items}
			}
			return true
		}
		if literal, ok := literalOf(n.Left); ok {
			o := b.operand(right)
			l.test, l.reads, l.err = holds(o, literal), []operand{o}, mistyped(o, "a list")
			return true
		}
	case *ast.ArrayNode:
		literals := make([]any, 0, len(right.Nodes))
		for _, item := range right.Nodes {
			v, ok := literalOf(item)
			if !ok {
				return false
			}
			literals = append(literals, v)
		}
		o := b.operand(n.Left)
		l.test, l.reads = inSet(o, literals), []operand{o}
		if set, ok := textSet(literals); ok {
			l.fact = atom{key: n.Left.String(), texts: set}
		}
		return true
	case *ast.BinaryNode:
		low, okLow := literalNumber(right.Left)
		high, okHigh := literalNumber(right.Right)
		if right.Operator != ".." || !okLow || !okHigh {
			return false
		}
		o := b.operand(n.Left)
		l.test = fromNumber(o, func(v float64) bool { return v >= low && v <= high })
		l.fact = atom{key: n.Left.String(), interval: &interval{low: low, high: high}}
		l.reads, l.err = []operand{o}, mistyped(o, "a number")
		return true
	}
	return false
}

// list is the membership behind lists.name; nil when the node is something else.
func (b *builder) list(n *ast.MemberNode) membership {
	names, base := memberPath(n)
	if base == nil || base.Value != "lists" || len(names) != 1 {
		return nil
	}
	return b.c.lists[names[0]]
}

// operand builds something that has a value.
func (b *builder) operand(node ast.Node) operand {
	n := unchain(node)
	if v, ok := literalOf(n); ok {
		return constant{v}
	}
	if o := b.simple(n); o != nil {
		return o
	}
	return b.program(n)
}

// simple builds operands that need no machine; nil when the node does.
func (b *builder) simple(node ast.Node) operand {
	switch n := node.(type) {
	case *ast.NilNode:
		return constant{nil}
	case *ast.MemberNode:
		return b.path(n)
	case *ast.CallNode:
		return b.call(n)
	case *ast.BinaryNode:
		switch n.Operator {
		case "??":
			if hasPointer(n) {
				return nil
			}
			return coalesce{[]operand{b.operand(n.Left), b.operand(n.Right)}}
		case "==", "!=":
			if l := (&leaf{text: n.String()}); (isNil(n.Left) || isNil(n.Right)) && !hasPointer(n) && b.presence(l, n) {
				return &logical{test: l.test, label: l.text}
			}
		}
	}
	return nil
}

func (b *builder) path(n *ast.MemberNode) operand {
	names, base := memberPath(n)
	if base == nil || !isPlainPath(n) {
		return nil
	}
	label := base.Value + "." + strings.Join(names, ".")
	o := &pathOperand{first: names[0], rest: names[1:], label: label}
	switch base.Value {
	case "account":
		o.root = accountRoot
	case "event":
		o.root = eventRoot
	case "score":
		if names[0] == "fit" {
			return fitScore()
		}
		return intentScore()
	case "lists":
		return nil
	}
	return o
}

func (b *builder) call(n *ast.CallNode) operand {
	label := n.String()
	switch calleeName(n) {
	case "count":
		window, _ := ParseDuration(stringArgument(n, 1))
		b.use(SignalUse{Signal: b.signal(n), Window: window, Moment: window})
		return countOf(b.signal(n), window, label)
	case "days_since":
		b.use(SignalUse{Signal: b.signal(n)})
		return daysSince(b.signal(n), label)
	case "has_signal":
		b.use(SignalUse{Signal: b.signal(n)})
		return hasSignal(b.signal(n), label)
	case "known":
		return isKnown(b.operand(n.Arguments[0]), label)
	}
	return nil
}

func (b *builder) signal(n *ast.CallNode) int { return b.c.signals[stringArgument(n, 0)] }

func (b *builder) use(u SignalUse) {
	if !slices.Contains(b.signals, u) {
		b.signals = append(b.signals, u)
	}
}

func stringArgument(n *ast.CallNode, i int) string {
	if s, ok := n.Arguments[i].(*ast.StringNode); ok {
		return s.Value
	}
	return ""
}

func isNil(n ast.Node) bool {
	_, ok := n.(*ast.NilNode)
	return ok
}

// literalOf is the value of a literal: text, true or false, or a number (always float64).
func literalOf(n ast.Node) (any, bool) {
	switch x := n.(type) {
	case *ast.StringNode:
		return x.Value, true
	case *ast.BoolNode:
		return x.Value, true
	}
	v, ok := literalNumber(n)
	return v, ok
}

// mirrored is the operator after its sides have changed places.
func mirrored(op string) string {
	switch op {
	case "<":
		return ">"
	case "<=":
		return ">="
	case ">":
		return "<"
	case ">=":
		return "<="
	}
	return op
}

// optional is an operand whose absence does not matter.
type optional struct{ operand }

func (o optional) note(f *Facts) note {
	n := o.operand.note(f)
	n.missing = nil
	return n
}

// textSet is a list of literals as a set, when all of them are text.
func textSet(literals []any) (map[string]struct{}, bool) {
	set := make(map[string]struct{}, len(literals))
	for _, l := range literals {
		s, ok := l.(string)
		if !ok {
			return nil, false
		}
		set[s] = struct{}{}
	}
	return set, true
}
