package table

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"cusp/internal/fault"
)

// Options say how a table is to be read.
type Options struct {
	Kind    Kind
	Mapping *Mapping // nil: columns are recognised by their usual names
}

// Item is what one row of the table gave: a row to send, or a rejection. Cells are the row as it stood
// in the file, for the file of rejected rows; they go with [Reader.Columns].
type Item struct {
	Row      Row
	Rejected *Rejection
	Cells    []string
}

// Reader reads a table row by row. It is not safe for concurrent use.
type Reader struct {
	mapping     *Mapping
	encoding    Encoding
	csv         *csvReader  // one of these two is set
	json        *jsonReader //
	columns     []string
	index       map[string]int
	fingerprint string
	layouts     map[string]*Mapping // NDJSON without a mapping: one layout for each set of keys
}

// Open finds out how the text in src is packed, encoded and delimited, reads its header and matches the
// columns. Errors: [fault.Unsupported] when it is no text, [fault.Invalid] when it is empty, damaged or
// has no usable header, [fault.Problems] when the mapping names columns that are not there.
func Open(src io.Reader, o Options) (*Reader, error) {
	m := o.Mapping
	if m == nil {
		m = &Mapping{Kind: o.Kind, zone: time.UTC}
	}
	in, encoding, err := unpack(src, m.Encoding)
	if err != nil {
		return nil, err
	}
	head, err := in.Peek(sniffed)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, damaged(err)
	}
	if len(bytes.TrimSpace(head)) == 0 {
		return nil, fault.New(fault.Invalid, "the file is empty").WithCode("empty_file").
			WithHint("a table begins with a line that names its columns")
	}
	sum := sha256.Sum256(append([]byte(o.Kind+"\n"+Kind(m.source())+"\n"), head...))
	r := &Reader{mapping: m, encoding: encoding, fingerprint: hex.EncodeToString(sum[:8])}
	switch bytes.TrimSpace(head)[0] {
	case '{':
		r.openJSON(in)
		return r, nil
	case '[':
		return nil, fault.New(fault.Unsupported, "this is one JSON array").WithCode("json_array").
			WithHint("write one object per line (NDJSON); jq -c '.[]' does it")
	}
	return r, r.openCSV(in, head)
}

// source is the text of the mapping file.
func (m *Mapping) source() string {
	if m.doc == nil {
		return ""
	}
	return strings.Join(m.doc.lines, "\n")
}

// Columns are the names under which the cells of items stand.
func (r *Reader) Columns() []string { return slices.Clone(r.columns) }

// Fingerprint tells one table, kind and mapping from another, so that an interrupted import is only
// taken up again with what it began with.
func (r *Reader) Fingerprint() string { return r.fingerprint }

func (r *Reader) openJSON(in *bufio.Reader) {
	r.json = &jsonReader{src: in}
	r.columns = []string{"row"}
	if r.mapping.doc == nil || r.mapping.keepRest {
		r.layouts = map[string]*Mapping{}
	}
}

func (r *Reader) openCSV(in *bufio.Reader, head []byte) error {
	declared, ok := separatorLine(in)
	comma := r.mapping.Delimiter
	first, _, _ := bytes.Cut(head, []byte("\n"))
	switch {
	case comma != 0 && bytes.IndexByte(first, comma) >= 0: // else it is a file of rejected rows, say
	case ok:
		comma = declared
	default:
		comma = sniffDelimiter(head)
	}
	r.csv = newCSVReader(in, comma)
	if ok {
		r.csv.line = 2
	}
	header, err := r.csv.next()
	if err != nil {
		return fault.New(fault.Invalid, "the file has no header").WithCode("no_header").WithCause(err)
	}
	if header.bad != nil {
		return fault.New(fault.Invalid, "the header on line %d cannot be read: %s", header.line, header.bad.Reason).
			WithCode("bad_header").WithHint("a table has at most %d columns, named on its first line", maxColumns)
	}
	if err := r.name(header.cells); err != nil {
		return err
	}
	if r.mapping.doc == nil {
		r.mapping = &Mapping{Kind: r.mapping.Kind, zone: time.UTC, fields: defaultFields(r.mapping.Kind, r.columns)}
		return nil
	}
	return r.bind()
}

// name takes the header over: trimmed, unguarded, and each name once.
func (r *Reader) name(cells []string) error {
	r.index = map[string]int{}
	for i, c := range cells {
		text, err := cellText(c, r.encoding)
		if err != nil {
			return fault.New(fault.Invalid, "the header is not valid UTF-8").WithCode("bad_header").
				WithHint("say the encoding in the mapping file")
		}
		text = strings.TrimSpace(Unguard(text))
		if text == "" {
			text = "column " + strconv.Itoa(i+1)
		}
		name := text
		for n := 2; ; n++ {
			if _, taken := r.index[name]; !taken {
				break
			}
			name = text + " " + strconv.Itoa(n)
		}
		r.index[name] = i
		r.columns = append(r.columns, name)
	}
	return nil
}

