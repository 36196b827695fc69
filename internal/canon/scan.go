package canon

import (
	"encoding/binary"
	"math/bits"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// flag is what a reader must know of a value without looking into it.
type flag uint8

const (
	inScratch flag = 1 << iota // the text was repaired or unescaped and lies in the scratch buffer
	tooDeep                    // deeper than is kept: the value is its source text
	badNumber                  // beyond float64
)

// span is a piece of text: in the source, or in the scratch buffer when its flag says so.
type span struct {
	off, n uint32
	flag   flag
}

// scanner reads the smallest parts of JSON. It never looks beyond src and never recurses.
type scanner struct {
	src     []byte
	pos     int
	scratch []byte
}

func (s *scanner) reset(src []byte) {
	s.src, s.pos, s.scratch = src, 0, s.scratch[:0]
	if len(src) >= 3 && src[0] == 0xEF && src[1] == 0xBB && src[2] == 0xBF {
		s.pos = 3
	}
}

func (s *scanner) bytes(p span) []byte {
	if p.flag&inScratch != 0 {
		return s.scratch[p.off : p.off+p.n : p.off+p.n]
	}
	return s.src[p.off : p.off+p.n : p.off+p.n]
}

// peek is the next byte that is not white space; 0 at the end, which no token begins with.
func (s *scanner) peek() byte {
	for s.pos < len(s.src) {
		c := s.src[s.pos]
		if c > ' ' || c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return c
		}
		s.pos++
	}
	return 0
}

// unexpected is the error at the present position.
func (s *scanner) unexpected(wanted string) error {
	if s.pos >= len(s.src) {
		return syntaxError(s.pos, "it ends where "+wanted+" is wanted")
	}
	return syntaxError(s.pos, wanted+" is wanted")
}

// end checks that nothing but white space follows.
func (s *scanner) end() error {
	if s.peek() != 0 || s.pos < len(s.src) {
		return s.unexpected("the end")
	}
	return nil
}

func (s *scanner) word(w string) error {
	if len(s.src)-s.pos < len(w) || string(s.src[s.pos:s.pos+len(w)]) != w {
		return s.unexpected("a value")
	}
	s.pos += len(w)
	return nil
}

