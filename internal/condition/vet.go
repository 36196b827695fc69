package condition

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"

	"cusp/internal/fault"
)

// vetter walks the syntax tree of one condition and refuses what the language of conditions leaves out:
// names it does not know, and everything that could make a condition slow or give two answers.
type vetter struct {
	c     *Compiler
	scope Scope
	found []Finding
	paths map[string]bool
}

// Finding is a problem at a character of the condition's text.
type Finding struct {
	Offset  int // in characters from the beginning
	Code    string
	Message string
	Hint    string // what to write instead; may be empty
}

// Scope says where a condition stands, and so what it may read.
type Scope struct {
	Event bool // the event at hand: only in a signal's where
	Score bool // score.fit and score.intent: not in the criteria that make up fit
}

// place is what surrounds a node.
type place struct {
	predicate bool // inside a comprehension's predicate, where # stands for an item
	inside    bool // anywhere inside a comprehension
	ofIn      bool // directly right of `in`
}

const maxRange = 1000

func roots() []string { return []string{"person", "account", "event", "lists", "score"} }

func ownFunctions() []string { return []string{"count", "days_since", "has_signal", "known"} }

// builtins are the functions of expr that conditions may call. The others read the clock, depend on
// the order of Go maps, or can make something large out of something small.
func builtins() []string {
	return []string{
		"abs", "all", "any", "ceil", "filter", "find", "first", "float", "floor", "hasPrefix", "hasSuffix", "indexOf",
		"last", "lastIndexOf", "len", "lower", "map", "max", "mean", "median", "min", "none", "one", "round",
		"split", "string", "sum", "trim", "trimPrefix", "trimSuffix", "upper",
	}
}

func (v *vetter) refuse(n ast.Node, code, hint, format string, args ...any) {
	v.found = append(v.found, Finding{n.Location().From, code, fmt.Sprintf(format, args...), hint})
}

func (v *vetter) walk(node ast.Node, at place) {
	inner := at
	inner.ofIn = false
	switch n := node.(type) {
	case *ast.IdentifierNode:
		v.identifier(n)
	case *ast.UnaryNode:
		v.walk(n.Node, inner)
	case *ast.BinaryNode:
		v.binary(n, at)
	case *ast.ChainNode:
		v.walk(n.Node, at)
	case *ast.MemberNode:
		v.member(n, at)
	case *ast.SliceNode:
		v.each(inner, n.Node, n.From, n.To)
	case *ast.CallNode:
		v.call(n, inner)
	case *ast.BuiltinNode:
		v.builtin(n, inner)
	case *ast.PredicateNode:
		inner.predicate = true
		v.walk(n.Node, inner)
	case *ast.ConditionalNode:
		v.each(inner, n.Cond, n.Exp1, n.Exp2)
	case *ast.ArrayNode:
		v.each(inner, n.Nodes...)
	case *ast.BytesNode, *ast.MapNode, *ast.VariableDeclaratorNode, *ast.SequenceNode:
		v.refuse(node, "not_allowed", "write the condition as one expression",
			"a condition has no bytes, mappings, variables or sequences")
	}
}

func (v *vetter) each(at place, nodes ...ast.Node) {
	for _, n := range nodes {
		if n != nil {
			v.walk(n, at)
		}
	}
}

// identifier handles a name that stands alone: a path begins with one, but member sees those first.
func (v *vetter) identifier(n *ast.IdentifierNode) {
	switch {
	case n.Value == "lists":
		v.refuse(n, "not_allowed", "write: x in lists.name", "`lists` stands right of `in`")
	case slices.Contains(roots(), n.Value):
		v.refuse(n, "not_allowed", fmt.Sprintf("write %s.name", n.Value), "`%s` is a group of values; name one of them", n.Value)
	case slices.Contains(ownFunctions(), n.Value):
		v.refuse(n, "not_allowed", fmt.Sprintf("write %s(…)", n.Value), "`%s` is a function", n.Value)
	default:
		hint := fault.Suggest(n.Value, roots())
		if fault.Nearest(n.Value, roots()) == "" {
			hint = "traits are written person.name or account.name; text stands in quotes"
		}
		v.refuse(n, "unknown_name", hint, "unknown name %q", n.Value)
	}
}

func (v *vetter) binary(n *ast.BinaryNode, at place) {
	right := place{predicate: at.predicate, inside: at.inside, ofIn: n.Operator == "in"}
	switch n.Operator {
	case "matches":
		v.pattern(n)
	case "..":
		v.interval(n, at)
	case "<", "<=", ">", ">=", "==", "!=":
		v.countLimit(n.Left, n.Right)
		v.countLimit(n.Right, n.Left)
	}
	at.ofIn = false
	v.walk(n.Left, at)
	v.walk(n.Right, right)
}

