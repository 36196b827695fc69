package condition

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// phrase is a random condition: its text, and what it means to a naive reader.
type phrase struct {
	text  string
	means func(f *Facts) Truth
}

var (
	testSignals = map[string]int{"alpha": 0, "beta": 1}
	testLists   = map[string][]string{"mine": {"x", "yes"}}
)

// past is a history out of thin air.
type past struct {
	counts [2]int
	since  [2]float64 // seconds; negative: never
	fit    float64    // negative: unknown
	intent float64
}

func (p past) Count(signal int, window float64) int {
	return min(p.counts[signal]*int(window/(7*Day)), MaxCount)
}
func (p past) SecondsSince(signal int) (float64, bool) { return p.since[signal], p.since[signal] >= 0 }
func (p past) Fit() (float64, bool)                    { return p.fit, p.fit >= 0 }
func (p past) Intent() float64                         { return p.intent }

func drawValue(t *rapid.T) any {
	return rapid.OneOf(
		rapid.Just[any](nil), rapid.Just[any](""), rapid.Just[any](true), rapid.Just[any](false),
		rapid.Map(rapid.SampledFrom([]float64{0, 1, 2, 3, 50, 250.5, -1}), func(v float64) any { return v }),
		rapid.Map(rapid.SampledFrom([]string{"x", "yes", "Xyz", "2", "éa"}), func(v string) any { return v }),
		rapid.Just[any]([]any{"x", 1.0}), rapid.Just[any]([]any{}), rapid.Just[any](map[string]any{"x": 1.0}),
	).Draw(t, "value")
}

func drawFacts(t *rapid.T) *Facts {
	person := map[string]any{}
	for _, name := range []string{"a", "b", "c"} {
		person[name] = drawValue(t)
	}
	if rapid.Bool().Draw(t, "nested") {
		person["d"] = map[string]any{"e": drawValue(t)}
	}
	since := rapid.SampledFrom([]float64{-1, 0, Day, 30 * Day})
	return &Facts{Person: person, History: past{
		counts: [2]int{rapid.IntRange(0, 4).Draw(t, "alpha"), rapid.IntRange(0, 300).Draw(t, "beta")},
		since:  [2]float64{since.Draw(t, "since alpha"), since.Draw(t, "since beta")},
		fit:    rapid.SampledFrom([]float64{-1, 20, 80}).Draw(t, "fit"),
		intent: rapid.SampledFrom([]float64{0, 40}).Draw(t, "intent"),
	}}
}

// at is the naive reading of a path.
func at(f *Facts, path string) (any, bool) {
	v, ok := f.Lookup(path)
	return v, ok
}

func drawPath(t *rapid.T) string {
	return rapid.SampledFrom([]string{"person.a", "person.b", "person.c", "person.d.e", "person.gone"}).Draw(t, "path")
}

func drawLiteral(t *rapid.T) (text string, value any) {
	value = rapid.SampledFrom([]any{"x", "yes", "2", 2.0, 50.0, -1.0, true, false}).Draw(t, "literal")
	if s, ok := value.(string); ok {
		return strconv.Quote(s), value
	}
	return fmt.Sprint(value), value
}

func order(op string, c int) Truth {
	return truthOf(map[string]bool{"<": c < 0, "<=": c <= 0, ">": c > 0, ">=": c >= 0}[op])
}

func naiveCompare(v any, ok bool, op string, literal any) Truth {
	if !ok {
		return Unknown
	}
	switch op {
	case "==":
		return truthOf(v == literal || fmt.Sprintf("%T%v", v, v) == fmt.Sprintf("%T%v", literal, literal))
	case "!=":
		return naiveCompare(v, ok, "==", literal).not()
	}
	switch l := literal.(type) {
	case float64:
		if n, isNumber := v.(float64); isNumber {
			return order(op, int(math.Copysign(1, n-l))*map[bool]int{true: 0, false: 1}[n == l])
		}
	case string:
		if s, isText := v.(string); isText {
			return order(op, strings.Compare(s, l))
		}
	}
	return Unknown
}

