package document

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"cusp/internal/fault"
)

// Bounds of a document. They are far beyond what people write and keep a hostile one cheap.
const (
	MaxBytes    = 1 << 20
	MaxNodes    = 300_000 // values
	MaxProblems = 200     // that are reported
	maxDepth    = 24
)

// Document is a source text that problems can point into.
type Document struct {
	file     string
	src      []byte
	lines    []string
	problems fault.Problems
	bad      map[*yaml.Node]bool // already reported: readers stay silent about these
	nodes    int
	refused  bool
	errors   int // including those that readers met again, so that they know what is unsound
}

// lineBreaks are all characters that YAML counts as the end of a line.
var lineBreaks = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n")

// New begins to read a text; file is how messages name it.
func New(file string, src []byte) *Document {
	text := lineBreaks.Replace(string(src))
	return &Document{file: file, src: src, lines: strings.Split(text, "\n"), bad: map[*yaml.Node]bool{}}
}

// report adds a problem at a position; hint may be empty.
func (d *Document) report(severity fault.Severity, code string, line, column int, hint, message string) {
	if severity == fault.SeverityError {
		d.errors++
		defer func() { d.refused = true }()
	}
	if len(d.problems) >= MaxProblems && (severity == fault.SeverityWarning || d.refused) {
		return
	}
	line = min(line, len(d.lines)) // the end of the text may stand behind its last line
	p := fault.Problem{
		Severity: severity, Code: code, File: d.file, Line: line, Column: column, Message: message, Hint: hint,
	}
	if line >= 1 {
		p.Source = shownLine(d.lines[line-1], column)
	}
	d.problems = append(d.problems, p)
}

// maxSourceLine bounds the source line of a problem, in characters.
const maxSourceLine = 300

// shownLine is a source line fit for a terminal: no control characters, cut when it is very long, and
// empty when the position lies behind the cut, as in JSON without line breaks.
func shownLine(line string, column int) string {
	shown := make([]rune, 0, min(len(line), maxSourceLine+1))
	for _, r := range line {
		if len(shown) == maxSourceLine {
			shown = append(shown, '…')
			break
		}
		if r != '\t' && unicode.IsControl(r) {
			r = utf8.RuneError
		}
		shown = append(shown, r)
	}
	if column > maxSourceLine {
		return ""
	}
	return string(shown)
}

// Refuse reports an error at a node and marks the node, so that it is reported once.
func (d *Document) Refuse(n *yaml.Node, code, hint, format string, args ...any) {
	if d.Reported(n) {
		return
	}
	d.bad[n] = true
	d.report(fault.SeverityError, code, n.Line, n.Column, hint, fmt.Sprintf(format, args...))
}

// Reported tells a reader that a node is refused already.
func (d *Document) Reported(n *yaml.Node) bool {
	if d.bad[n] {
		d.errors++
	}
	return d.bad[n]
}

// Warn reports advice at a node.
func (d *Document) Warn(n *yaml.Node, code, hint, format string, args ...any) {
	d.report(fault.SeverityWarning, code, n.Line, n.Column, hint, fmt.Sprintf(format, args...))
}

// Problems are what was found so far, in the order in which it was found.
func (d *Document) Problems() fault.Problems { return d.problems }

// Errors counts the errors so far, those that readers met again included, so that they know what is unsound.
func (d *Document) Errors() int { return d.errors }

// Load reads the source into a tree and inspects every node of it; nil when there is nothing to read on.
func (d *Document) Load() *yaml.Node {
	if len(d.src) > MaxBytes {
		d.report(fault.SeverityError, "too_large", 0, 0, "move long lists out of the playbook",
			fmt.Sprintf("the document has %d bytes; the limit is %d", len(d.src), MaxBytes))
		return nil
	}
	if !utf8.Valid(d.src) {
		d.report(fault.SeverityError, "not_utf8", d.firstBadLine(), 1, "save the file as UTF-8",
			"the document is not UTF-8 text")
		return nil
	}
	root := d.read()
	if root == nil {
		return nil
	}
	if root.Kind != yaml.MappingNode {
		d.Refuse(root, "wrong_type", "begin with `playbook: 1`", "a playbook is a mapping of keys to values, not %s", KindName(root))
		return nil
	}
	d.inspect(root, 1)
	return root
}

func (d *Document) read() *yaml.Node {
	trimmed := bytes.TrimLeft(d.src, "\uFEFF \t\r\n")
	if len(trimmed) > 0 && trimmed[0] == '{' && json.Valid(trimmed) {
		return readJSON(d.src, len(d.src)-len(trimmed))
	}
	var doc yaml.Node
	if err := yaml.Load(d.src, &doc); err != nil {
		d.yamlError(err)
		return nil
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) == 0 {
		d.report(fault.SeverityError, "empty", 1, 1, "begin with `playbook: 1`", "the document is empty")
		return nil
	}
	return doc.Content[0]
}

