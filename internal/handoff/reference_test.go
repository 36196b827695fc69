package handoff

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func page(t *testing.T, name string) string {
	t.Helper()
	src, err := os.ReadFile(filepath.Join("..", "..", "docs", "reference", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(src)
}

// The example of the reference is sound.
func TestReference_example(t *testing.T) {
	t.Parallel()
	_, text, found := strings.Cut(page(t, "playbook.md"), "\n```yaml\nhandoff:\n")
	if !found {
		t.Fatal("there is no example")
	}
	text, _, _ = strings.Cut(text, "\n```\n")
	if _, problems := compiled(t, "handoff:\n"+text+"\n"); len(problems) > 0 {
		t.Error(problems)
	}
}

// The reference names every message that a bad section of testdata draws, the default reasons, and what can
// be chosen.
func TestReference_complete(t *testing.T) {
	t.Parallel()
	text := page(t, "playbook.md") + page(t, "calendars.md") + page(t, "routing.md")
	has := func(what, name string) {
		if !strings.Contains(text, "`"+name+"`") {
			t.Errorf("the reference does not name the %s %s", what, name)
		}
	}
	files, err := filepath.Glob(filepath.Join("testdata", "section", "bad", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatal("no files", err)
	}
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, _, problems := Parse(file, append([]byte(head), src...))
		for _, p := range problems {
			has("code", p.Code)
		}
	}
	for _, r := range DefaultPlan().Reasons {
		has("reason", r.Code)
	}
	for _, words := range [][]string{occasions(), frameworkNames(), {"qualification_gap", "timing", "mismatched_expectations"}} {
		for _, w := range words {
			has("word", w)
		}
	}
}
