package table

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	yaml "go.yaml.in/yaml/v4"

	"cusp/internal/fault"
)

// maxMapping is the largest mapping file in bytes.
const maxMapping = 256 << 10

// document is a mapping file while it is read: it collects all problems.
type document struct {
	file     string
	lines    []string
	problems fault.Problems
}

func (d *document) problem(line, column int, code, hint, format string, args ...any) {
	p := fault.Problem{
		Code: code, File: d.file, Line: line, Column: column,
		Message: fmt.Sprintf(format, args...), Hint: hint,
	}
	if line >= 1 && line <= len(d.lines) {
		p.Source = strings.TrimRight(d.lines[line-1], "\r")
	}
	d.problems = append(d.problems, p)
}

func (d *document) at(n *yaml.Node, code, hint, format string, args ...any) {
	d.problem(n.Line, n.Column, code, hint, format, args...)
}

// root parses the text and returns its top-level mapping, or nil with a problem.
func (d *document) root(text []byte) *yaml.Node {
	if len(text) > maxMapping {
		d.problem(0, 0, "too_large", "", "a mapping file has at most %d KiB", maxMapping>>10)
		return nil
	}
	text = bytes.TrimPrefix(text, []byte("\uFEFF"))
	d.lines = strings.Split(string(text), "\n")
	var doc yaml.Node
	if err := yaml.Load(text, &doc); err != nil {
		d.syntax(err)
		return nil
	}
	if len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		d.problem(1, 1, "wrong_type", "begin with \"mapping: 1\"", "a mapping file is a YAML mapping")
		return nil
	}
	return doc.Content[0]
}

func (d *document) syntax(err error) {
	line, column, message := 1, 1, err.Error()
	if e, ok := errors.AsType[*yaml.LoadError](err); ok {
		line, column, message = max(e.Mark.Line, 1), max(e.Mark.Column, 1), e.Message
	}
	d.problem(line, column, "bad_yaml", "", "this is not YAML: %s", message)
}

// keys calls known for each key of a mapping node, once; unknown and repeated keys are problems.
func (d *document) keys(n *yaml.Node, known map[string]func(key, value *yaml.Node)) {
	names := make([]string, 0, len(known))
	for name := range known {
		names = append(names, name)
	}
	d.pairs(n, func(key, value *yaml.Node) {
		read, ok := known[key.Value]
		if !ok {
			hint := ""
			if near := fault.Nearest(key.Value, names); near != "" {
				hint = "did you mean " + near + "?"
			}
			d.at(key, "unknown_key", hint, "unknown key %q", key.Value)
			return
		}
		read(key, value)
	})
}

// pairs calls each for every key of a mapping node with its value. Anchors, aliases and merge keys are
// refused: a mapping file is to be read by people.
func (d *document) pairs(n *yaml.Node, each func(key, value *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		d.at(n, "wrong_type", "", "a mapping of keys to values belongs here")
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch {
		case key.Kind != yaml.ScalarNode || key.Value == "<<":
			d.at(key, "wrong_type", "", "a key is a plain word")
		case seen[key.Value]:
			d.at(key, "duplicate_key", "", "the key %q stands here twice", key.Value)
		case value.Kind == yaml.AliasNode || value.Anchor != "":
			d.at(value, "alias", "write the value out", "anchors and aliases are not used in mapping files")
		default:
			seen[key.Value] = true
			each(key, value)
		}
	}
}

// text reads a scalar as it is written.
func (d *document) text(n *yaml.Node) string {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		d.at(n, "wrong_type", "", "a text belongs here")
		return ""
	}
	return n.Value
}

// scalar reads a constant: a text, a number or a truth value.
func (d *document) scalar(n *yaml.Node) any {
	if n.Kind != yaml.ScalarNode {
		d.at(n, "wrong_type", "", "a text, a number or true or false belongs here")
		return nil
	}
	switch n.Tag {
	case "!!bool":
		return d.flag(n)
	case "!!int", "!!float":
		plain, _ := parseNumberFormat("plain")
		if number, err := plain.parse(n.Value); err == nil {
			return number
		}
		d.at(n, "bad_number", "", "%q is not a plain decimal number", n.Value)
		return nil
	}
	return d.text(n)
}

func (d *document) flag(n *yaml.Node) bool {
	if n.Kind == yaml.ScalarNode && (n.Value == "true" || n.Value == "false") {
		return n.Value == "true"
	}
	d.at(n, "wrong_type", "", "true or false belongs here")
	return false
}

// texts reads one text or a list of them.
func (d *document) texts(n *yaml.Node) []string {
	if n.Kind != yaml.SequenceNode {
		return []string{d.text(n)}
	}
	list := make([]string, 0, len(n.Content))
	for _, item := range n.Content {
		list = append(list, d.text(item))
	}
	return list
}
