package playbook

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"cusp/internal/fault"
)

// Whatever the bytes, Parse answers with a playbook or with errors that have a place in the document.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/*.yaml", "testdata/bad/*.yaml", "testdata/bad/*.json"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			src, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(src)
		}
	}
	f.Add([]byte("playbook: 1\nname: \"a\\\n  b\"\nexclude:\n- {id: a, when: \"x\\\n\\u00e9 == \"}"))
	f.Add([]byte(`{"a": [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}`))
	f.Fuzz(func(t *testing.T, src []byte) {
		p, problems := Parse("f", src)
		if (p == nil) != (problems.Err() != nil) {
			t.Fatalf("playbook %v with problems %v", p, problems)
		}
		lines := strings.Split(lineBreaks.Replace(string(src)), "\n")
		for _, pr := range problems {
			if pr.Line < 0 || pr.Line > len(lines) || pr.Message == "" || pr.Code == "" {
				t.Fatalf("a problem out of place: %+v", pr)
			}
			if utf8.Valid(src) && pr.Line > 0 && pr.Severity == fault.SeverityError && pr.Column < 1 {
				t.Fatalf("a problem without a column: %+v", pr)
			}
		}
		if p != nil {
			facts := someFacts()
			for c := range p.conditions() {
				if c.Explain(facts).Truth != c.Eval(facts) {
					t.Fatalf("%s: Explain and Eval differ", c.Text)
				}
			}
		}
	})
}

// Whatever the text, a condition compiles or is refused with a reason; what compiles never panics, and
// gives one answer.
func FuzzCondition(f *testing.F) {
	for _, text := range []string{
		`account.employees >= 200 and not (person.title matches "(?i)intern")`, `count("alpha", "7d") > 2 ? true : person.a`,
		`any(event.properties.items, .price > 50 && #.x ?? 3 == 3)`, `(person.a ?? person.b) in lists.mine`, `person.tags[0] == "a"`,
		`person.tags[1:] == ["b"]`, `person?.a?.b == nil`, `sum(person.a, # * 2) % 3 == 1`, `1 < account.employees < 300`, `"a" + person.title == "x"`,
		`len(filter(person.tags, {# == "a"})) > 0`, `-account.employees ** 2 < 0`, `max(1, account.employees, [3]) > 2`, `person.tags | first() == "a"`,
		`string(person.address) == "x"`, `split(person.title, " ")[0] == "Head"`, `person["title"] == 'Head'`, `not known(person.x)`, `person.a..3`,
	} {
		f.Add(text)
	}
	c := newCompiler(testSignals, testLists)
	f.Fuzz(func(t *testing.T, text string) {
		cond, found := c.compile(text, scope{event: true, score: true})
		if (cond == nil) != (len(found) > 0) {
			t.Fatalf("%q: condition %v with findings %v", text, cond, found)
		}
		if cond == nil {
			return
		}
		facts := someFacts()
		got := cond.Eval(facts)
		v := cond.Explain(facts)
		if v.Truth != got || cond.Eval(facts) != got {
			t.Fatalf("%q: Eval %v, then Explain %+v", text, got, v)
		}
		if (got == Unknown) != (len(v.Missing) > 0 || v.Err != "") {
			t.Fatalf("%q: unknown without a reason, or a reason without unknown: %+v", text, v)
		}
	})
}
