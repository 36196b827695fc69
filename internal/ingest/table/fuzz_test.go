package table

import (
	"bufio"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"cusp/internal/fault"
)

// Whatever the bytes: reading ends, every row is a message or a rejection with its line, lines rise, and
// the same bytes give the same messages.
func FuzzOpen(f *testing.F) {
	for _, seed := range []string{
		"user_id,email\nu1,a@b.example\n", "user_id;a\n\"x\ny\";\"\"\"\"\n", "sep=|\na|b\n1|2\n", "\"a\n\"b\n\"c",
		`{"user_id":"u1","a":{"b":[1,2.50,null]}}` + "\n{}\n[1]\n", "\xff\xfea\x00,\x00b\x00\n\x00", "a\x00b,c\n", "a\rb\rc",
		"\xef\xbb\xbfuser_id\nu1", "a,a,a\n1,2,3\n", "id\ttraits.x\n'=1\t'+2\n", "\x1f\x8b\x08", ",\n,\n",
		"type,user_id,time,event,body\ntrack,u,2026-01-01,X,\"{\"\"type\"\":\"\"page\"\",\"\"userId\"\":\"\"u\"\"}\"\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, kind := range Kinds() {
			first := drain(t, text, kind)
			if again := drain(t, text, kind); !slices.Equal(first, again) {
				t.Fatalf("%s: got %q, then %q", kind, first, again)
			}
		}
	})
}

func drain(t *testing.T, text string, kind Kind) (messages []string) {
	r, err := Open(strings.NewReader(text), Options{Kind: kind})
	if err != nil {
		if fault.KindOf(err) == fault.Internal {
			t.Fatalf("open: %v", err)
		}
		return nil
	}
	line := 0
	for {
		item, err := r.Next()
		if errors.Is(err, io.EOF) {
			return messages
		}
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatalf("next: %v", err)
			}
			return messages
		}
		at := item.Row.Line
		if item.Rejected != nil {
			at = item.Rejected.Line
		} else {
			messages = append(messages, string(item.Row.Message))
		}
		if at <= line {
			t.Fatalf("line %d after line %d", at, line)
		}
		line = at
	}
}

// What encoding/csv writes is read back to the letter.
func FuzzCSV_readsWhatIsWritten(f *testing.F) {
	f.Add("a", "b\nc", "\"", ",")
	f.Add("", "x\r\ny", " 'q' ", "=1")
	f.Fuzz(func(t *testing.T, a, b, c, d string) {
		row := []string{"first", a, b, c, d}
		if strings.ContainsRune(strings.Join(row, ""), 0) || len(a)+len(b)+len(c)+len(d) > maxCell {
			return
		}
		var text strings.Builder
		w := csv.NewWriter(&text)
		_ = w.Write(row)
		_ = w.Write([]string{"second", "", "", "", ""})
		w.Flush()
		r := newCSVReader(bufio.NewReader(strings.NewReader(text.String())), ',')
		rec, err := r.next()
		if err != nil || rec.bad != nil || !slices.Equal(rec.cells, row) {
			t.Fatalf("%q was read as %q (%v, %v)", row, rec.cells, rec.bad, err)
		}
	})
}

func FuzzParseMapping(f *testing.F) {
	for _, seed := range []string{
		"mapping: 1\nfields: {user_id: id}", "mapping: 1\nfields:\n  email: {column: a, date: DD.MM.YYYY}\nalso: [{event: X, fields: {time: t}}]",
		"a: [", "", "- 1", "fields: {user_id: {template: '{'}}", "mapping: 1\nfields: {<<: {a: b}}", "mapping: 1\nfields: {? [a] : b}",
		"mapping: 1\nzone: Local\nempty: {}\nfields: []",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		m, err := ParseMapping("m", []byte(text), People)
		if (m == nil) == (err == nil) {
			t.Fatalf("got %v and %v", m, err)
		}
		if _, ok := errors.AsType[fault.Problems](err); err != nil && !ok {
			t.Fatalf("got %v, want problems", err)
		}
	})
}
