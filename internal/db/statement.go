package db

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
)

// Statement is one text of SQL for both engines, with what was derived from it. It is safe for
// concurrent use and is declared once, at package level.
type Statement struct {
	name  string
	text  string
	forms sync.Map // formKey → *form
}

// SQL declares a statement. The name ("identity.findPerson") shows up in logs and in the database's own
// statistics and is unique; the text is PostgreSQL's dialect with $1, $2 … and the tokens of
// [Dialect.Translate]. Placeholders that come in order, each once, are the fastest on SQLite. A test
// finds every call in the source and prepares its text on both engines; a text that begins with
// "/* postgres only */" or "/* sqlite only */" on one.
func SQL(name, text string) *Statement { return &Statement{name: name, text: text} }

// Name is the name it was declared with.
func (s *Statement) Name() string { return s.name }

// shape says which variant of a statement is meant: as written, with the first group of values repeated,
// or with $1 expanded to a list.
type shape struct {
	rows int
	list int
}

type formKey struct {
	dialect Dialect
	shape   shape
}

// form is a text as one engine reads it.
type form struct {
	text   string
	params int // of the whole text
	group  int // of one group of values, when rows were asked for
	err    error
}

// form returns the text for an engine; deriving it takes microseconds and is done once.
func (s *Statement) form(d Dialect, sh shape) *form {
	key := formKey{d, sh}
	if f, ok := s.forms.Load(key); ok {
		return f.(*form)
	}
	f := derive(s.name, d.Translate(s.text), sh)
	if f.err == nil {
		if d == SQLite {
			f.text = rebind(f.text)
		}
		f.text = "/* " + s.name + " */ " + strings.TrimSpace(f.text)
	}
	actual, _ := s.forms.LoadOrStore(key, f)
	return actual.(*form)
}

func derive(name, text string, sh shape) *form {
	pieces := split(text)
	switch {
	case sh.rows > 0:
		return repeatValues(name, pieces, sh.rows)
	case sh.list > 0:
		return expandList(pieces, sh.list)
	}
	return &form{text: text, params: maxParam(pieces)}
}

// piece is a placeholder (param > 0) or the text between two placeholders.
type piece struct {
	text  string
	param int
	quiet bool // a string, a quoted name or a comment
}

// split cuts a text at its placeholders, strings, quoted names and comments. Joined again, the pieces
// give the text.
func split(text string) []piece {
	var pieces []piece
	start := 0
	flush := func(end int) {
		if end > start {
			pieces = append(pieces, piece{text: text[start:end]})
		}
	}
	for i := 0; i < len(text); {
		end, param := i, 0
		switch c := text[i]; {
		case c == '\'' || c == '"':
			end = skipQuoted(text, i, c)
		case strings.HasPrefix(text[i:], "--"):
			end = skipTo(text, i, "\n")
		case strings.HasPrefix(text[i:], "/*"):
			end = skipTo(text, i, "*/")
		case c == '$':
			param, end = placeholder(text, i)
		}
		if end == i {
			i++
			continue
		}
		flush(i)
		pieces = append(pieces, piece{text: text[i:end], param: param, quiet: param == 0})
		i, start = end, end
	}
	flush(len(text))
	return pieces
}

// skipQuoted returns the end of a quoted text; a doubled quote reads as two quoted texts, which is fine.
func skipQuoted(text string, i int, quote byte) int {
	if n := strings.IndexByte(text[i+1:], quote); n >= 0 {
		return i + 1 + n + 1
	}
	return len(text)
}

func skipTo(text string, i int, end string) int {
	if n := strings.Index(text[i+2:], end); n >= 0 {
		return i + 2 + n + len(end)
	}
	return len(text)
}

// placeholder reads "$12" at i. Four digits are more than any statement may have.
func placeholder(text string, i int) (param, end int) {
	end = i + 1
	for end < len(text) && end-i <= 5 && text[end] >= '0' && text[end] <= '9' {
		param = param*10 + int(text[end]-'0')
		end++
	}
	if param == 0 {
		return 0, i
	}
	return param, end
}

func maxParam(pieces []piece) int {
	n := 0
	for _, p := range pieces {
		n = max(n, p.param)
	}
	return n
}

