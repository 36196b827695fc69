package playbook

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"cusp/internal/condition"
	"cusp/internal/fault"
)

// lineBreaks are all characters that YAML counts as the end of a line.
var lineBreaks = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n")

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
			facts := &condition.Facts{Account: map[string]any{"employees": 250.0, "country": "AT"}}
			for c := range p.conditions() {
				if c.Explain(facts).Truth != c.Eval(facts) {
					t.Fatalf("%s: Explain and Eval differ", c.Text)
				}
			}
		}
	})
}
