package cases

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"cusp/internal/fault"
)

// tolerance is how far a number may be from the wanted one.
const tolerance = 1e-6

// Compare holds an explanation (decoded JSON) against the case's want.yaml: each difference with the
// place in want.yaml that asked for something else. Parts that want.yaml does not name do not matter.
//
// Numbers agree to 1e-6. In a list of things with ids (signals, criteria) want.yaml names them by id, with
// a mapping, or with a number for their value or points; null says that it must not be there. In a list
// of texts (reasons) each wanted text must be part of one of them.
func (c *Case) Compare(explain map[string]any) fault.Problems {
	cmp := &comparison{c: c}
	if c.want != nil {
		cmp.mapping("", c.want, explain)
	}
	return cmp.found
}

type comparison struct {
	c     *Case
	found fault.Problems
}

func (x *comparison) differ(n *yaml.Node, hint, format string, args ...any) {
	x.found = append(x.found, problemAt(x.c.wantFile, x.c.lines, n.Line, n.Column, "difference", hint, fmt.Sprintf(format, args...)))
}

func (x *comparison) value(path string, want *yaml.Node, got any) {
	switch want.Kind {
	case yaml.MappingNode:
		switch g := got.(type) {
		case map[string]any:
			x.mapping(path, want, g)
		case []any:
			x.byID(path, want, g)
		default:
			x.differ(want, "", "%s: want several parts, got %s", path, show(got))
		}
	case yaml.SequenceNode:
		x.sequence(path, want, got)
	default:
		if !sameScalar(want, got) {
			x.differ(want, "", "%s: want %s, got %s", path, showWant(want), show(got))
		}
	}
}

func (x *comparison) mapping(path string, want *yaml.Node, got map[string]any) {
	for i := 0; i+1 < len(want.Content); i += 2 {
		key := want.Content[i]
		v, ok := got[key.Value]
		if !ok {
			names := make([]string, 0, len(got))
			for name := range got {
				names = append(names, name)
			}
			x.differ(key, fault.Suggest(key.Value, names), "%s: the explanation has no such part", join(path, key.Value))
			continue
		}
		x.value(join(path, key.Value), want.Content[i+1], v)
	}
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// byID compares a list of things that have ids.
func (x *comparison) byID(path string, want *yaml.Node, got []any) {
	for i := 0; i+1 < len(want.Content); i += 2 {
		key, value := want.Content[i], want.Content[i+1]
		at := join(path, key.Value)
		item := itemOf(got, key.Value)
		absent := value.Kind == yaml.ScalarNode && value.ShortTag() == "!!null"
		switch {
		case item == nil && absent:
		case item == nil:
			x.differ(key, "", "%s: want it, but it is not there", at)
		case absent:
			x.differ(key, "", "%s: want nothing of it, got %s", at, show(mainNumber(item)))
		case value.Kind == yaml.ScalarNode:
			x.value(at, value, mainNumber(item))
		default:
			x.value(at, value, item)
		}
	}
}

func itemOf(list []any, id string) map[string]any {
	for _, v := range list {
		if item, ok := v.(map[string]any); ok && item["id"] == id {
			return item
		}
	}
	return nil
}

// mainNumber is what a signal is worth, or what a criterion gave.
func mainNumber(item map[string]any) any {
	if v, ok := item["value"]; ok {
		return v
	}
	return item["points"]
}

func (x *comparison) sequence(path string, want *yaml.Node, got any) {
	list, ok := got.([]any)
	if !ok {
		x.differ(want, "", "%s: want a list, got %s", path, show(got))
		return
	}
	if slices.ContainsFunc(list, func(v any) bool { _, text := v.(string); return !text }) {
		if len(list) != len(want.Content) {
			x.differ(want, "", "%s: want %d items, got %d", path, len(want.Content), len(list))
			return
		}
		for i, n := range want.Content {
			x.value(fmt.Sprintf("%s[%d]", path, i), n, list[i])
		}
		return
	}
	for _, n := range want.Content {
		if !slices.ContainsFunc(list, func(v any) bool { return strings.Contains(fmt.Sprint(v), n.Value) }) {
			x.differ(n, "", "%s: want %q, got %s", path, n.Value, show(got))
		}
	}
}

func sameScalar(want *yaml.Node, got any) bool {
	switch g := got.(type) {
	case nil:
		return want.ShortTag() == "!!null"
	case bool:
		return want.ShortTag() == "!!bool" && strings.EqualFold(want.Value, strconv.FormatBool(g))
	case float64:
		w, err := strconv.ParseFloat(want.Value, 64)
		return err == nil && math.Abs(w-g) <= tolerance
	case string:
		return want.ShortTag() != "!!null" && (want.Value == g || sameTime(want.Value, g))
	}
	return false
}

func sameTime(a, b string) bool {
	x, errX := time.Parse(time.RFC3339Nano, a)
	y, errY := time.Parse(time.RFC3339Nano, b)
	return errX == nil && errY == nil && x.Equal(y)
}

func showWant(n *yaml.Node) string {
	if n.ShortTag() == "!!str" {
		return strconv.Quote(n.Value)
	}
	return n.Value
}

const maxShown = 300

// show writes a value of an explanation so that a person can compare it.
func show(v any) string {
	switch x := v.(type) {
	case nil:
		return "null"
	case string:
		return strconv.Quote(x)
	case float64:
		return formatNumber(x)
	case []any:
		parts := make([]string, len(x))
		for i, item := range x {
			parts[i] = show(item)
		}
		s := "[" + strings.Join(parts, ", ") + "]"
		if len(s) > maxShown {
			s = strings.ToValidUTF8(s[:maxShown], "") + "…"
		}
		return s
	case map[string]any:
		return fmt.Sprintf("a mapping of %d keys", len(x))
	}
	return fmt.Sprint(v)
}

// formatNumber rounds to six decimals, well inside the tolerance.
func formatNumber(v float64) string {
	rounded := math.Round(v*1e6) / 1e6
	return strconv.FormatFloat(rounded+0, 'f', -1, 64) // +0 turns −0 into 0
}
