package table

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"cusp/internal/fault"
)

func TestParseMapping_convertsAsItSays(t *testing.T) {
	t.Parallel()
	const table = "id;mail;born;size;plan;opt;a;b\n" +
		"7; ANN@ACME.EXAMPLE ;03.02.2026 10:30;1.234,50;P1;yes;;x\n" +
		"8;n/a;01.07.2026 00:00;-5;P9;0;y;x\n"
	for _, tc := range []struct {
		name, fields string
		want         []string
	}{
		{"identity, trimmed and lower", `{user_id: id, email: {column: mail, lower: true}}`, []string{
			`{"traits":{"email":"ann@acme.example"},"type":"identify","userId":"7"}`, `{"type":"identify","userId":"8"}`,
		}},
		{"template and constant", `{user_id: {template: 'x-{id}/{plan}'}, traits.n: {constant: 3}, traits.t: {constant: true}}`, []string{
			`{"traits":{"n":3,"t":true},"type":"identify","userId":"x-7/P1"}`, `{"traits":{"n":3,"t":true},"type":"identify","userId":"x-8/P9"}`,
		}},
		{"dates in a zone with summer time", `{user_id: id, time: {column: born, date: DD.MM.YYYY HH:mm, zone: Europe/Berlin}}`, []string{
			`{"timestamp":"2026-02-03T09:30:00Z","type":"identify","userId":"7"}`, `{"timestamp":"2026-06-30T22:00:00Z","type":"identify","userId":"8"}`,
		}},
		{"numbers", `{user_id: id, traits.size: {column: size, number: '1.234,5'}}`, []string{
			`{"traits":{"size":1234.5},"type":"identify","userId":"7"}`, `{"traits":{"size":-5},"type":"identify","userId":"8"}`,
		}},
		{"values with else and boolean", `{user_id: id, traits.plan: {column: plan, values: {P1: pro}, else: other}, traits.opt: {column: opt, boolean: true}}`, []string{
			`{"traits":{"opt":true,"plan":"pro"},"type":"identify","userId":"7"}`, `{"traits":{"opt":false,"plan":"other"},"type":"identify","userId":"8"}`,
		}},
		{"first of and default", `{user_id: id, traits.ab: {first_of: [a, b]}, traits.d: {column: a, default: none}}`, []string{
			`{"traits":{"ab":"x","d":"none"},"type":"identify","userId":"7"}`, `{"traits":{"ab":"y","d":"y"},"type":"identify","userId":"8"}`,
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			m := mapping(t, People, "mapping: 1\nempty: n/a\nfields: "+tc.fields)
			got, rejected := read(t, strings.NewReader(table), Options{Kind: People, Mapping: m})
			if diff := cmp.Diff(got, tc.want); diff != "" || rejected != nil {
				t.Errorf("got (-) want (+):\n%s\nrejected: %v", diff, rejected)
			}
		})
	}
}

func TestParseMapping_keepsTheRestAndAddsEvents(t *testing.T) {
	t.Parallel()
	m := mapping(t, People, `
mapping: 1
rest: keep
fields: {user_id: id, email: mail}
also:
  - event: First Contact
    fields: {time: day, properties.page: page}
`)
	got, _ := read(t, strings.NewReader("id,mail,day,page,Shoe Size\n1,a@b.example,2026-01-02,p1,41\n2,,,p2,\n"), Options{Kind: People, Mapping: m})
	want := []string{
		`{"traits":{"email":"a@b.example","shoe_size":"41"},"type":"identify","userId":"1"}`,
		`{"event":"First Contact","properties":{"page":"p1"},"timestamp":"2026-01-02T00:00:00Z","type":"track","userId":"1"}`,
		`{"type":"identify","userId":"2"}`,
	}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("got (-) want (+):\n%s", diff)
	}
}

