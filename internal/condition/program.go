package condition

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/builtin"
	"github.com/expr-lang/expr/checker"
	bytecode "github.com/expr-lang/expr/compiler"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/vm"
)

// maxMemory bounds what one run of a program may allocate, in the machine's own units (items).
const maxMemory = 100_000

// machines are reusable expression machines, shared by the conditions of one playbook.
type machines struct{ pool sync.Pool }

type machine struct {
	vm  vm.VM
	env map[string]any
}

func (m *machines) take() *machine {
	if used, ok := m.pool.Get().(*machine); ok {
		return used
	}
	return &machine{vm: vm.VM{MemoryBudget: maxMemory}, env: make(map[string]any, 8)}
}

func (m *machines) put(used *machine) {
	clear(used.env)
	m.pool.Put(used)
}

// program is an operand that is calculated by the expression machine. What it reads is put into slots
// beforehand, so a missing fact is seen before the machine starts and the machine sees no other data.
type program struct {
	code     *vm.Program
	slots    []operand
	names    []string
	label    string
	machines *machines
}

// program compiles everything that is not native.
func (b *builder) program(n ast.Node) operand {
	p := &program{label: clip(n.String(), maxBecause), machines: b.c.machines}
	r := &rewriter{b: b, p: p}
	node := r.rewrite(n)
	config := conf.New(map[string]any{})
	config.Strict = false
	for name, f := range runtimeFunctions(b.c.lists) {
		config.Functions[name] = &builtin.Function{Name: name, Func: f}
	}
	tree := &parser.Tree{Node: node, Source: file.NewSource(b.text)}
	_, err := checker.Check(tree, config)
	if err == nil {
		p.code, err = bytecode.Compile(tree, config)
	}
	if err != nil {
		f := typeFinding(err)
		b.found = append(b.found, f)
	}
	return p
}

func (p *program) run(f *Facts) (any, status, error) {
	m := p.machines.take()
	defer p.machines.put(m)
	for i, o := range p.slots {
		v, st := o.value(f)
		if st != present {
			return nil, st, nil
		}
		m.env[p.names[i]] = v
	}
	v, err := m.vm.Run(p.code, m.env)
	switch {
	case err != nil:
		return nil, broken, err
	case v == nil || v == "":
		return nil, absent, nil
	}
	return v, present, nil
}

func (p *program) value(f *Facts) (any, status) {
	v, st, _ := p.run(f)
	return v, st
}

func (p *program) number(f *Facts) (float64, status) {
	v, st, _ := p.run(f)
	return asNumber(v, st)
}

func (p *program) note(f *Facts) note {
	var all note
	for _, o := range p.slots {
		all = all.join(o.note(f))
	}
	v, st, err := p.run(f)
	switch {
	case err != nil:
		all.err = fmt.Sprintf("%s cannot be evaluated: %s", p.label, machineError(err))
	case st == present:
		if _, isBool := v.(bool); !isBool {
			all = all.join(note{text: p.label + " = " + show(v)})
		}
	case len(all.missing) == 0 && all.err == "":
		all.missing = []string{p.label}
	}
	return all
}

func machineError(err error) string {
	message := err.Error()
	if e, ok := errors.AsType[*file.Error](err); ok {
		message = e.Message
	}
	if strings.Contains(message, "interface conversion") {
		return "a value has the wrong type"
	}
	return typeWords.Replace(message)
}

// Names that the rewriter calls; authors cannot, because the vetter knows only its own list.
const (
	listedFunction     = "listed"
	arithmeticFunction = "arithmetic"
	itemsFunction      = "items"
)

type function = func(args ...any) (any, error)

func runtimeFunctions(lists map[string]membership) map[string]function {
	return map[string]function{
		listedFunction: func(args ...any) (any, error) {
			s, isText := args[0].(string)
			name, ok := args[1].(string)
			return ok && isText && lists[name](s), nil
		},
		arithmeticFunction: arithmetic,
		itemsFunction:      items,
	}
}

// items lets only lists into comprehensions: the machine would go through a text byte by byte.
func items(args ...any) (any, error) {
	switch args[0].(type) {
	case []any, []string, []int:
		return args[0], nil
	}
	return nil, fmt.Errorf("%s is not a list", show(args[0]))
}

// arithmetic calculates on float64 only: no overflow that wraps, and what is not finite is an error.
func arithmetic(args ...any) (any, error) {
	op, _ := args[0].(string)
	if a, ok := args[1].(string); ok && op == "+" {
		if b, also := args[2].(string); also {
			return a + b, nil
		}
	}
	a, okA := toNumber(args[1])
	b, okB := toNumber(args[2])
	if !okA || !okB {
		return nil, fmt.Errorf("%s %s %s is not defined", show(args[1]), op, show(args[2]))
	}
	if b == 0 && (op == "/" || op == "%") {
		return nil, errors.New("division by zero")
	}
	v := map[string]func() float64{
		"+": func() float64 { return a + b }, "-": func() float64 { return a - b },
		"*": func() float64 { return a * b }, "/": func() float64 { return a / b },
		"%": func() float64 { return math.Mod(a, b) }, "**": func() float64 { return math.Pow(a, b) },
		"^": func() float64 { return math.Pow(a, b) },
	}[op]()
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil, fmt.Errorf("%s %s %s is not a finite number", show(a), op, show(b))
	}
	return v, nil
}