func (v *vetter) pattern(n *ast.BinaryNode) {
	s, ok := n.Right.(*ast.StringNode)
	if !ok {
		v.refuse(n.Right, "not_allowed", "write the pattern in quotes", "`matches` needs a literal pattern")
		return
	}
	if _, err := regexp.Compile(s.Value); err != nil {
		message := strings.TrimPrefix(err.Error(), "error parsing regexp: ")
		v.refuse(s, "pattern", "patterns are RE2: https://github.com/google/re2/wiki/Syntax", "not a regular expression: %s", message)
	}
}

func (v *vetter) interval(n *ast.BinaryNode, at place) {
	low, okLow := literalNumber(n.Left)
	high, okHigh := literalNumber(n.Right)
	switch {
	case !okLow || !okHigh:
		v.refuse(n, "not_allowed", "compare twice: x >= a and x <= b", "`..` needs two literal numbers")
	case low > high:
		v.refuse(n, "out_of_range", "the smaller number comes first", "the range %s..%s is empty", FormatNumber(low), FormatNumber(high))
	case !at.ofIn && high-low >= maxRange:
		v.refuse(n, "too_expensive", "", "a range of more than %d numbers is too expensive", maxRange)
	}
}

// countLimit refuses comparisons that count() can never decide, because it saturates.
func (v *vetter) countLimit(call, limit ast.Node) {
	c, ok := call.(*ast.CallNode)
	if !ok || calleeName(c) != "count" {
		return
	}
	if n, ok := literalNumber(limit); ok && n > MaxCount {
		v.refuse(limit, "out_of_range", "use a shorter window or a smaller number",
			"count() answers at most %d, so it cannot be compared with %s", MaxCount, FormatNumber(n))
	}
}

func (v *vetter) member(n *ast.MemberNode, at place) {
	names, base := memberPath(n)
	if base == nil { // an item, a call, a calculation: its fields are not known here
		v.walk(n.Node, place{predicate: at.predicate, inside: at.inside})
		v.property(n, at)
		return
	}
	switch base.Value {
	case "person", "account", "event":
		v.trait(base, names)
		v.properties(n, at)
	case "lists":
		v.list(n, base, names, at)
	case "score":
		v.scoreField(n, base, names)
	default:
		v.identifier(base)
	}
}

// properties walks the calculated steps of a chain, such as the index in items[i].
func (v *vetter) properties(n *ast.MemberNode, at place) {
	v.property(n, at)
	if below, ok := unchain(n.Node).(*ast.MemberNode); ok {
		v.properties(below, at)
	}
}

func (v *vetter) property(n *ast.MemberNode, at place) {
	switch n.Property.(type) {
	case *ast.StringNode, *ast.IntegerNode:
	default:
		v.walk(n.Property, place{predicate: at.predicate, inside: at.inside})
	}
}

func (v *vetter) trait(base *ast.IdentifierNode, names []string) {
	if base.Value == "event" && !v.scope.Event {
		v.refuse(base, "not_allowed", "use person, account or the signals of the lead",
			"`event` is only at hand in a signal's `where`")
		return
	}
	if len(names) == 0 {
		v.refuse(base, "not_allowed", "name the trait: "+base.Value+".name", "traits are named literally")
		return
	}
	if base.Value == "event" && !slices.Contains(traitNames(EventTraits()), names[0]) {
		hint := fault.Suggest(names[0], traitNames(EventTraits()))
		if fault.Nearest(names[0], traitNames(EventTraits())) == "" {
			hint = "the event's own fields are under event.properties." + names[0]
		}
		v.refuse(base, "unknown_name", hint, "an event has no %q", names[0])
		return
	}
	v.paths[base.Value+"."+strings.Join(names, ".")] = true
}

func (v *vetter) list(n *ast.MemberNode, base *ast.IdentifierNode, names []string, at place) {
	switch {
	case !at.ofIn || len(names) != 1 || !isPlainPath(n):
		v.refuse(base, "not_allowed", "write: x in lists.name", "a list may only stand right of `in`")
	case v.c.lists[names[0]] == nil:
		known := make([]string, 0, len(v.c.lists))
		for name := range v.c.lists {
			known = append(known, name)
		}
		v.refuse(base, "unknown_list", fault.Suggest(names[0], known), "there is no list %q", names[0])
	}
}

func (v *vetter) scoreField(n *ast.MemberNode, base *ast.IdentifierNode, names []string) {
	switch {
	case len(names) != 1 || !isPlainPath(n) || (names[0] != "fit" && names[0] != "intent"):
		v.refuse(base, "unknown_name", "write score.fit or score.intent", "there are two scores: fit and intent")
	case !v.scope.Score:
		v.refuse(base, "not_allowed", "use traits; scores belong to `exclude` and `where`",
			"score.%s cannot be read here: fit must not depend on a score", names[0])
	default:
		v.c.usesScore = true
	}
}

