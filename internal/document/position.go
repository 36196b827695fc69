package document

import (
	"strings"

	"go.yaml.in/yaml/v4"
)

// positions maps characters of a scalar's value back to where they stand in the source, through
// quoting, escapes, block indentation and folded lines.
func (d *Document) positions(n *yaml.Node) func(offset int) (line, column int) {
	t := tracer{d: d, line: n.Line, column: n.Column, margin: -1}
	switch {
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		t.line, t.column = t.line+1, 1
		t.indent()
	case n.Style&yaml.DoubleQuotedStyle != 0:
		t.quote, t.column = '"', t.column+1
	case n.Style&yaml.SingleQuotedStyle != 0:
		t.quote, t.column = '\'', t.column+1
	}
	value := []rune(n.Value)
	spots := make([][2]int, len(value)+1)
	for i, r := range value {
		spots[i] = t.next(r)
	}
	spots[len(value)] = [2]int{t.line, t.column}
	return func(offset int) (int, int) {
		s := spots[min(max(offset, 0), len(value))]
		return s[0], s[1]
	}
}

// tracer walks the source of one scalar in step with its value.
type tracer struct {
	d            *Document
	line, column int // of the next source character
	margin       int // indentation of a block scalar; -1 for others, whose indentation means nothing
	quote        rune
}

func (t *tracer) text() []rune {
	if t.line < 1 || t.line > len(t.d.lines) {
		return nil
	}
	return []rune(t.d.lines[t.line-1])
}

// indent moves to the first character of a block scalar, past blank lines and indentation.
func (t *tracer) indent() {
	for t.line < len(t.d.lines) && strings.TrimSpace(t.d.lines[t.line-1]) == "" {
		t.line++
	}
	t.skipBlanks()
	t.margin = t.column - 1
}

func (t *tracer) skipBlanks() {
	for text := t.text(); t.column <= len(text) && t.column-1 != t.margin && (text[t.column-1] == ' ' || text[t.column-1] == '\t'); {
		t.column++
	}
}

// atEnd reports whether only blanks are left on the line.
func (t *tracer) atEnd() bool {
	text := t.text()
	return t.column > len(text) || strings.TrimSpace(string(text[t.column-1:])) == ""
}

// next is the position of r, the next character of the value.
func (t *tracer) next(r rune) [2]int {
	if t.atEnd() && t.line < len(t.d.lines) {
		here := [2]int{t.line, t.column}
		if r == '\n' || r == ' ' {
			t.newline()
			return here
		}
		for t.atEnd() && t.line < len(t.d.lines) {
			t.newline()
		}
	}
	here := [2]int{t.line, t.column}
	t.column += t.width()
	return here
}

// newline goes to the next line; its indentation is not part of the value.
func (t *tracer) newline() {
	t.line, t.column = t.line+1, 1
	t.skipBlanks()
}

// width is the number of source characters that stand for one character of the value.
func (t *tracer) width() int {
	text := t.text()
	if t.column > len(text) {
		return 1
	}
	rest := text[t.column-1:]
	switch {
	case t.quote == '\'' && len(rest) > 1 && rest[0] == '\'' && rest[1] == '\'':
		return 2
	case t.quote == '"' && len(rest) > 1 && rest[0] == '\\':
		return escapeWidth(rest)
	}
	return 1
}

func escapeWidth(rest []rune) int {
	switch rest[1] {
	case 'x':
		return 4
	case 'u':
		if len(rest) > 7 && rest[6] == '\\' && rest[7] == 'u' && isHighSurrogate(rest[2:6]) {
			return 12
		}
		return 6
	case 'U':
		return 10
	}
	return 2
}

func isHighSurrogate(hex []rune) bool {
	return (hex[0] == 'd' || hex[0] == 'D') && strings.ContainsRune("89abAB", hex[1])
}