// rewriter copies a tree and puts a slot where facts are read, so that leaves can share subtrees.
type rewriter struct {
	b *builder
	p *program
}

func (r *rewriter) rewrite(node ast.Node) ast.Node {
	if node == nil {
		return nil
	}
	n := unchain(node)
	if o := r.b.simple(n); o != nil && !isNil(n) {
		return r.slot(n, o)
	}
	out := r.copied(n)
	if _, ok := node.(*ast.ChainNode); ok { // a?.b keeps its frame: the machine jumps to its end
		out.SetLocation(n.Location())
		out = &ast.ChainNode{Node: out}
	}
	out.SetLocation(n.Location())
	return out
}

func (r *rewriter) slot(n ast.Node, o operand) ast.Node {
	name := "v" + strconv.Itoa(len(r.p.slots))
	r.p.slots = append(r.p.slots, o)
	r.p.names = append(r.p.names, name)
	id := &ast.IdentifierNode{Value: name}
	id.SetLocation(n.Location())
	return id
}

func (r *rewriter) copied(node ast.Node) ast.Node {
	switch n := node.(type) {
	case *ast.IntegerNode: // numbers are float64 everywhere, so that nothing wraps around
		return &ast.FloatNode{Value: float64(n.Value)}
	case *ast.FloatNode:
		return &ast.FloatNode{Value: n.Value}
	case *ast.StringNode:
		return &ast.StringNode{Value: n.Value}
	case *ast.BoolNode:
		return &ast.BoolNode{Value: n.Value}
	case *ast.PointerNode:
		return &ast.PointerNode{Name: n.Name}
	case *ast.UnaryNode:
		return &ast.UnaryNode{Operator: n.Operator, Node: r.rewrite(n.Node)}
	case *ast.BinaryNode:
		return r.binary(n)
	case *ast.MemberNode:
		return &ast.MemberNode{Node: r.rewrite(n.Node), Property: r.index(n.Property), Optional: n.Optional}
	case *ast.SliceNode:
		return &ast.SliceNode{Node: r.rewrite(n.Node), From: r.index(n.From), To: r.index(n.To)}
	case *ast.BuiltinNode:
		return r.builtin(n)
	case *ast.PredicateNode:
		return &ast.PredicateNode{Node: r.rewrite(n.Node)}
	case *ast.ConditionalNode:
		return &ast.ConditionalNode{Ternary: n.Ternary, Cond: r.rewrite(n.Cond), Exp1: r.rewrite(n.Exp1), Exp2: r.rewrite(n.Exp2)}
	case *ast.ArrayNode:
		return &ast.ArrayNode{Nodes: r.all(n.Nodes)}
	}
	return &ast.NilNode{}
}

func (r *rewriter) builtin(n *ast.BuiltinNode) ast.Node {
	arguments := r.all(n.Arguments)
	if len(arguments) > 1 && isPredicate(arguments[1]) {
		arguments[0] = &ast.CallNode{Callee: &ast.IdentifierNode{Value: itemsFunction}, Arguments: []ast.Node{arguments[0]}}
	}
	return &ast.BuiltinNode{Name: n.Name, Arguments: arguments}
}

// index keeps integer literals integers: they index lists.
func (r *rewriter) index(node ast.Node) ast.Node {
	if n, ok := node.(*ast.IntegerNode); ok {
		return &ast.IntegerNode{Value: n.Value}
	}
	return r.rewrite(node)
}

func (r *rewriter) all(nodes []ast.Node) []ast.Node {
	out := make([]ast.Node, len(nodes))
	for i, n := range nodes {
		out[i] = r.rewrite(n)
	}
	return out
}

func (r *rewriter) binary(n *ast.BinaryNode) ast.Node {
	switch n.Operator {
	case "+", "-", "*", "/", "%", "**", "^":
		return &ast.CallNode{
			Callee:    &ast.IdentifierNode{Value: arithmeticFunction},
			Arguments: []ast.Node{&ast.StringNode{Value: n.Operator}, r.rewrite(n.Left), r.rewrite(n.Right)},
		}
	case "in":
		if m, ok := unchain(n.Right).(*ast.MemberNode); ok && r.b.list(m) != nil {
			names, _ := memberPath(m)
			return &ast.CallNode{
				Callee:    &ast.IdentifierNode{Value: listedFunction},
				Arguments: []ast.Node{r.rewrite(n.Left), &ast.StringNode{Value: names[0]}},
			}
		}
	case "..":
		return &ast.BinaryNode{Operator: n.Operator, Left: r.index(n.Left), Right: r.index(n.Right)}
	}
	return &ast.BinaryNode{Operator: n.Operator, Left: r.rewrite(n.Left), Right: r.rewrite(n.Right)}
}

// hasPointer reports whether a part speaks of the item of a comprehension around it.
func hasPointer(n ast.Node) bool {
	f := pointerFinder{}
	ast.Walk(&n, &f)
	return f.found
}

type pointerFinder struct{ found bool }

func (f *pointerFinder) Visit(n *ast.Node) {
	if _, ok := (*n).(*ast.PointerNode); ok {
		f.found = true
	}
}