// bind checks that every column of the mapping is in the header, and adds the unmapped ones if wanted.
func (r *Reader) bind() error {
	m := *r.mapping
	d := document{file: m.doc.file, lines: m.doc.lines}
	used := map[string]bool{}
	check := func(fields []field) {
		for i := range fields {
			for _, column := range fields[i].needs() {
				used[column] = true
				if _, ok := r.index[column]; !ok {
					hint := "the columns are: " + strings.Join(r.columns[:min(len(r.columns), 30)], ", ")
					if near := fault.Nearest(column, r.columns); near != "" {
						hint = "did you mean " + near + "?"
					}
					d.problem(fields[i].line, fields[i].column, "unknown_column", hint, "the file has no column %q", column)
				}
			}
		}
	}
	check(m.fields)
	for _, e := range m.also {
		check(e.fields)
	}
	if m.keepRest {
		m.fields = append(slices.Clone(m.fields), restFields(&m, r.columns, used)...)
	}
	r.mapping = &m
	d.problems.Sort()
	return d.problems.Err()
}

// restFields makes traits or properties of the columns that the mapping does not use.
func restFields(m *Mapping, columns []string, used map[string]bool) []field {
	all := slices.Clone(m.fields)
	var rest []field
	for i, c := range columns {
		if used[c] {
			continue
		}
		f := field{target: freeTarget(m.Kind, all, normalise(c)), columns: columns[i : i+1]}
		all, rest = append(all, f), append(rest, f)
	}
	return rest
}

// Next returns the next row, or io.EOF after the last. Any other error ends the reading: the file is
// damaged. What is wrong with one row is in [Item.Rejected].
func (r *Reader) Next() (Item, error) {
	rec, err := r.next()
	if err != nil {
		return Item{}, err
	}
	if rec.bad != nil {
		return Item{Rejected: rec.bad, Cells: rec.cells}, nil
	}
	row, err := r.row(rec)
	if err == nil {
		return Item{Row: row, Cells: r.cells(rec)}, nil
	}
	if wrong, ok := errors.AsType[*reject](err); ok {
		return Item{Rejected: &Rejection{Line: rec.line, Code: wrong.code, Reason: wrong.reason}, Cells: r.cells(rec)}, nil
	}
	return Item{}, err
}

// Skip passes over n rows, those that an interrupted import has already confirmed.
func (r *Reader) Skip(n int) error {
	for range n {
		if _, err := r.next(); err != nil {
			return err
		}
	}
	return nil
}

func (r *Reader) next() (*record, error) {
	if r.json != nil {
		return r.json.next()
	}
	return r.csv.next()
}

// cells is the row as the file of rejected rows shows it.
func (r *Reader) cells(rec *record) []string {
	if rec.object == nil {
		return rec.cells
	}
	text, err := encode(rec.object)
	if err != nil {
		return nil
	}
	return []string{string(text)}
}

func (r *Reader) row(rec *record) (Row, error) {
	find, err := r.finder(rec)
	if err != nil {
		return Row{}, err
	}
	m := r.layout(rec)
	main, also, err := m.build(rec, find)
	if err != nil {
		return Row{}, err
	}
	row := Row{Line: rec.line}
	if row.Message, err = seal(m.Kind, main); err != nil {
		return Row{}, err
	}
	for _, extra := range also {
		text, err := seal(Events, extra)
		if err != nil {
			return Row{}, err
		}
		row.Also = append(row.Also, text)
	}
	return row, nil
}

// finder looks values up by the name of their column.
func (r *Reader) finder(rec *record) (func(column string) any, error) {
	if rec.object != nil {
		return func(column string) any { return lookup(rec.object, column) }, nil
	}
	if len(rec.cells) != len(r.columns) {
		return nil, refuse("wrong_cell_count", "the row has %d cells, the header has %d", len(rec.cells), len(r.columns))
	}
	for i, c := range rec.cells {
		text, err := cellText(c, r.encoding)
		if err != nil {
			return nil, refuse("bad_text", "column %s: %v", r.columns[i], err)
		}
		rec.cells[i] = text
	}
	return func(column string) any {
		i, ok := r.index[column]
		if !ok {
			return nil
		}
		return Unguard(rec.cells[i])
	}, nil
}

// lookup finds a key, or walks a dotted path.
func lookup(object map[string]any, path string) any {
	if v, ok := object[path]; ok {
		return v
	}
	head, rest, dotted := strings.Cut(path, ".")
	if inner, ok := object[head].(map[string]any); ok && dotted {
		return lookup(inner, rest)
	}
	return nil
}

// maxLayouts bounds how many sets of keys are remembered.
const maxLayouts = 64

// layout is the mapping for a record: for NDJSON without one, or with the rest kept, it depends on the
// record's keys.
func (r *Reader) layout(rec *record) *Mapping {
	if r.layouts == nil {
		return r.mapping
	}
	keys := make([]string, 0, len(rec.object))
	for k := range rec.object {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	id := strings.Join(keys, "\x00")
	if m, ok := r.layouts[id]; ok {
		return m
	}
	m := *r.mapping
	if m.doc == nil {
		m.fields = defaultFields(m.Kind, keys)
	} else {
		m.fields = append(slices.Clone(m.fields), restFields(&m, keys, usedColumns(&m))...)
	}
	if len(r.layouts) < maxLayouts {
		r.layouts[id] = &m
	}
	return &m
}

func usedColumns(m *Mapping) map[string]bool {
	used := map[string]bool{}
	for i := range m.fields {
		for _, c := range m.fields[i].needs() {
			used[c] = true
		}
	}
	return used
}
