package table

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"cusp/internal/fault"
)

// sniffed is how many bytes are looked at before anything is decided about a file.
const sniffed = 64 << 10

// Encoding is how the text of a table is encoded.
type Encoding string

// The encodings that are understood. Detect looks at the beginning of the file.
const (
	Detect  Encoding = ""
	UTF8    Encoding = "utf-8"
	UTF16LE Encoding = "utf-16le"
	UTF16BE Encoding = "utf-16be"
	Western Encoding = "windows-1252" // Latin-1 and its superset that Windows writes
)

// unpack undoes gzip, detects the encoding and returns the text as UTF-8 (but see [cellText]) without
// its byte order mark.
func unpack(src io.Reader, want Encoding) (*bufio.Reader, Encoding, error) {
	in := bufio.NewReaderSize(src, sniffed)
	head, _ := in.Peek(4)
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		zip, err := gzip.NewReader(in)
		if err != nil {
			return nil, "", damaged(err)
		}
		in = bufio.NewReaderSize(zip, sniffed)
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return nil, "", fault.New(fault.Unsupported, "this is a spreadsheet or zip file, not a table of text").
			WithCode("not_text").WithHint("save it as CSV (UTF-8) in the program that wrote it")
	}
	head, err := in.Peek(sniffed)
	if err != nil && err != io.EOF {
		return nil, "", damaged(err)
	}
	// A file of rejected rows is UTF-8 whatever the mapping says of the original, and text that is valid
	// UTF-8 beyond ASCII is never meant to be Latin-1.
	if found := detect(head); want == Detect || want == Western && found == UTF8 {
		want = found
	}
	switch want {
	case UTF16LE:
		in = decoded(in, unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder())
	case UTF16BE:
		in = decoded(in, unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewDecoder())
	case Western:
		in = decoded(in, charmap.Windows1252.NewDecoder())
	case UTF8, Detect:
	}
	if mark, _ := in.Peek(3); bytes.Equal(mark, []byte("\uFEFF")) {
		_, _ = in.Discard(3)
	}
	return in, want, nil
}

func decoded(in io.Reader, t transform.Transformer) *bufio.Reader {
	return bufio.NewReaderSize(transform.NewReader(in, t), sniffed)
}

func damaged(err error) error {
	return fault.New(fault.Invalid, "the file is damaged").WithCode("damaged").WithCause(err).
		WithHint("fetch or compress it again; what was imported before the damage is kept, and importing again repeats nothing")
}

// detect decides by the byte order mark, then by where zero bytes stand, then by whether the bytes are
// UTF-8. A file whose beginning is plain ASCII stays undecided (Detect): each cell is looked at alone.
func detect(head []byte) Encoding {
	switch {
	case bytes.HasPrefix(head, []byte{0xEF, 0xBB, 0xBF}):
		return UTF8
	case bytes.HasPrefix(head, []byte{0xFF, 0xFE}):
		return UTF16LE
	case bytes.HasPrefix(head, []byte{0xFE, 0xFF}):
		return UTF16BE
	}
	if e := zeroPattern(head); e != Detect {
		return e
	}
	ascii := true
	for i := 0; i < len(head); {
		r, n := utf8.DecodeRune(head[i:])
		if r == utf8.RuneError && n == 1 {
			if !utf8.FullRune(head[i:]) {
				break // a character cut by the end of what was looked at
			}
			return Western
		}
		ascii = ascii && n == 1
		i += n
	}
	if ascii {
		return Detect
	}
	return UTF8
}

// zeroPattern recognises UTF-16 without a byte order mark: mostly Latin text has a zero in every
// second byte.
func zeroPattern(head []byte) Encoding {
	head = head[:min(len(head), 4096)&^1]
	var even, odd int
	for i, b := range head {
		if b == 0 && i%2 == 0 {
			even++
		} else if b == 0 {
			odd++
		}
	}
	pairs := len(head) / 2
	switch {
	case odd*10 > pairs*3 && even*20 < pairs:
		return UTF16LE
	case even*10 > pairs*3 && odd*20 < pairs:
		return UTF16BE
	}
	return Detect
}

// cellText makes a cell valid UTF-8. In a file that is known to be UTF-8 wrong bytes are an error; in
// one whose beginning was plain ASCII they are read as Western European.
func cellText(cell string, e Encoding) (string, error) {
	if utf8.ValidString(cell) {
		return cell, nil
	}
	if e != Detect {
		return "", errors.New("the text is not valid UTF-8")
	}
	s, err := charmap.Windows1252.NewDecoder().String(cell)
	if err != nil {
		return "", fmt.Errorf("read text as windows-1252: %w", err)
	}
	return s, nil
}