func (v *vetter) call(n *ast.CallNode, at place) {
	name := calleeName(n)
	switch name {
	case "":
		v.refuse(n, "not_allowed", "call functions by their name: lower(person.title)", "values have no methods")
		return
	case "count", "days_since", "has_signal":
		v.signalCall(n, name)
		return
	case "known":
		if len(n.Arguments) != 1 || !isTraitOrScore(n.Arguments[0]) {
			v.refuse(n, "arguments", "write known(person.title)", "known() takes one trait")
			return
		}
	default:
		all := append(ownFunctions(), builtins()...)
		v.refuse(n, "unknown_function", fault.Suggest(name, all), "there is no function %s()", name)
	}
	v.each(at, n.Arguments...)
}

func (v *vetter) signalCall(n *ast.CallNode, name string) {
	want := 1
	example := fmt.Sprintf(`write %s("pricing_viewed")`, name)
	if name == "count" {
		want, example = 2, `write count("pricing_viewed", "14d")`
	}
	literals := make([]*ast.StringNode, 0, 2)
	for _, a := range n.Arguments {
		if s, ok := a.(*ast.StringNode); ok {
			literals = append(literals, s)
		}
	}
	if len(n.Arguments) != want || len(literals) != want {
		v.refuse(n, "arguments", example, "%s() takes %s in quotes", name,
			map[int]string{1: "one signal", 2: "one signal and one window"}[want])
		return
	}
	if _, ok := v.c.signals[literals[0].Value]; !ok {
		v.refuse(literals[0], "unknown_signal", fault.Suggest(literals[0].Value, v.c.signalNames()), "there is no signal %q", literals[0].Value)
	}
	if name == "count" {
		if seconds, ok := ParseDuration(literals[1].Value); !ok || seconds == 0 {
			v.refuse(literals[1], "duration", DurationHint, "%q is not a window", literals[1].Value)
		}
	}
}

func (v *vetter) builtin(n *ast.BuiltinNode, at place) {
	comprehension := len(n.Arguments) > 1 && isPredicate(n.Arguments[1])
	switch {
	case !slices.Contains(builtins(), n.Name):
		hint := fault.Suggest(n.Name, append(ownFunctions(), builtins()...))
		if n.Name == "now" || n.Name == "date" || n.Name == "duration" || n.Name == "timezone" {
			hint = `a condition has no clock; use days_since("signal") or count("signal", "14d")`
		}
		v.refuse(n, "unknown_function", hint, "%s() is not part of the language of conditions", n.Name)
		return
	case comprehension && at.inside:
		v.refuse(n, "too_expensive", "raise a signal for the inner question and count it",
			"%s() inside another comprehension is too expensive", n.Name)
		return
	}
	at.inside = at.inside || comprehension
	v.each(at, n.Arguments...)
}

func isPredicate(n ast.Node) bool {
	_, ok := n.(*ast.PredicateNode)
	return ok
}

func calleeName(n *ast.CallNode) string {
	if id, ok := n.Callee.(*ast.IdentifierNode); ok {
		return id.Value
	}
	return ""
}

// memberPath takes person.address.city apart. Base is nil when the chain does not begin with a name;
// names ends at the first property that is not a literal name.
func memberPath(n *ast.MemberNode) (names []string, base *ast.IdentifierNode) {
	switch below := unchain(n.Node).(type) {
	case *ast.IdentifierNode:
		base = below
	case *ast.MemberNode:
		names, base = memberPath(below)
		if base == nil || !isPlainPath(below) {
			return names, base
		}
	}
	if s, ok := n.Property.(*ast.StringNode); ok && base != nil {
		names = append(names, s.Value)
	}
	return names, base
}

// isPlainPath reports whether every step of the chain is a literal name.
func isPlainPath(n *ast.MemberNode) bool {
	if _, ok := n.Property.(*ast.StringNode); !ok {
		return false
	}
	switch below := unchain(n.Node).(type) {
	case *ast.IdentifierNode:
		return true
	case *ast.MemberNode:
		return isPlainPath(below)
	}
	return false
}

func unchain(n ast.Node) ast.Node {
	for {
		c, ok := n.(*ast.ChainNode)
		if !ok {
			return n
		}
		n = c.Node
	}
}

func isTraitOrScore(n ast.Node) bool {
	m, ok := unchain(n).(*ast.MemberNode)
	if !ok || !isPlainPath(m) {
		return false
	}
	_, base := memberPath(m)
	return base.Value != "lists" && slices.Contains(roots(), base.Value)
}

// literalNumber reads a number literal with its sign.
func literalNumber(n ast.Node) (float64, bool) {
	switch x := n.(type) {
	case *ast.IntegerNode:
		return float64(x.Value), true
	case *ast.FloatNode:
		return x.Value, true
	case *ast.UnaryNode:
		v, ok := literalNumber(x.Node)
		switch x.Operator {
		case "-":
			return -v, ok
		case "+":
			return v, ok
		}
	}
	return 0, false
}
