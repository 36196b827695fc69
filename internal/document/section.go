package document

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

// Section is one mapping of the document, read key by key. Its readers report what is wrong and go on
// with a harmless value, so that one run finds every mistake.
type Section struct {
	d      *Document
	Node   *yaml.Node
	name   string // dotted, as messages name it; empty for the document itself
	Fields map[string]*yaml.Node
}

// Document is the text that the section is part of.
func (s Section) Document() *Document { return s.d }

// Section opens a mapping and refuses keys that are not known.
func (d *Document) Section(n *yaml.Node, name string, known ...string) Section {
	s := Section{d: d, Node: n, name: name, Fields: map[string]*yaml.Node{}}
	if n.Kind != yaml.MappingNode {
		d.Refuse(n, "wrong_type", "", "%s must be a mapping of keys to values, not %s", s.Title(), KindName(n))
		return s
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch {
		case d.Reported(key):
		case len(known) > 0 && !slices.Contains(known, key.Value):
			d.Refuse(key, "unknown_key", fault.Suggest(key.Value, known), "unknown key %q in %s", key.Value, s.Title())
		default:
			s.Fields[key.Value] = value
		}
	}
	return s
}

// Title is how messages name the section.
func (s Section) Title() string {
	if s.name == "" {
		return "the playbook"
	}
	return s.name
}

// Path is how messages name a key of the section.
func (s Section) Path(key string) string {
	if s.name == "" {
		return key
	}
	return s.name + "." + key
}

// Has reports whether a known key is there, whatever its value.
func (s Section) Has(key string) bool { return s.Fields[key] != nil }

// Field is the value of a key; nil when it is absent, empty or already reported.
func (s Section) Field(key string) *yaml.Node {
	n := s.Fields[key]
	if n == nil || s.d.Reported(n) {
		return nil
	}
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" {
		s.d.Refuse(n, "empty", "give it a value or remove the key", "%s is empty", s.Path(key))
		return nil
	}
	return n
}

// At is the value of a key, or the whole mapping when the key is absent.
func (s Section) At(key string) *yaml.Node {
	if n := s.Fields[key]; n != nil {
		return n
	}
	return s.Node
}

// Require reports a key that is missing.
func (s Section) Require(key, hint string) {
	if !s.Has(key) && s.Node.Kind == yaml.MappingNode {
		s.d.report(0, "missing_key", s.Node.Line, s.Node.Column, hint, fmt.Sprintf("%s needs the key %q", s.Title(), key))
	}
}

// Sub opens a mapping below a key; ok is false when there is none.
func (s Section) Sub(key string, known ...string) (Section, bool) {
	n := s.Field(key)
	if n == nil {
		return Section{d: s.d, Node: s.Node, name: s.Path(key)}, false
	}
	return s.d.Section(n, s.Path(key), known...), n.Kind == yaml.MappingNode
}

// List is the items of a list below a key.
func (s Section) List(key string, limit int) []*yaml.Node {
	n := s.Field(key)
	if n == nil {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		s.d.Refuse(n, "wrong_type", "write it as [a, b] or as lines that begin with -", "%s must be a list, not %s", s.Path(key), KindName(n))
		return nil
	}
	if len(n.Content) > limit {
		s.d.Refuse(n, "too_large", "", "%s has %d items; the limit is %d", s.Path(key), len(n.Content), limit)
		return nil
	}
	return n.Content
}

// Text reads a text scalar of at most limit characters.
func (d *Document) Text(n *yaml.Node, name string, limit int) (string, bool) {
	switch {
	case n == nil || d.Reported(n):
		return "", false
	case n.Kind != yaml.ScalarNode:
		d.Refuse(n, "wrong_type", "", "%s must be text, not %s", name, KindName(n))
	case n.ShortTag() != "!!str":
		d.Refuse(n, "wrong_type", fmt.Sprintf("write it in quotes: %q", n.Value), "%s must be text, not %s", name, KindName(n))
	case n.Value == "":
		d.Refuse(n, "empty", "give it a value or remove the key", "%s is empty", name)
	case utf8.RuneCountInString(n.Value) > limit:
		d.Refuse(n, "too_large", "", "%s has %d characters; the limit is %d", name, utf8.RuneCountInString(n.Value), limit)
	default:
		return n.Value, true
	}
	return "", false
}

// Text reads text of at most limit characters; empty when it is absent or wrong.
func (s Section) Text(key string, limit int) string {
	v, _ := s.d.Text(s.Field(key), s.Path(key), limit)
	return v
}

