package document

import (
	"bytes"
	"encoding/json"
	"strconv"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// jsonReader builds the same tree from JSON that YAML gives, with positions. YAML readers stumble over
// JSON's surrogate escapes, so valid JSON is read by the JSON decoder.
type jsonReader struct {
	src          []byte
	dec          *json.Decoder
	base         int // where the decoder began
	pos          int // how far line and column have been counted
	line, column int
}

// readJSON reads src from offset on; src must be valid JSON there.
func readJSON(src []byte, offset int) *yaml.Node {
	r := &jsonReader{src: src, dec: json.NewDecoder(bytes.NewReader(src[offset:])), base: offset, line: 1, column: 1}
	r.dec.UseNumber()
	return r.value()
}

// mark is the position of the next token.
func (r *jsonReader) mark() (line, column int) {
	target := r.base + int(r.dec.InputOffset())
	for target < len(r.src) && bytes.IndexByte([]byte(" \t\r\n,:"), r.src[target]) >= 0 {
		target++
	}
	for r.pos < target {
		c, size := utf8.DecodeRune(r.src[r.pos:])
		r.pos += size
		switch c {
		case '\n':
			r.line, r.column = r.line+1, 1
		case '\uFEFF':
		default:
			r.column++
		}
	}
	return r.line, r.column
}

func (r *jsonReader) value() *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode}
	n.Line, n.Column = r.mark()
	token, err := r.dec.Token()
	if err != nil { // the caller has validated the source
		n.Tag = "!!null"
		return n
	}
	switch t := token.(type) {
	case json.Delim:
		r.children(n, t)
	case string:
		n.Tag, n.Value, n.Style = "!!str", t, yaml.DoubleQuotedStyle
	case json.Number:
		n.Tag, n.Value = "!!float", t.String()
	case bool:
		n.Tag, n.Value = "!!bool", strconv.FormatBool(t)
	default:
		n.Tag = "!!null"
	}
	return n
}

func (r *jsonReader) children(n *yaml.Node, open json.Delim) {
	n.Kind, n.Tag, n.Style = yaml.SequenceNode, "!!seq", yaml.FlowStyle
	if open == '{' {
		n.Kind, n.Tag = yaml.MappingNode, "!!map"
	}
	for r.dec.More() {
		n.Content = append(n.Content, r.value())
	}
	if _, err := r.dec.Token(); err != nil {
		return
	}
}