func TestParseMapping_reportsAllProblemsAtTheirPlace(t *testing.T) {
	t.Parallel()
	const text = `mapping: 2
kind: events
delimeter: ";"
delimiter: "x"
encoding: ebcdic
zone: Mars/Olympus
fields:
  usr_id: id
  plan: p
  user_id: {column: id, first_of: [a]}
  user_id: id
  traits.a: {column: x, number: "1_000"}
  traits.b: {column: x, date: "DD-MM"}
  traits.c: {column: x, date: "QQQ"}
  traits.d: {template: "a{b"}
  traits.a.b: x
  email: *anchor
  traits.e: {column: x, required: maybe}
also: [{fields: {}}]
`
	_, err := ParseMapping("m.yaml", []byte(strings.Replace(text, "*anchor", "&anchor x", 1)), People)
	problems, ok := errors.AsType[fault.Problems](err)
	if !ok {
		t.Fatalf("got %v, want problems", err)
	}
	var got []string
	for _, p := range problems {
		got = append(got, fmt.Sprintf("%d:%d %s", p.Line, p.Column, p.Code))
	}
	want := []string{
		"1:1 version", "2:7 wrong_kind", "3:1 unknown_key", "4:12 bad_delimiter", "5:11 bad_value", "6:7 bad_zone",
		"8:3 unknown_field", "9:3 unknown_field", "10:12 no_way", "11:3 duplicate_key", "12:33 bad_number_format",
		"13:31 bad_date_format", "14:31 bad_date_format", "15:24 bad_template", "16:3 duplicate_field",
		"17:10 alias", "18:35 wrong_type", "19:8 missing_key", "19:8 missing_key",
	}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("got (-) want (+):\n%s\n%v", diff, problems)
	}
	if hint := problems[2].Hint; hint != "did you mean delimiter?" {
		t.Errorf("got hint %q", hint)
	}
	if hint := problems[6].Hint; hint != "did you mean user_id?" {
		t.Errorf("got hint %q", hint)
	}
}

func TestOpen_namesColumnsThatAreNotThere(t *testing.T) {
	t.Parallel()
	m := mapping(t, People, "mapping: 1\nfields:\n  user_id: Id\n  email: E-Mial\n")
	_, err := Open(strings.NewReader("Id,E-Mail\n1,a@b.example\n"), Options{Kind: People, Mapping: m})
	problems, ok := errors.AsType[fault.Problems](err)
	if !ok || len(problems) != 1 || problems[0].Line != 4 || problems[0].Hint != "did you mean E-Mail?" {
		t.Errorf("got %v, want one problem on line 4 that suggests E-Mail", err)
	}
}

// The file of rejected rows is UTF-8 with commas, and imports with the mapping of the original.
func TestOpen_readsRejectedRowsWithTheOriginalsMapping(t *testing.T) {
	t.Parallel()
	m := mapping(t, People, "mapping: 1\nencoding: latin1\ndelimiter: ';'\nfields: {user_id: Id, traits.city: Stadt}")
	want := []string{`{"traits":{"city":"Köln"},"type":"identify","userId":"1"}`}
	for _, text := range []string{"Id;Stadt\n1;K\xf6ln\n", "Id,Stadt,rejected_line,rejected_because\n1,Köln,2,reason\n"} {
		got, rejected := read(t, strings.NewReader(text), Options{Kind: People, Mapping: m})
		if diff := cmp.Diff(got, want); diff != "" || rejected != nil {
			t.Errorf("%q: got (-) want (+):\n%s\nrejected: %v", text, diff, rejected)
		}
	}
}

func TestParseKind_refusesOutcomesClearly(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"opportunities", "dispositions", "spend"} {
		_, err := ParseKind(name)
		if !fault.Is(err, fault.Unsupported) || !strings.Contains(err.Error(), "arrives with outcomes") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := ParseKind("persons"); !fault.Is(err, fault.Invalid) {
		t.Errorf("persons: got %v, want invalid", err)
	}
	if k, err := ParseKind("people"); err != nil || k != People {
		t.Errorf("people: got %v %v", k, err)
	}
}

func TestDateFormat_parsesWhatItWrites(t *testing.T) {
	t.Parallel()
	patterns := []string{
		"YYYY-MM-DD HH:mm:ss", "DD.MM.YYYY HH:mm:ss", "M/D/YYYY h:mm:ss A", "YYYY-MM-DDTHH:mm:ssZ",
		"D MMM YYYY HH:mm:ss", "MMMM D, YYYY HH:mm:ss", "YYYYMMDD HHmmss",
	}
	zones := []string{"UTC", "Europe/Berlin", "America/Sao_Paulo", "Asia/Kolkata"}
	rapid.Check(t, func(t *rapid.T) {
		f, err := parseDateFormat(rapid.SampledFrom(patterns).Draw(t, "pattern"))
		if err != nil {
			t.Fatal(err)
		}
		zone, err := time.LoadLocation(rapid.SampledFrom(zones).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		at := time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "unix"), 0).In(zone)
		text := at.Format(f.layout)
		got, err := f.parse(text, zone)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		// An hour that the clock shows twice in autumn may be read as either of the two.
		if again := got.In(zone).Format(f.layout); again != text {
			t.Fatalf("got %q back as %q", text, again)
		}
		if iso, err := parseISO(formatTime(at), time.UTC); err != nil || !iso.Equal(at) {
			t.Fatalf("got %v %v, want %v", iso, err, at)
		}
	})
}