// rebind turns $3 into SQLite's ?3. When the placeholders come in order, each once, plain ? will do, and
// it is much faster: SQLite keeps the others in a list of names, which it walks for every argument.
func rebind(text string) string {
	pieces := split(text)
	plain := inOrder(pieces)
	var b strings.Builder
	b.Grow(len(text))
	for _, p := range pieces {
		if p.param == 0 {
			b.WriteString(p.text)
			continue
		}
		b.WriteByte('?')
		if !plain {
			b.WriteString(strconv.Itoa(p.param))
		}
	}
	return b.String()
}

func inOrder(pieces []piece) bool {
	n := 0
	for _, p := range pieces {
		if p.param == 0 {
			continue
		}
		n++
		if p.param != n {
			return false
		}
	}
	return true
}

// expandList makes $1 a list of n placeholders and moves the others up.
func expandList(pieces []piece, n int) *form {
	var b strings.Builder
	for _, p := range pieces {
		switch p.param {
		case 0:
			b.WriteString(p.text)
		case 1:
			for i := range n {
				if i > 0 {
					b.WriteByte(',')
				}
				fmt.Fprintf(&b, "$%d", i+1)
			}
		default:
			fmt.Fprintf(&b, "$%d", p.param+n-1)
		}
	}
	return &form{text: b.String(), params: max(maxParam(pieces), 1) + n - 1}
}

// repeatValues repeats the first group after "values", numbering the placeholders on. All placeholders
// stand in that group, so that every row brings its own arguments.
func repeatValues(name string, pieces []piece, rows int) *form {
	from, to := valuesGroup(pieces)
	if from == nil {
		return &form{err: fmt.Errorf("%s: no values group that could be repeated", name)}
	}
	head, group, tail := cut(pieces, *from, *to)
	k := maxParam(group)
	if k == 0 || maxParam(head) > 0 || maxParam(tail) > 0 {
		return &form{err: fmt.Errorf("%s: all placeholders must stand in the values group", name)}
	}
	var b strings.Builder
	write := func(ps []piece, shift int) {
		for _, p := range ps {
			if p.param == 0 {
				b.WriteString(p.text)
				continue
			}
			fmt.Fprintf(&b, "$%d", p.param+shift)
		}
	}
	write(head, 0)
	for i := range rows {
		if i > 0 {
			b.WriteByte(',')
		}
		write(group, i*k)
	}
	write(tail, 0)
	return &form{text: b.String(), params: rows * k, group: k}
}

// place is a byte of a piece.
type place struct{ piece, offset int }

// valuesGroup finds "(" … ")" after the word values; to is the place behind the closing parenthesis.
func valuesGroup(pieces []piece) (from, to *place) {
	depth := 0
	armed := false // the last word was "values"
	for i, p := range pieces {
		if p.param > 0 || p.quiet {
			continue
		}
		for j := 0; j < len(p.text); j++ {
			switch c := p.text[j]; {
			case c == '(' && (armed || from != nil):
				if from == nil {
					from = &place{i, j}
				}
				depth++
			case c == ')' && from != nil:
				depth--
				if depth == 0 {
					return from, &place{i, j + 1}
				}
			case wordAt(p.text, j, "values"):
				armed = true
				j += len("values") - 1
			case c != ' ' && c != '\n' && c != '\t' && c != '\r':
				armed = false
			}
		}
	}
	return nil, nil
}

func wordAt(text string, i int, word string) bool {
	end := i + len(word)
	return end <= len(text) && strings.EqualFold(text[i:end], word) &&
		(i == 0 || !wordByte(text[i-1])) && (end == len(text) || !wordByte(text[end]))
}

func wordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// cut splits the pieces at two places.
func cut(pieces []piece, from, to place) (head, group, tail []piece) {
	for i, p := range pieces {
		if p.param > 0 || p.quiet {
			head, group, tail = put(i, from, to, p, head, group, tail)
			continue
		}
		start, end := 0, len(p.text)
		if i < from.piece {
			start = end
		} else if i == from.piece {
			start = from.offset
		}
		if i > to.piece {
			end = 0
		} else if i == to.piece {
			end = to.offset
		}
		switch {
		case i < from.piece:
			head = append(head, p)
		case i > to.piece:
			tail = append(tail, p)
		default:
			head = append(head, piece{text: p.text[:start]})
			group = append(group, piece{text: p.text[start:end]})
			tail = append(tail, piece{text: p.text[end:]})
		}
	}
	return head, group, tail
}

func put(i int, from, to place, p piece, head, group, tail []piece) (h, g, t []piece) {
	switch {
	case i < from.piece:
		head = append(head, p)
	case i > to.piece:
		tail = append(tail, p)
	default:
		group = append(group, p)
	}
	return head, group, tail
}