// key reads a member's key and the colon behind it.
func (s *scanner) key() (span, error) {
	if s.peek() != '"' {
		return span{}, s.unexpected("a key")
	}
	k, err := s.text()
	if err != nil {
		return span{}, err
	}
	if s.peek() != ':' {
		return span{}, s.unexpected("a colon")
	}
	s.pos++
	return k, nil
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// special marks the high bit of each byte of x that ends a run of plain ASCII text: a quote, a backslash,
// a control character, or a byte beyond ASCII. Marks above the lowest one may be wrong.
func special(x uint64) uint64 {
	quote := x ^ ones*'"'
	slash := x ^ ones*'\\'
	return ((quote-ones)&^quote | (slash-ones)&^slash | (x-ones*' ')&^x | x) & highs
}

// plain is the first position from i on that holds something [special]; the end if none does.
func (s *scanner) plain(i int) int {
	src := s.src
	for ; i+8 <= len(src); i += 8 {
		if m := special(binary.LittleEndian.Uint64(src[i:])); m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
	}
	for ; i < len(src); i++ {
		if c := src[i]; c == '"' || c == '\\' || c < ' ' || c >= utf8.RuneSelf {
			return i
		}
	}
	return i
}

// text reads a string at its opening quote.
func (s *scanner) text() (span, error) {
	start := s.pos + 1
	for i := s.plain(start); i < len(s.src); i = s.plain(i) {
		switch c := s.src[i]; {
		case c == '"':
			s.pos = i + 1
			return span{off: uint32(start), n: uint32(i - start)}, nil
		case c == '\\':
			return s.repaired(start, i)
		case c < ' ':
			return span{}, syntaxError(i, "a control character in a string")
		default:
			r, size := utf8.DecodeRune(s.src[i:])
			if r == utf8.RuneError && size == 1 {
				return s.repaired(start, i)
			}
			i += size
		}
	}
	return span{}, syntaxError(len(s.src), "it ends inside a string")
}

// repaired reads on at i in a string that cannot be used as it stands, into the scratch buffer.
func (s *scanner) repaired(start, i int) (span, error) {
	off := len(s.scratch)
	for i < len(s.src) {
		end := s.plain(i)
		s.scratch = append(s.scratch, s.src[start:end]...)
		if end == len(s.src) {
			break
		}
		i = end
		switch c := s.src[i]; {
		case c == '"':
			s.pos = i + 1
			return span{off: uint32(off), n: uint32(len(s.scratch) - off), flag: inScratch}, nil
		case c == '\\':
			next, err := s.escape(i + 1)
			if err != nil {
				return span{}, err
			}
			i = next
		case c < ' ':
			return span{}, syntaxError(i, "a control character in a string")
		default:
			r, size := utf8.DecodeRune(s.src[i:])
			s.scratch = utf8.AppendRune(s.scratch, r)
			i += size
		}
		start = i
	}
	return span{}, syntaxError(len(s.src), "it ends inside a string")
}

// escape reads the escape sequence behind a backslash and returns the position after it.
func (s *scanner) escape(i int) (int, error) {
	if i >= len(s.src) {
		return 0, syntaxError(i, "it ends inside a string")
	}
	c := s.src[i]
	switch c {
	case '"', '\\', '/':
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'u':
		return s.unicode(i + 1)
	default:
		return 0, syntaxError(i, "an unknown escape sequence")
	}
	s.scratch = append(s.scratch, c)
	return i + 1, nil
}

// unicode reads the digits of \uXXXX at i, and the second half of a surrogate pair when it follows.
func (s *scanner) unicode(i int) (int, error) {
	r, ok := hex4(s.src, i)
	if !ok {
		return 0, syntaxError(i, "four hexadecimal digits are wanted")
	}
	i += 4
	if utf16.IsSurrogate(r) {
		low, ok := rune(0), false
		if i+6 <= len(s.src) && s.src[i] == '\\' && s.src[i+1] == 'u' {
			low, ok = hex4(s.src, i+2)
		}
		r = utf16.DecodeRune(r, low)
		if ok && r != utf8.RuneError {
			i += 6
		}
	}
	if r == 0 {
		r = utf8.RuneError
	}
	s.scratch = utf8.AppendRune(s.scratch, r)
	return i, nil
}

func hex4(src []byte, i int) (rune, bool) {
	if i+4 > len(src) {
		return 0, false
	}
	var r rune
	for _, c := range src[i : i+4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// number reads a number. One that float64 cannot hold is marked, not refused.
func (s *scanner) number() (span, error) {
	start := s.pos
	if s.src[s.pos] == '-' {
		s.pos++
	}
	digits := s.digits()
	if digits == 0 || digits > 1 && s.src[s.pos-digits] == '0' {
		return span{}, syntaxError(start, "a number is wanted")
	}
	if s.pos < len(s.src) && s.src[s.pos] == '.' {
		s.pos++
		if s.digits() == 0 {
			return span{}, s.unexpected("a digit")
		}
	}
	large := digits > 308
	if s.pos < len(s.src) && s.src[s.pos]|0x20 == 'e' {
		s.pos++
		if s.pos < len(s.src) && (s.src[s.pos] == '+' || s.src[s.pos] == '-') {
			s.pos++
		}
		exponent := s.digits()
		if exponent == 0 {
			return span{}, s.unexpected("a digit")
		}
		large = large || exponent > 2 || digits > 200
	}
	p := span{off: uint32(start), n: uint32(s.pos - start)}
	if large {
		if _, err := strconv.ParseFloat(string(s.src[start:s.pos]), 64); err != nil {
			p.flag = badNumber
		}
	}
	return p, nil
}

func (s *scanner) digits() int {
	start := s.pos
	for s.pos < len(s.src) && s.src[s.pos]-'0' <= 9 {
		s.pos++
	}
	return s.pos - start
}

// skip checks a value below parseDepth without keeping it. The kinds of the open containers are bits, so
// that memory is bounded by [maxNesting].
func (s *scanner) skip() error {
	var objects [maxNesting/64 + 1]uint64
	mark := len(s.scratch)
	for depth := 0; ; {
		c := s.peek()
		if c == '{' || c == '[' {
			if depth++; depth > maxNesting-parseDepth {
				return ErrTooDeep
			}
			empty, err := s.open(c, depth, &objects)
			if err != nil {
				return err
			}
			if !empty {
				continue
			}
		} else if _, _, err := s.scalar(c); err != nil {
			return err
		}
		s.scratch = s.scratch[:mark]
		closed, err := s.after(&depth, &objects)
		if closed || err != nil {
			return err
		}
	}
}

// open reads an opening bracket and notes its kind; of an object that is not empty it reads the first key.
func (s *scanner) open(c byte, depth int, objects *[maxNesting/64 + 1]uint64) (empty bool, err error) {
	s.pos++
	objects[depth>>6] &^= 1 << (depth & 63)
	if c == '{' {
		objects[depth>>6] |= 1 << (depth & 63)
	}
	if s.peek() == c+2 { // the closing bracket of either kind
		return true, nil
	}
	return false, s.keyIf(c == '{')
}

// after reads what follows a value: closing brackets, and the comma before the next value. It reports
// true when the outermost container has closed.
func (s *scanner) after(depth *int, objects *[maxNesting/64 + 1]uint64) (bool, error) {
	for *depth > 0 {
		object := objects[*depth>>6]&(1<<(*depth&63)) != 0
		closing := byte(']')
		if object {
			closing = '}'
		}
		switch s.peek() {
		case ',':
			s.pos++
			return false, s.keyIf(object)
		case closing:
			s.pos++
			*depth--
		default:
			return false, s.unexpected("a comma or a closing bracket")
		}
	}
	return true, nil
}

// more reads the comma before the next member, or the closing bracket.
func (s *scanner) more(closing byte) (bool, error) {
	switch s.peek() {
	case ',':
		s.pos++
		return true, nil
	case closing:
		s.pos++
		return false, nil
	}
	return false, s.unexpected("a comma or a closing bracket")
}

func (s *scanner) keyIf(object bool) error {
	if !object {
		return nil
	}
	_, err := s.key()
	return err
}

// scalar reads a value that is no container and begins with c.
func (s *scanner) scalar(c byte) (Kind, span, error) {
	var (
		k   Kind
		p   span
		err error
	)
	switch c {
	case '"':
		k = String
		p, err = s.text()
	case 't':
		k, err = True, s.word("true")
	case 'f':
		k, err = False, s.word("false")
	case 'n':
		k, err = Null, s.word("null")
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		k = Number
		p, err = s.number()
	default:
		err = s.unexpected("a value")
	}
	return k, p, err
}