func TestDateFormat_words(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ word, in, want string }{
		{"unix", "1772359200", "2026-03-01T10:00:00Z"},
		{"unix", "1772359200.5", "2026-03-01T10:00:00.5Z"},
		{"unix_ms", "1772359200500", "2026-03-01T10:00:00.5Z"},
		{"excel", "46082", "2026-03-01T00:00:00Z"},
		{"excel", "46082.75", "2026-03-01T18:00:00Z"},
		{"iso", "2026-03-01T10:00:00.123456789+02:00", "2026-03-01T08:00:00.123456Z"},
		{"iso", "2026-03-01 10:00", "2026-03-01T10:00:00Z"},
		{"iso", "01/03/2026", ""},
		{"iso", "2026-02-30", ""},
		{"unix", "NaN", ""},
		{"unix", "-9e12", ""},
		{"excel", "1e300", ""},
	} {
		got, err := dateFormat{word: tc.word}.parse(tc.in, time.UTC)
		if (tc.want == "") != (err != nil) || err == nil && formatTime(got) != tc.want {
			t.Errorf("%s %q: got %v %v, want %q", tc.word, tc.in, got, err, tc.want)
		}
	}
}

func TestNumberFormat(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ format, in, want string }{
		{"1,234.5", "1,234,567.80", "1234567.8"},
		{"1,234.5", "1234", "1234"},
		{"1,234.5", "12,34", ""},
		{"1,234.5", "1.234,5", ""},
		{"1.234,5", "€ 1.234,5", "1234.5"},
		{"1.234,5", "-1.234", "-1234"},
		{"1 234,5", "1\u00a0234,5", "1234.5"},
		{"1'234.5", "1’234.5", "1234.5"},
		{"plain", "007", "7"},
		{"plain", "-0.0", "0"},
		{"plain", "9007199254740993", "9007199254740993"},
		{"plain", "1e5", ""},
		{"plain", ".5", ""},
		{"plain", "5.", ""},
		{"plain", "", ""},
		{"plain", "--5", ""},
	} {
		f, ok := parseNumberFormat(tc.format)
		if !ok {
			t.Fatal(tc.format)
		}
		got, err := f.parse(tc.in)
		if string(got) != tc.want || (err == nil) != (tc.want != "") {
			t.Errorf("%s %q: got %q %v, want %q", tc.format, tc.in, got, err, tc.want)
		}
	}
}

func TestGuard_isExactlyUndone(t *testing.T) {
	t.Parallel()
	alphabet := rapid.SampledFrom([]rune("'=+-@ \t\r\n\x00\u00a0\uff1da1é"))
	rapid.Check(t, func(t *rapid.T) {
		cell := string(rapid.SliceOf(alphabet).Draw(t, "cell"))
		guarded := Guard(cell)
		if got := Unguard(guarded); got != cell {
			t.Fatalf("%q came back as %q", cell, got)
		}
		for _, line := range strings.FieldsFunc(guarded, func(r rune) bool { return r == '\n' || r == '\r' }) {
			if formula(line) && line[0] != '\'' {
				t.Fatalf("%q leaves the line %q unguarded", cell, line)
			}
		}
	})
}

func TestGuard_attackCases(t *testing.T) {
	t.Parallel()
	for _, cell := range []string{" =1+1", "\t=1", "\r=1", "\u00A0=1", "\uFF1D1", "\u0000=1", "ok\n=1+1", "@SUM(A1)", "-2+3", "+1"} {
		for i, line := range strings.FieldsFunc(Guard(cell), func(r rune) bool { return r == '\n' || r == '\r' }) {
			if line[0] != '\'' && (i > 0 || line != "ok") {
				t.Errorf("%q: the line %q can run", cell, line)
			}
		}
	}
	if got := Guard("plain text - with = inside"); got != "plain text - with = inside" {
		t.Errorf("harmless text became %q", got)
	}
}
