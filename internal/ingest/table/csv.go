package table

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"cusp/internal/fault"
)

// The bounds of one record. A message has at most MaxMessage bytes, so no cell beyond maxCell can
// become part of one.
const (
	maxCell    = 64 << 10
	maxRecord  = 1 << 20
	maxColumns = 1000
	maxRescans = 100
)

// record is one row as it stood in the file. Exactly one of cells and object is set.
type record struct {
	line   int // on which it begins, from 1
	cells  []string
	object map[string]any
	bad    *Rejection
}

// reject marks the record unless something worse is known already.
func (r *record) reject(code, format string, args ...any) {
	if r.bad == nil {
		r.bad = &Rejection{Line: r.line, Code: code, Reason: fmt.Sprintf(format, args...)}
	}
}

// csvReader splits a stream into records. Unlike encoding/csv it holds no more than a fixed amount of
// any record, keeps line breaks inside cells as they are, reads a quote in the middle of a cell as
// itself, and after a quote that is never closed it goes on with the next line.
type csvReader struct {
	src     *bufio.Reader
	comma   byte
	line    int    // of the next byte
	raw     []byte // the record so far, for reading it again after an unclosed quote
	text    []byte // the record's cells, one after the other
	ends    []int  // where each cell ends in text
	rescans int
}

func newCSVReader(src *bufio.Reader, comma byte) *csvReader {
	return &csvReader{src: src, comma: comma, line: 1}
}

// next returns the next record that is not a blank line, or io.EOF.
func (c *csvReader) next() (*record, error) {
	for {
		rec := &record{line: c.line}
		err := c.read(rec)
		if err != nil {
			return nil, err
		}
		if len(c.ends) > 1 || len(c.text) > 0 || rec.bad != nil {
			c.cut(rec)
			return rec, nil
		}
	}
}

// cut makes strings of the cells that were read.
func (c *csvReader) cut(rec *record) {
	all := string(c.text)
	rec.cells = make([]string, len(c.ends))
	start := 0
	for i, end := range c.ends {
		rec.cells[i] = all[start:end]
		start = end
	}
}

type csvState uint8

const (
	cellStart csvState = iota
	bare
	quoted
	quoteSeen // a quote inside a quoted cell: its end, or the first of two
)

func (c *csvReader) read(rec *record) error {
	c.raw, c.text, c.ends = c.raw[:0], c.text[:0], c.ends[:0]
	state := cellStart
	for n := 0; ; n++ {
		b, err := c.src.ReadByte()
		if err != nil {
			return c.end(rec, state, n, err)
		}
		if len(c.raw) < maxRecord {
			c.raw = append(c.raw, b)
		}
		if b == '\n' {
			c.line++
		}
		if b == 0 {
			rec.reject("nul_byte", "the row holds a NUL byte")
		}
		var done bool
		if state, done = c.step(rec, state, b); done {
			return nil
		}
	}
}

// step takes one byte; done says that the record is complete.
func (c *csvReader) step(rec *record, state csvState, b byte) (next csvState, done bool) {
	if state == quoted {
		if b == '"' {
			return quoteSeen, false
		}
		c.put(rec, b)
		return quoted, false
	}
	if state == quoteSeen && b == '"' {
		c.put(rec, '"')
		return quoted, false
	}
	switch {
	case b == c.comma:
		c.closeCell(rec)
		return cellStart, false
	case b == '\n':
		c.closeCell(rec)
		return cellStart, true
	case b == '\r':
		c.skipNewline()
		c.closeCell(rec)
		return cellStart, true
	case b == '"' && state == cellStart:
		return quoted, false
	case state == quoteSeen: // "abc"def: the quote belongs to the text
		c.put(rec, '"')
		c.put(rec, b)
		return quoted, false
	}
	c.put(rec, b)
	return bare, false
}

// skipNewline takes the line feed after a carriage return, and counts the line either way.
func (c *csvReader) skipNewline() {
	c.line++
	if next, err := c.src.Peek(1); err == nil && next[0] == '\n' {
		_, _ = c.src.Discard(1)
		if len(c.raw) < maxRecord {
			c.raw = append(c.raw, '\n')
		}
	}
}