func drawComparison(t *rapid.T) phrase {
	path := drawPath(t)
	text, literal := drawLiteral(t)
	ops := []string{"==", "!=", "<", "<=", ">", ">="}
	if _, isBool := literal.(bool); isBool {
		ops = ops[:2]
	}
	op := rapid.SampledFrom(ops).Draw(t, "op")
	means := func(f *Facts) Truth {
		v, ok := at(f, path)
		return naiveCompare(v, ok, op, literal)
	}
	switch rapid.IntRange(0, 2).Draw(t, "side") {
	case 0:
		return phrase{path + " " + op + " " + text, means}
	case 1:
		return phrase{text + " " + mirrored(op) + " " + path, means}
	}
	other := drawPath(t)
	return phrase{"(" + path + " ?? " + other + " ?? 2) " + op + " " + text, func(f *Facts) Truth {
		for _, p := range []string{path, other} {
			if v, ok := at(f, p); ok {
				return naiveCompare(v, true, op, literal)
			}
		}
		return naiveCompare(2.0, true, op, literal)
	}}
}

func drawTextual(t *rapid.T) phrase {
	path := drawPath(t)
	op := rapid.SampledFrom([]string{"contains", "startsWith", "endsWith", "matches", "in", "not in"}).Draw(t, "op")
	if strings.HasSuffix(op, "in") {
		return drawIn(t, path, op)
	}
	s := rapid.SampledFrom([]string{"x", "ye", "(?i)^x", "é"}).Draw(t, "text")
	return phrase{path + " " + op + " " + strconv.Quote(s), func(f *Facts) Truth {
		v, _ := at(f, path)
		text, ok := v.(string)
		if !ok || text == "" {
			return Unknown
		}
		switch op {
		case "contains":
			return truthOf(strings.Contains(text, s))
		case "startsWith":
			return truthOf(strings.HasPrefix(text, s))
		case "endsWith":
			return truthOf(strings.HasSuffix(text, s))
		}
		return truthOf(regexp.MustCompile(s).MatchString(text))
	}}
}

func drawIn(t *rapid.T, path, op string) phrase {
	var right string
	var has func(v any) Truth
	left := path
	switch rapid.IntRange(0, 3).Draw(t, "set") {
	case 0:
		right, has = `["x", "2", 50]`, func(v any) Truth { return truthOf(v == "x" || v == "2" || v == any(50.0)) }
	case 1:
		right, has = "lists.mine", func(v any) Truth { return truthOf(v == "x" || v == "yes") }
	case 2:
		right, has = "1..100", func(v any) Truth {
			n, ok := v.(float64)
			if !ok {
				return Unknown
			}
			return truthOf(n >= 1 && n <= 100)
		}
	default:
		left, right = `"x"`, path
		has = func(v any) Truth {
			switch x := v.(type) {
			case []any:
				return truthOf(slices.Contains(x, any("x")))
			case map[string]any:
				return truthOf(x["x"] != nil)
			}
			return Unknown
		}
	}
	return phrase{left + " " + op + " " + right, func(f *Facts) Truth {
		v, ok := at(f, path)
		if !ok {
			return Unknown
		}
		switch v.(type) { // only the last form looks inside lists and mappings
		case []any, map[string]any:
			if right != path {
				if right == "1..100" {
					return Unknown
				}
				return truthOf(op == "not in")
			}
		}
		if op == "not in" {
			return has(v).not()
		}
		return has(v)
	}}
}

func drawPresence(t *rapid.T) phrase {
	path := drawPath(t)
	known := func(f *Facts) Truth {
		_, ok := at(f, path)
		return truthOf(ok)
	}
	switch rapid.IntRange(0, 3).Draw(t, "form") {
	case 0:
		return phrase{"known(" + path + ")", known}
	case 1:
		return phrase{path + " != nil", known}
	case 2:
		return phrase{path + " == nil", func(f *Facts) Truth { return known(f).not() }}
	}
	return phrase{path, func(f *Facts) Truth {
		v, _ := at(f, path)
		if b, ok := v.(bool); ok {
			return truthOf(b)
		}
		return Unknown
	}}
}

