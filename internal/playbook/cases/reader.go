package cases

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"cusp/internal/fault"
)

// Bounds of a file. They are far beyond what people write and keep a hostile one cheap.
const (
	maxBytes    = 256 << 10
	maxDepth    = 16
	maxProblems = 100
)

// document is one file of a case, with what is wrong in it.
type document struct {
	file     string
	lines    []string
	problems fault.Problems
}

func (d *document) report(line, column int, code, hint, format string, args ...any) {
	if len(d.problems) < maxProblems {
		d.problems = append(d.problems, problemAt(d.file, d.lines, line, column, code, hint, fmt.Sprintf(format, args...)))
	}
}

func problemAt(file string, lines []string, line, column int, code, hint, message string) fault.Problem {
	p := fault.Problem{
		Severity: fault.SeverityError, Code: code, File: file, Line: line, Column: column, Message: message, Hint: hint,
	}
	if line >= 1 && line <= len(lines) {
		p.Source = lines[line-1]
	}
	return p
}

func (d *document) refuse(n *yaml.Node, code, hint, format string, args ...any) {
	d.report(n.Line, n.Column, code, hint, format, args...)
}

// open reads a file as one mapping without duplicate keys, aliases and tags; nil when it is not that.
func open(file string, src []byte) (*document, *yaml.Node) {
	d := &document{file: file, lines: strings.Split(strings.ReplaceAll(string(src), "\r\n", "\n"), "\n")}
	if len(src) > maxBytes {
		d.report(0, 0, "too_large", "keep a case small enough to read", "the file has %d bytes; the limit is %d", len(src), maxBytes)
		return d, nil
	}
	var doc yaml.Node
	if err := yaml.Load(src, &doc); err != nil {
		d.syntax(err)
		return d, nil
	}
	if len(doc.Content) == 0 || doc.Content[0].Kind != yaml.MappingNode {
		d.report(1, 1, "wrong_type", "", "the file must be a mapping of keys to values")
		return d, nil
	}
	d.inspect(doc.Content[0], 1)
	if len(d.problems) > 0 {
		return d, nil
	}
	return d, doc.Content[0]
}

func (d *document) syntax(err error) {
	line, column, message := 1, 1, strings.TrimPrefix(err.Error(), "yaml: ")
	if le, ok := errors.AsType[*yaml.LoadError](err); ok {
		message = strings.TrimPrefix(le.Message, "yaml: ")
		if le.Mark.Line > 0 {
			line, column = le.Mark.Line, le.Mark.Column
		}
	}
	d.report(line, column, "syntax", "check indentation, quotes and brackets around here", "%s", message)
}

func (d *document) inspect(n *yaml.Node, depth int) {
	switch {
	case depth > maxDepth:
		d.refuse(n, "too_deep", "", "nested deeper than %d levels", maxDepth)
		return
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		d.refuse(n, "alias", "write the value out", "anchors and aliases are not part of the format")
		return
	case n.Kind == yaml.MappingNode:
		d.duplicates(n)
	}
	for _, c := range n.Content {
		d.inspect(c, depth+1)
	}
}

func (d *document) duplicates(n *yaml.Node) {
	first := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if line, twice := first[key.Value]; twice {
			d.refuse(key, "duplicate_key", "keep one of them", "the key %q stands here a second time; the first is at line %d", key.Value, line)
		}
		first[key.Value] = key.Line
	}
}

// fields are the values of a mapping by key; keys that are not known are refused.
func (d *document) fields(n *yaml.Node, what string, known ...string) map[string]*yaml.Node {
	found := map[string]*yaml.Node{}
	if n.Kind != yaml.MappingNode {
		d.refuse(n, "wrong_type", "", "%s must be a mapping of keys to values", what)
		return found
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if !slices.Contains(known, key.Value) {
			hint := fault.Suggest(key.Value, known)
			if strings.Contains(key.Value, " ") {
				hint = "text that holds a comma or a colon stands in quotes"
			}
			d.refuse(key, "unknown_key", hint, "unknown key %q in %s", key.Value, what)
			continue
		}
		found[key.Value] = n.Content[i+1]
	}
	return found
}

func (d *document) text(n *yaml.Node, what string) string {
	if n == nil {
		return ""
	}
	if n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null" || strings.TrimSpace(n.Value) == "" {
		d.refuse(n, "wrong_type", "", "%s must be text", what)
		return ""
	}
	return n.Value
}

// value is a node as encoding/json would give it.
func (d *document) value(n *yaml.Node) any {
	switch n.Kind {
	case yaml.MappingNode:
		return d.values(n)
	case yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, c := range n.Content {
			list[i] = d.value(c)
		}
		return list
	default: // a scalar: aliases are refused, and documents have no other parts
	}
	switch n.ShortTag() {
	case "!!null":
		return nil
	case "!!bool":
		return strings.EqualFold(n.Value, "true")
	case "!!int", "!!float":
		v, err := strconv.ParseFloat(n.Value, 64)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			d.refuse(n, "number", "write a plain decimal such as 15 or 0.5, or quote it if it is text", "%s is not a plain number", n.Value)
		}
		return v
	}
	return n.Value
}

func (d *document) values(n *yaml.Node) map[string]any {
	m := map[string]any{}
	if n.Kind != yaml.MappingNode {
		d.refuse(n, "wrong_type", "", "this must be a mapping of keys to values")
		return m
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		m[n.Content[i].Value] = d.value(n.Content[i+1])
	}
	return m
}