func (c *csvReader) put(rec *record, b byte) {
	start := 0
	if len(c.ends) > 0 {
		start = c.ends[len(c.ends)-1]
	}
	switch {
	case len(c.ends) >= maxColumns:
	case len(c.text)-start >= maxCell:
		rec.reject("cell_too_large", "the cell in column %d is larger than %d KiB", len(c.ends)+1, maxCell>>10)
	case len(c.text) >= maxRecord:
		rec.reject("row_too_large", "the row is larger than %d KiB", maxRecord>>10)
	default:
		c.text = append(c.text, b)
	}
}

func (c *csvReader) closeCell(rec *record) {
	if len(c.ends) >= maxColumns {
		rec.reject("too_many_cells", "the row has more than %d cells", maxColumns)
		return
	}
	c.ends = append(c.ends, len(c.text))
}

// end handles the end of the input after n bytes of a record.
func (c *csvReader) end(rec *record, state csvState, n int, err error) error {
	if !errors.Is(err, io.EOF) {
		return damaged(err)
	}
	if n == 0 {
		return io.EOF
	}
	if state != quoted {
		c.closeCell(rec)
		return nil
	}
	c.rescan(rec)
	c.closeCell(rec)
	return nil
}

// rescan rejects the line on which a never closed quote began and reads on after it, as long as the
// rest was kept; otherwise the rejection names the lines that were swallowed.
func (c *csvReader) rescan(rec *record) {
	first := bytes.IndexByte(c.raw, '\n')
	if len(c.raw) >= maxRecord || first < 0 || c.rescans >= maxRescans {
		rec.bad = nil
		rec.reject("open_quote", "a quote opened on line %d is never closed; lines %d to %d belong to it", rec.line, rec.line, c.line)
		return
	}
	c.rescans++
	rest := bytes.Clone(c.raw[first+1:])
	c.src = bufio.NewReader(bytes.NewReader(rest))
	c.line = rec.line + 1
	c.text = append(c.text[:0], bytes.TrimRight(c.raw[:first], "\r")...)
	c.ends = c.ends[:0]
	rec.bad = nil
	rec.reject("open_quote", "a quote opened on this line is never closed")
}

// delimiters in the order in which a tie is decided.
const delimiters = ",;\t|"

// sniffDelimiter chooses the delimiter that cuts the first line into most cells, preferring one that
// cuts the following lines into as many.
func sniffDelimiter(head []byte) byte {
	best, bestScore := byte(','), 0
	for _, d := range []byte(delimiters) {
		counts := cellCounts(head, d)
		if len(counts) == 0 || counts[0] < 2 {
			continue
		}
		same := 0
		for _, n := range counts {
			if n == counts[0] {
				same++
			}
		}
		if score := 1000*same/len(counts) + min(counts[0], 999); score > bestScore {
			best, bestScore = d, score
		}
	}
	return best
}

// cellCounts is the number of cells on each of the first complete records of head.
func cellCounts(head []byte, comma byte) []int {
	const lines = 10
	c := newCSVReader(bufio.NewReader(bytes.NewReader(head)), comma)
	var counts []int
	for len(counts) <= lines {
		rec, err := c.next()
		if err != nil {
			break
		}
		counts = append(counts, len(rec.cells))
	}
	if len(counts) > 1 && len(head) >= sniffed/2 {
		counts = counts[:len(counts)-1] // the last one may be cut
	}
	return counts
}

// separatorLine reads the line "sep=;" with which Excel declares the delimiter.
func separatorLine(src *bufio.Reader) (delimiter byte, ok bool) {
	head, _ := src.Peek(6)
	if len(head) < 6 || !strings.EqualFold(string(head[:4]), "sep=") || (head[5] != '\n' && head[5] != '\r') {
		return 0, false
	}
	delimiter = head[4]
	_, _ = src.ReadString('\n')
	return delimiter, true
}

// checkDelimiter refuses characters that cannot separate cells.
func checkDelimiter(d string) (byte, error) {
	switch d {
	case ",", ";", "\t", "|":
		return d[0], nil
	case "tab":
		return '\t', nil
	}
	return 0, fault.New(fault.Invalid, "%q cannot separate cells", d).WithCode("bad_delimiter").
		WithHint(`write one of "," ";" "|" or tab`)
}
