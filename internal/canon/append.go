package canon

import "unicode/utf8"

// Append writes the node as canonical JSON. A missing node is written as null; what is too deep is
// written as it was sent.
func (n Node) Append(dst []byte) []byte {
	if n.t == nil {
		return append(dst, "null"...)
	}
	return n.t.append(dst, &n.v)
}

func (t *Tree) append(dst []byte, v *value) []byte {
	switch v.kind {
	case False:
		return append(dst, "false"...)
	case True:
		return append(dst, "true"...)
	case Number:
		return append(dst, t.bytes(v.span)...)
	case String:
		return t.appendText(dst, v.span)
	case Array, Object:
		return t.appendContainer(dst, v)
	case Missing, Null:
	}
	return append(dst, "null"...)
}

func (t *Tree) appendContainer(dst []byte, v *value) []byte {
	if v.flag&tooDeep != 0 {
		return append(dst, t.bytes(span{off: v.off, n: v.n})...)
	}
	open := byte('[')
	if v.kind == Object {
		open = '{'
	}
	dst = append(dst, open)
	members := t.members[v.off : v.off+v.n]
	for i := range members {
		m := &members[i]
		if i > 0 {
			dst = append(dst, ',')
		}
		if v.kind == Object {
			dst = append(t.appendText(dst, m.key), ':')
		}
		dst = t.append(dst, &m.val)
	}
	return append(dst, open+2)
}

func (t *Tree) appendText(dst []byte, p span) []byte {
	dst = append(dst, '"')
	if p.flag&inScratch == 0 {
		dst = append(dst, t.src[p.off:p.off+p.n]...)
		return append(dst, '"')
	}
	return append(appendEscaped(dst, t.scratch[p.off:p.off+p.n]), '"')
}

// appendEscaped writes text with as few escapes as JSON allows.
func appendEscaped(dst, text []byte) []byte {
	const digits = "0123456789abcdef"
	from := 0
	for i, c := range text {
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, text[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\b':
			dst = append(dst, `\b`...)
		case '\f':
			dst = append(dst, `\f`...)
		case '\n':
			dst = append(dst, `\n`...)
		case '\r':
			dst = append(dst, `\r`...)
		case '\t':
			dst = append(dst, `\t`...)
		default:
			dst = append(dst, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		}
	}
	return append(dst, text[from:]...)
}

// Append parses a document and writes it as canonical JSON behind dst. On an error dst is returned as it
// came.
func Append(dst, src []byte) ([]byte, error) {
	var t Tree
	n, err := t.Parse(src)
	if err == nil {
		err = n.Err()
	}
	if err != nil {
		return dst, err
	}
	return n.Append(dst), nil
}

// AppendString writes text as a canonical JSON string. Text that is not UTF-8, and NUL, is repaired.
func AppendString(dst []byte, text string) []byte {
	dst = append(dst, '"')
	for _, r := range text {
		switch {
		case r == 0:
			dst = utf8.AppendRune(dst, utf8.RuneError)
		case r < utf8.RuneSelf:
			dst = appendEscaped(dst, []byte{byte(r)})
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return append(dst, '"')
}
