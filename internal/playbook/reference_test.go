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
	mustParse(t, block(t, reference(t), "yaml", 1))
}

// The reference names everything that text can say, and every message that a bad playbook of testdata
// draws.
func TestReference_complete(t *testing.T) {
	t.Parallel()
	text := reference(t)
	has := func(what, name string) {
		if !strings.Contains(text, name) {
			t.Errorf("the reference does not name the %s %s", what, name)
		}
	}
	for _, f := range TextFindings() {
		has("finding", "`"+f+"`")
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
