package condition

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/builtin"
	"github.com/expr-lang/expr/checker"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/types"
)

// MaxLength bounds one condition, in characters.
const MaxLength = 4096

// More bounds of one condition.
const (
	maxExprNodes = 500
	maxProofList = 1000 // entries; membership in longer lists is opaque to the checker
)

// Compiler turns the conditions of one playbook into Kleene trees over native leaves and programs.
type Compiler struct {
	signals  map[string]int
	own      map[string][]string // the author's lists
	lists    map[string]membership
	config   *conf.Config
	machines *machines

	usesScore bool // set while one condition is vetted
}

// NewCompiler makes a compiler for conditions that ask about signals, which it knows by their index, and
// about lists of the author's besides the built-in ones.
func NewCompiler(signals map[string]int, own map[string][]string) *Compiler {
	lists := builtInLists()
	for name, items := range own {
		lists[name] = listOf(items)
	}
	c := &Compiler{signals: signals, own: own, lists: lists, machines: &machines{}}
	c.config = conf.New(c.environment())
	c.config.MaxNodes = maxExprNodes
	c.config.Expect, c.config.ExpectAny = reflect.Bool, true
	declare(c.config, "count", new(func(string, string) int))
	declare(c.config, "days_since", new(func(string) float64))
	declare(c.config, "has_signal", new(func(string) bool))
	declare(c.config, "known", new(func(any) bool))
	return c
}

// declare tells the type checker about a function; the compiler replaces its calls, so it has no body.
func declare(config *conf.Config, name string, signature any) {
	config.Functions[name] = &builtin.Function{Name: name, Types: []reflect.Type{reflect.TypeOf(signature).Elem()}}
}

func (c *Compiler) environment() types.Map {
	lists := types.Map{}
	for name := range c.lists {
		lists[name] = types.Array(types.Any)
	}
	return types.Map{
		"person":  traitMap(PersonTraits(), true),
		"account": traitMap(AccountTraits(), true),
		"event":   traitMap(EventTraits(), false),
		"lists":   lists,
		"score":   types.Map{"fit": types.Float64, "intent": types.Float64},
	}
}

func traitMap(traits []Trait, open bool) types.Map {
	m := types.Map{}
	for _, t := range traits {
		switch t.Type {
		case TextTrait:
			m[t.Name] = types.String
		case NumberTrait:
			m[t.Name] = types.Float64
		case ListTrait:
			m[t.Name] = types.Array(types.String)
		case MapTrait:
			m[t.Name] = types.Any
		}
	}
	if open {
		m[types.Extra] = types.Any
	}
	return m
}

func (c *Compiler) signalNames() []string {
	names := make([]string, 0, len(c.signals))
	for name := range c.signals {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Compile reads one condition. Every problem is placed at a character of the text; the condition is
// nil when there is any. A compiler serves one goroutine at a time; what it compiled serves many.
func (c *Compiler) Compile(text string, at Scope) (*Condition, []Finding) {
	if n := utf8.RuneCountInString(text); n > MaxLength {
		return nil, []Finding{{0, "too_large", fmt.Sprintf("the condition has %d characters; the limit is %d", n, MaxLength), ""}}
	}
	tree, err := parser.ParseWithConfig(text, c.config)
	if err != nil {
		return nil, []Finding{syntaxFinding(err, text)}
	}
	v := &vetter{c: c, scope: at, paths: map[string]bool{}}
	c.usesScore = false
	v.walk(tree.Node, place{})
	if len(v.found) > 0 {
		return nil, v.found
	}
	if _, err := checker.Check(tree, c.config); err != nil {
		return nil, []Finding{typeFinding(err)}
	}
	b := &builder{c: c, text: text}
	root := b.truth(tree.Node)
	if len(b.found) > 0 {
		return nil, b.found
	}
	paths := make([]string, 0, len(v.paths))
	for p := range v.paths {
		paths = append(paths, p)
	}
	slices.Sort(paths)
	return &Condition{Text: text, root: root, uses: uses{paths: paths, signals: b.signals, score: c.usesScore, demands: b.demands}}, nil
}

func syntaxFinding(err error, text string) Finding {
	f := Finding{Code: "condition_syntax", Message: err.Error(), Hint: "see the language of conditions in the playbook reference"}
	if e, ok := errors.AsType[*file.Error](err); ok {
		f.Offset, f.Message = e.From, e.Message
	}
	switch {
	case strings.Contains(f.Message, "maximum allowed nodes"):
		f.Code, f.Message, f.Hint = "too_expensive", fmt.Sprintf("the condition has more than %d parts", maxExprNodes), "use a list"
	case strings.Contains(f.Message, `Operator("=")`):
		f.Message, f.Hint = readableToken(f.Message), "compare with =="
	case strings.Contains(f.Message, "EOF"):
		f.Message, f.Hint = "the condition ends too early", "something is missing after this"
		f.Offset = min(f.Offset, utf8.RuneCountInString(text))
	case strings.HasPrefix(f.Message, "unexpected token"):
		f.Message = readableToken(f.Message)
	}
	return f
}

// readableToken turns `unexpected token Identifier("foo")` into `unexpected "foo"`.
func readableToken(message string) string {
	open, shut := strings.Index(message, "("), strings.LastIndex(message, ")")
	if open < 0 || shut < open {
		return message
	}
	return "unexpected " + message[open+1:shut]
}

var typeWords = strings.NewReplacer(
	"map[string]interface {}", "mapping", "[]interface {}", "list", "[]string", "list of text", "[]any", "list",
	"float64", "number", "int", "number", "string", "text", "bool", "true or false", "interface {}", "any value",
	"invalid operation: ", "", "mismatched types", "cannot combine",
)

func typeFinding(err error) Finding {
	f := Finding{Code: "condition_type", Message: err.Error()}
	if e, ok := errors.AsType[*file.Error](err); ok {
		f.Offset, f.Message = e.From, e.Message
	}
	if strings.HasPrefix(f.Message, "expected bool, but got ") {
		f.Hint = "compare it with something: account.employees > 50"
		f.Message = "a condition must be true or false, not a " + typeWords.Replace(strings.TrimPrefix(f.Message, "expected bool, but got "))
		return f
	}
	f.Message, f.Hint = readableTypes(f.Message)
	return f
}

// readableTypes turns `invalid operation: > (mismatched types float64 and string)` into words.
func readableTypes(message string) (readable, hint string) {
	var op, left, right string
	if n, err := fmt.Sscanf(message, "invalid operation: %s (mismatched types %s and %s", &op, &left, &right); n == 3 && err == nil {
		left, right = typeWords.Replace(left), typeWords.Replace(strings.TrimSuffix(right, ")"))
		if left == "number" && right == "text" || left == "text" && right == "number" {
			hint = "numbers stand without quotes, text stands in quotes"
		}
		return fmt.Sprintf("%s cannot stand between %s and %s", op, left, right), hint
	}
	return typeWords.Replace(message), ""
}

// items are the entries of one of the author's lists, named lists.x.
func (c *Compiler) items(n *ast.MemberNode) (map[string]struct{}, bool) {
	names, _ := memberPath(n)
	items, ok := c.own[names[0]]
	set := make(map[string]struct{}, len(items))
	for _, item := range items {
		set[item] = struct{}{}
	}
	return set, ok && len(items) <= maxProofList
}