func drawHistory(t *rapid.T) phrase {
	signal := rapid.SampledFrom([]string{"alpha", "beta"}).Draw(t, "signal")
	i := testSignals[signal]
	n := rapid.IntRange(0, 20).Draw(t, "n")
	switch rapid.IntRange(0, 3).Draw(t, "form") {
	case 0:
		return phrase{fmt.Sprintf("has_signal(%q)", signal), func(f *Facts) Truth {
			_, ok := f.History.SecondsSince(i)
			return truthOf(ok)
		}}
	case 1:
		return phrase{fmt.Sprintf("days_since(%q) >= %d", signal, n), func(f *Facts) Truth {
			s, ok := f.History.SecondsSince(i)
			if !ok {
				return Unknown
			}
			return truthOf(s/86400 >= float64(n))
		}}
	case 2:
		return phrase{"score.fit >= 50", func(f *Facts) Truth {
			s, ok := f.History.Fit()
			if !ok {
				return Unknown
			}
			return truthOf(s >= 50)
		}}
	}
	return phrase{fmt.Sprintf("%d <= count(%q, \"2w\")", n, signal), func(f *Facts) Truth {
		return truthOf(f.History.Count(i, 14*86400) >= n)
	}}
}

// drawMachine draws leaves that run on the expression machine.
func drawMachine(t *rapid.T) phrase {
	path, other := drawPath(t), drawPath(t)
	numbers := func(f *Facts) (a, b float64, ok bool) {
		x, _ := at(f, path)
		y, _ := at(f, other)
		a, okA := x.(float64)
		b, okB := y.(float64)
		return a, b, okA && okB
	}
	switch rapid.IntRange(0, 4).Draw(t, "form") {
	case 0:
		return phrase{path + " / " + other + " > 1", func(f *Facts) Truth {
			a, b, ok := numbers(f)
			if !ok || b == 0 {
				return Unknown
			}
			return truthOf(a/b > 1)
		}}
	case 1:
		return phrase{path + " < " + other, func(f *Facts) Truth {
			x, _ := at(f, path)
			y, okY := at(f, other)
			if _, isNumber := y.(float64); okY && isNumber {
				return naiveCompare(x, x != nil && x != "", "<", y)
			}
			if _, isText := y.(string); okY && isText {
				return naiveCompare(x, x != nil && x != "", "<", y)
			}
			return Unknown
		}}
	case 2:
		return phrase{"lower(" + path + ") == \"xyz\"", func(f *Facts) Truth {
			x, ok := at(f, path)
			s, isText := x.(string)
			if !ok || !isText {
				return Unknown
			}
			return truthOf(strings.ToLower(s) == "xyz")
		}}
	case 3:
		return phrase{"any(" + path + ", # in lists.mine)", func(f *Facts) Truth {
			x, _ := at(f, path)
			items, ok := x.([]any)
			if !ok {
				return Unknown
			}
			return truthOf(slices.Contains(items, any("x")))
		}}
	}
	return phrase{path + " + (" + other + " ?? 7) - 1 == 56", func(f *Facts) Truth {
		x, _ := at(f, path)
		y, okY := at(f, other)
		if !okY {
			y = 7.0
		}
		a, okA := x.(float64)
		b, okB := y.(float64)
		if !okA || !okB {
			return Unknown
		}
		return truthOf(a+b-1 == 56)
	}}
}

func drawLeaf(t *rapid.T) phrase {
	return rapid.OneOf(rapid.Custom(drawComparison), rapid.Custom(drawTextual), rapid.Custom(drawPresence),
		rapid.Custom(drawHistory), rapid.Custom(drawMachine)).Draw(t, "leaf")
}

