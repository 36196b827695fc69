package playbook

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func reference(t *testing.T) string {
	t.Helper()
	src, err := os.ReadFile(filepath.Join("..", "..", "docs", "reference", "playbook.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(src)
}

// block is the n-th fenced block of a language in the reference.
func block(t *testing.T, text, language string, n int) string {
	t.Helper()
	for range n {
		_, text, _ = strings.Cut(text, "\n```"+language+"\n")
	}
	body, _, ok := strings.Cut(text, "\n```\n")
	if !ok {
		t.Fatalf("no block %d of %q", n, language)
	}
	return body + "\n"
}

func TestReference_examples(t *testing.T) {
	t.Parallel()
	text := reference(t)
	mustParse(t, block(t, text, "yaml", 1))
	_, conditions, _ := strings.Cut(text, "\n## Conditions\n")
	signals := map[string]int{"pricing_viewed": 0, "demo_requested": 1}
	c := newCompiler(signals, nil)
	for line := range strings.Lines(block(t, conditions, "", 1)) {
		if cond, found := c.compile(strings.TrimSpace(line), scope{event: true, score: true}); cond == nil {
			t.Errorf("%s: %v", line, found)
		}
	}
}

// The reference names all that the language offers, and every message that a bad playbook of testdata
// draws.
func TestReference_complete(t *testing.T) {
	t.Parallel()
	text := reference(t)
	has := func(what, name string) {
		if !strings.Contains(text, name) {
			t.Errorf("the reference does not name the %s %s", what, name)
		}
	}
	for _, f := range builtins() {
		has("function", f)
	}
	for _, f := range ownFunctions() {
		has("function", f)
	}
	for _, l := range BuiltInLists() {
		has("list", "`"+l+"`")
	}
	for _, f := range TextFindings() {
		has("finding", "`"+f+"`")
	}
	for _, traits := range [][]Trait{PersonTraits(), AccountTraits(), EventTraits()} {
		for _, trait := range traits {
			has("trait", trait.Name)
		}
	}
	files, err := filepath.Glob(filepath.Join("testdata", "bad", "*[a-z]"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		_, problems := Parse(file, read(t, filepath.Join("bad", filepath.Base(file))))
		for _, p := range problems {
			has("code", "`"+p.Code+"`")
		}
	}
}
