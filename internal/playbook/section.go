package playbook

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"cusp/internal/condition"
	"cusp/internal/fault"
)

// section is one mapping of the document, read key by key. Its readers report what is wrong and go on
// with a harmless value, so that one run finds every mistake.
type section struct {
	d      *document
	node   *yaml.Node
	name   string // dotted, as messages name it; empty for the document itself
	fields map[string]*yaml.Node
}

// section opens a mapping and refuses keys that are not known.
func (d *document) section(n *yaml.Node, name string, known ...string) section {
	s := section{d: d, node: n, name: name, fields: map[string]*yaml.Node{}}
	if n.Kind != yaml.MappingNode {
		d.refuse(n, "wrong_type", "", "%s must be a mapping of keys to values, not %s", s.title(), kindName(n))
		return s
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch {
		case d.reported(key):
		case len(known) > 0 && !slices.Contains(known, key.Value):
			d.refuse(key, "unknown_key", fault.Suggest(key.Value, known), "unknown key %q in %s", key.Value, s.title())
		default:
			s.fields[key.Value] = value
		}
	}
	return s
}

func (s section) title() string {
	if s.name == "" {
		return "the playbook"
	}
	return s.name
}

func (s section) path(key string) string {
	if s.name == "" {
		return key
	}
	return s.name + "." + key
}

func (s section) has(key string) bool { return s.fields[key] != nil }

// field is the value of a key; nil when it is absent, empty or already reported.
func (s section) field(key string) *yaml.Node {
	n := s.fields[key]
	if n == nil || s.d.reported(n) {
		return nil
	}
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" {
		s.d.refuse(n, "empty", "give it a value or remove the key", "%s is empty", s.path(key))
		return nil
	}
	return n
}

// require reports a key that is missing.
func (s section) require(key, hint string) {
	if !s.has(key) && s.node.Kind == yaml.MappingNode {
		s.d.report(0, "missing_key", s.node.Line, s.node.Column, hint, fmt.Sprintf("%s needs the key %q", s.title(), key))
	}
}

// sub opens a mapping below a key; ok is false when there is none.
func (s section) sub(key string, known ...string) (section, bool) {
	n := s.field(key)
	if n == nil {
		return section{d: s.d, node: s.node, name: s.path(key)}, false
	}
	return s.d.section(n, s.path(key), known...), n.Kind == yaml.MappingNode
}

// list is the items of a list below a key.
func (s section) list(key string, limit int) []*yaml.Node {
	n := s.field(key)
	if n == nil {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		s.d.refuse(n, "wrong_type", "write it as [a, b] or as lines that begin with -", "%s must be a list, not %s", s.path(key), kindName(n))
		return nil
	}
	if len(n.Content) > limit {
		s.d.refuse(n, "too_large", "", "%s has %d items; the limit is %d", s.path(key), len(n.Content), limit)
		return nil
	}
	return n.Content
}

// text reads a text scalar of at most limit characters.
func (d *document) text(n *yaml.Node, name string, limit int) (string, bool) {
	switch {
	case n == nil || d.reported(n):
		return "", false
	case n.Kind != yaml.ScalarNode:
		d.refuse(n, "wrong_type", "", "%s must be text, not %s", name, kindName(n))
	case n.ShortTag() != "!!str":
		d.refuse(n, "wrong_type", fmt.Sprintf("write it in quotes: %q", n.Value), "%s must be text, not %s", name, kindName(n))
	case n.Value == "":
		d.refuse(n, "empty", "give it a value or remove the key", "%s is empty", name)
	case utf8.RuneCountInString(n.Value) > limit:
		d.refuse(n, "too_large", "", "%s has %d characters; the limit is %d", name, utf8.RuneCountInString(n.Value), limit)
	default:
		return n.Value, true
	}
	return "", false
}

func (s section) text(key string, limit int) string {
	v, _ := s.d.text(s.field(key), s.path(key), limit)
	return v
}

// texts reads a list of text scalars.
func (s section) texts(key string, items, limit int) []string {
	var out []string
	for _, n := range s.list(key, items) {
		if v, ok := s.d.text(n, "each item of "+s.path(key), limit); ok {
			out = append(out, v)
		}
	}
	return out
}

// number reads a number within [low, high], or gives the default.
func (s section) number(key string, low, high, otherwise float64) float64 {
	v, ok := s.d.number(s.field(key), s.path(key), low, high)
	if !ok {
		return otherwise
	}
	return v
}

func (d *document) number(n *yaml.Node, name string, low, high float64) (float64, bool) {
	if n == nil || d.reported(n) {
		return 0, false
	}
	tag := n.ShortTag()
	if n.Kind != yaml.ScalarNode || (tag != "!!int" && tag != "!!float") {
		hint := ""
		if n.Kind == yaml.ScalarNode && plainNumber.MatchString(n.Value) {
			hint = "remove the quotes"
		}
		d.refuse(n, "wrong_type", hint, "%s must be a number, not %s", name, kindName(n))
		return 0, false
	}
	v, err := strconv.ParseFloat(n.Value, 64)
	if err != nil || v < low || v > high {
		d.refuse(n, "out_of_range", "", "%s is %s, but must be %s", name, n.Value, bounds(low, high))
		return 0, false
	}
	return v, true
}

func bounds(low, high float64) string {
	if low == high {
		return condition.FormatNumber(low)
	}
	if math.IsInf(high, 1) {
		return "at least " + condition.FormatNumber(low)
	}
	return fmt.Sprintf("between %s and %s", condition.FormatNumber(low), condition.FormatNumber(high))
}

// choice reads one of a few words; the index of the word counts, or otherwise when the key is absent.
func (s section) choice(key string, words []string, otherwise int) int {
	v, ok := s.d.text(s.field(key), s.path(key), maxText)
	if !ok {
		return otherwise
	}
	if i := slices.Index(words, v); i >= 0 {
		return i
	}
	s.d.refuse(s.fields[key], "unknown_value", fault.Suggest(v, words), "%s is %q, which is not one of its values", s.path(key), v)
	return otherwise
}

// duration reads a duration of at least low seconds, or gives the default; in seconds.
func (s section) duration(key string, low, otherwise float64) float64 {
	n := s.field(key)
	if n == nil {
		return otherwise
	}
	v, ok := condition.ParseDuration(n.Value)
	switch {
	case n.Kind != yaml.ScalarNode || !ok:
		found := kindName(n)
		if n.Kind == yaml.ScalarNode {
			found = strconv.Quote(n.Value)
		}
		s.d.refuse(n, "duration", condition.DurationHint, "%s must be a duration of at most ten years, not %s", s.path(key), found)
	case v < low:
		s.d.refuse(n, "duration", condition.DurationHint, "%s must be longer than 0", s.path(key))
	default:
		return v
	}
	return otherwise
}

var idForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]{0,63}$`)

// id reads the name of a signal, criterion or exclude.
func (s section) id(key string) string {
	n := s.field(key)
	v, ok := s.d.text(n, s.path(key), maxText)
	if ok && !idForm.MatchString(v) {
		s.d.refuse(n, "bad_id", "use letters, digits, _ and -, beginning with a letter, at most 64",
			"%s %q is not an id", s.path(key), v)
		return ""
	}
	return strings.TrimSpace(v)
}