func (d *Document) yamlError(err error) {
	line, column, message := 1, 1, err.Error()
	if le, ok := errors.AsType[*yaml.LoadError](err); ok {
		message = strings.TrimPrefix(le.Message, "yaml: ")
		if le.Mark.Line > 0 {
			line, column = le.Mark.Line, le.Mark.Column
		}
		if le.ContextMsg != "" && le.ContextMark.Line > 0 && le.ContextMark != le.Mark {
			message = fmt.Sprintf("%s (%s that begins at line %d)", message, le.ContextMsg, le.ContextMark.Line)
		}
	}
	code, hint := "syntax", "check indentation, quotes and brackets around here"
	switch {
	case strings.Contains(message, "no documents"):
		code, message, hint = "empty", "the document is empty", "begin with `playbook: 1`"
	case strings.Contains(message, "found multiple"):
		line = d.lastMarker()
		message, hint = "the file holds more than one document", "keep one playbook per file: remove the `---` line"
	case strings.Contains(message, "cannot start any token") && d.runeAt(line, column) == '\t':
		message, hint = "a tab cannot indent YAML", "indent with spaces"
	case strings.Contains(message, "unknown anchor"):
		code, hint = "alias", "write the value out: a playbook has no anchors and aliases"
	}
	d.report(fault.SeverityError, code, line, column, hint, message)
}

// lastMarker is the line of the last `---`.
func (d *Document) lastMarker() int {
	for i := len(d.lines); i > 0; i-- {
		if strings.HasPrefix(d.lines[i-1], "---") {
			return i
		}
	}
	return 1
}

func (d *Document) runeAt(line, column int) rune {
	if line < 1 || line > len(d.lines) {
		return 0
	}
	rs := []rune(d.lines[line-1])
	if column < 1 || column > len(rs) {
		return 0
	}
	return rs[column-1]
}

func (d *Document) firstBadLine() int {
	for i, l := range d.lines {
		if !utf8.ValidString(l) {
			return i + 1
		}
	}
	return 1
}

var plainNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)

// inspect refuses everything that the format leaves out of YAML because readers disagree about it:
// anchors, tags, octal numbers, infinities, yes and no, duplicate keys.
func (d *Document) inspect(n *yaml.Node, depth int) {
	d.nodes++
	switch {
	case d.nodes == MaxNodes:
		d.Refuse(n, "too_large", "", "the document has more than %d values", MaxNodes)
		return
	case d.nodes > MaxNodes:
		return
	case depth > maxDepth:
		d.Refuse(n, "too_deep", "", "nested deeper than %d levels", maxDepth)
		return
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		d.Refuse(n, "alias", "write the value out", "anchors and aliases are not part of the format")
		return
	case n.Style&yaml.TaggedStyle != 0:
		d.Refuse(n, "tag", "remove the tag", "tags such as %s are not part of the format", n.Tag)
		return
	}
	if n.Kind == yaml.ScalarNode {
		d.inspectScalar(n)
	}
	if n.Kind == yaml.MappingNode {
		d.inspectMapping(n, depth)
		return
	}
	for _, c := range n.Content {
		d.inspect(c, depth+1)
	}
}

func (d *Document) inspectScalar(n *yaml.Node) {
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		return
	}
	switch n.ShortTag() {
	case "!!int", "!!float":
		if !plainNumber.MatchString(n.Value) {
			d.Refuse(n, "number", "write a plain decimal such as 15 or 0.5, or quote it if it is text",
				"%s is not a number that every reader reads alike", n.Value)
		}
	case "!!str":
		switch strings.ToLower(n.Value) {
		case "y", "n", "yes", "no", "on", "off":
			d.Refuse(n, "ambiguous", fmt.Sprintf("write %q in quotes if it is text, true or false if it is a choice", n.Value),
				"%s without quotes is text to some readers and true or false to others", n.Value)
		}
	}
}

func (d *Document) inspectMapping(n *yaml.Node, depth int) {
	first := make(map[string]*yaml.Node, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch {
		case key.Kind != yaml.ScalarNode || key.Anchor != "" || key.Style&yaml.TaggedStyle != 0:
			d.Refuse(key, "wrong_type", "", "a key must be plain text")
		case key.ShortTag() == "!!merge":
			d.Refuse(key, "alias", "write the keys out", "merge keys are not part of the format")
		case first[key.Value] != nil:
			d.Refuse(key, "duplicate_key", "keep one of them", "the key %q stands here a second time; the first is at line %d",
				key.Value, first[key.Value].Line)
		default:
			first[key.Value] = key
		}
		d.inspect(value, depth+1)
	}
}

// KindName says what a node is, for "must be a list, not …".
func KindName(n *yaml.Node) string {
	switch n.ShortTag() {
	case "!!map":
		return "a mapping"
	case "!!seq":
		return "a list"
	case "!!int", "!!float":
		return "a number"
	case "!!bool":
		return "true or false"
	case "!!null":
		return "nothing"
	case "!!timestamp":
		return "a date"
	}
	return "text"
}