// Texts reads a list of text scalars.
func (s Section) Texts(key string, items, limit int) []string {
	var out []string
	for _, n := range s.List(key, items) {
		if v, ok := s.d.Text(n, "each item of "+s.Path(key), limit); ok {
			out = append(out, v)
		}
	}
	return out
}

// Number reads a number within [low, high], or gives the default.
func (s Section) Number(key string, low, high, otherwise float64) float64 {
	v, ok := s.d.Number(s.Field(key), s.Path(key), low, high)
	if !ok {
		return otherwise
	}
	return v
}

// Number reads a number within [low, high]; ok is false when it is absent or wrong.
func (d *Document) Number(n *yaml.Node, name string, low, high float64) (float64, bool) {
	if n == nil || d.Reported(n) {
		return 0, false
	}
	tag := n.ShortTag()
	if n.Kind != yaml.ScalarNode || (tag != "!!int" && tag != "!!float") {
		hint := ""
		if n.Kind == yaml.ScalarNode && plainNumber.MatchString(n.Value) {
			hint = "remove the quotes"
		}
		d.Refuse(n, "wrong_type", hint, "%s must be a number, not %s", name, KindName(n))
		return 0, false
	}
	v, err := strconv.ParseFloat(n.Value, 64)
	if err != nil || v < low || v > high {
		d.Refuse(n, "out_of_range", "", "%s is %s, but must be %s", name, n.Value, bounds(low, high))
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

// Choice reads one of a few words; the index of the word counts, or otherwise when the key is absent.
func (s Section) Choice(key string, words []string, otherwise int) int {
	v, ok := s.d.Text(s.Field(key), s.Path(key), MaxText)
	if !ok {
		return otherwise
	}
	if i := slices.Index(words, v); i >= 0 {
		return i
	}
	s.d.Refuse(s.Fields[key], "unknown_value", fault.Suggest(v, words), "%s is %q, which is not one of its values", s.Path(key), v)
	return otherwise
}

// Duration reads a duration of at least low seconds, or gives the default; in seconds.
func (s Section) Duration(key string, low, otherwise float64) float64 {
	n := s.Field(key)
	if n == nil {
		return otherwise
	}
	v, ok := condition.ParseDuration(n.Value)
	switch {
	case n.Kind != yaml.ScalarNode || !ok:
		found := KindName(n)
		if n.Kind == yaml.ScalarNode {
			found = strconv.Quote(n.Value)
		}
		s.d.Refuse(n, "duration", condition.DurationHint, "%s must be a duration of at most ten years, not %s", s.Path(key), found)
	case v < low:
		s.d.Refuse(n, "duration", condition.DurationHint, "%s must be longer than 0", s.Path(key))
	default:
		return v
	}
	return otherwise
}

// MaxText bounds a name or a reason, in characters.
const MaxText = 500

// Bool reads true or false, or gives the default.
func (s Section) Bool(key string, otherwise bool) bool {
	n := s.Field(key)
	switch {
	case n == nil:
		return otherwise
	case n.Kind == yaml.ScalarNode && n.ShortTag() == "!!bool":
		return strings.EqualFold(n.Value, "true")
	}
	s.d.Refuse(n, "wrong_type", "write true or false", "%s must be true or false, not %s", s.Path(key), KindName(n))
	return otherwise
}

// Whole reads a whole number within [low, high], or gives the default.
func (s Section) Whole(key string, low, high, otherwise int) int {
	v := s.Number(key, float64(low), float64(high), float64(otherwise))
	if v != math.Trunc(v) {
		s.d.Refuse(s.Fields[key], "out_of_range", "", "%s must be a whole number", s.Path(key))
		return otherwise
	}
	return int(v)
}

// Unique refuses an id that an earlier sibling has; what names the kind of thing in the message.
func (s Section) Unique(seen map[string]*yaml.Node, key, id, what string) {
	n := s.Fields[key]
	if id == "" || n == nil {
		return
	}
	if first := seen[id]; first != nil {
		s.d.Refuse(n, "duplicate_id", "give each its own id", "the %s %q stands here a second time; the first is at line %d", what, id, first.Line)
		return
	}
	seen[id] = n
}

// IDForm is the regular expression that every id matches.
const IDForm = `^[A-Za-z][A-Za-z0-9_.-]{0,63}$`

var idForm = regexp.MustCompile(IDForm)

// ID reads the name of a thing.
func (s Section) ID(key string) string {
	n := s.Field(key)
	v, ok := s.d.Text(n, s.Path(key), MaxText)
	if ok && !idForm.MatchString(v) {
		s.d.Refuse(n, "bad_id", "use letters, digits, _ and -, beginning with a letter, at most 64",
			"%s %q is not an id", s.Path(key), v)
		return ""
	}
	return strings.TrimSpace(v)
}