func drawPhrase(t *rapid.T, depth int) phrase {
	if depth == 0 {
		return drawLeaf(t)
	}
	switch rapid.IntRange(0, 4).Draw(t, "shape") {
	case 0:
		p := drawPhrase(t, depth-1)
		return phrase{rapid.SampledFrom([]string{"not (", "!("}).Draw(t, "not") + p.text + ")", func(f *Facts) Truth {
			return [...]Truth{False: True, True: False, Unknown: Unknown}[p.means(f)]
		}}
	case 1, 2:
		a, b := drawPhrase(t, depth-1), drawPhrase(t, depth-1)
		and := rapid.Bool().Draw(t, "and")
		op := map[bool][]string{true: {"&&", "and"}, false: {"||", "or"}}[and]
		text := "(" + a.text + ") " + rapid.SampledFrom(op).Draw(t, "op") + " (" + b.text + ")"
		return phrase{text, func(f *Facts) Truth { return kleene(and, a.means(f), b.means(f)) }}
	case 3:
		q, y, n := drawPhrase(t, depth-1), drawPhrase(t, depth-1), drawPhrase(t, depth-1)
		return phrase{"(" + q.text + ") ? (" + y.text + ") : (" + n.text + ")", func(f *Facts) Truth {
			switch q.means(f) {
			case True:
				return y.means(f)
			case False:
				return n.means(f)
			case Unknown:
			}
			if y.means(f) == n.means(f) {
				return y.means(f)
			}
			return Unknown
		}}
	}
	return drawLeaf(t)
}

// kleene is the textbook definition: order False < Unknown < True; and is the minimum, or the maximum.
func kleene(and bool, a, b Truth) Truth {
	rank := map[Truth]int{False: 0, Unknown: 1, True: 2}
	if (rank[a] < rank[b]) == and {
		return a
	}
	return b
}

// Every compiled condition agrees with the naive reader, and its explanation with its verdict.
func TestCondition_agreesWithOracle(t *testing.T) {
	t.Parallel()
	c := NewCompiler(testSignals, testLists)
	rapid.Check(t, func(t *rapid.T) {
		p := drawPhrase(t, rapid.IntRange(0, 3).Draw(t, "depth"))
		cond, found := c.Compile(p.text, Scope{Score: true})
		if cond == nil {
			t.Fatalf("%s does not compile: %v", p.text, found)
		}
		for range 4 {
			f := drawFacts(t)
			want := p.means(f)
			if got := cond.Eval(f); got != want {
				t.Fatalf("%s over %v\n got %v, want %v", p.text, f, got, want)
			}
			v := cond.Explain(f)
			if v.Truth != want {
				t.Fatalf("Explain(%s) = %v, Eval = %v", p.text, v.Truth, want)
			}
			if (v.Truth == Unknown) != (len(v.Missing) > 0 || v.Err != "") {
				t.Fatalf("%s over %v: unknown without a reason, or a reason without unknown: %+v", p.text, f, v)
			}
			if v.Because == "" {
				t.Fatalf("%s: no reason given", p.text)
			}
		}
	})
}

// What the checker calls covered is covered: no facts make the later condition true and all earlier ones
// not true. What it calls impossible is never true.
func TestCovered_isSound(t *testing.T) {
	t.Parallel()
	c := NewCompiler(testSignals, testLists)
	shown := 0
	rapid.Check(t, func(t *rapid.T) {
		compile := func(text string) *Condition {
			cond, found := c.Compile(text, Scope{Score: true})
			if cond == nil {
				t.Fatalf("%s does not compile: %v", text, found)
			}
			return cond
		}
		var earlier []*Condition
		for range 3 {
			earlier = append(earlier, compile(drawPhrase(t, rapid.IntRange(0, 2).Draw(t, "depth")).text))
		}
		text := drawPhrase(t, rapid.IntRange(0, 2).Draw(t, "depth")).text
		if rapid.Bool().Draw(t, "narrower") { // else hardly any would be covered
			text = "(" + earlier[0].Text + ") and (" + text + ")"
		}
		later := compile(text)
		mine, ok := later.Cases()
		var all Cases
		for _, e := range earlier {
			x, also := e.Cases()
			ok = ok && also
			all = append(all, x...)
		}
		if !ok || !new(Prover).Covered(mine, all) {
			return
		}
		shown++
		for range 30 {
			f := drawFacts(t)
			if later.Eval(f) == True && (!mine.Possible() || !slices.ContainsFunc(earlier, func(e *Condition) bool { return e.Eval(f) == True })) {
				t.Fatalf("%s is true, but not covered, over %v", later.Text, f)
			}
		}
	})
	if shown == 0 {
		t.Error("no covered condition was ever drawn")
	}
}
