package condition

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The playbook reference names all that the language offers, and its examples compile.
func TestReference(t *testing.T) {
	t.Parallel()
	src, err := os.ReadFile(filepath.Join("..", "..", "docs", "reference", "playbook.md"))
	if err != nil {
		t.Fatal(err)
	}
	text := string(src)
	_, conditions, _ := strings.Cut(text, "\n## Conditions\n")
	_, conditions, _ = strings.Cut(conditions, "\n```\n")
	examples, _, _ := strings.Cut(conditions, "\n```\n")
	if examples == "" {
		t.Fatal("the reference has no examples of conditions")
	}
	c := NewCompiler(map[string]int{"pricing_viewed": 0, "demo_requested": 1}, nil)
	for line := range strings.Lines(examples) {
		if cond, found := c.Compile(strings.TrimSpace(line), Scope{Event: true, Score: true}); cond == nil {
			t.Errorf("%s: %v", line, found)
		}
	}
	has := func(what, name string) {
		if !strings.Contains(text, name) {
			t.Errorf("the reference does not name the %s %s", what, name)
		}
	}
	for _, f := range append(ownFunctions(), builtins()...) {
		has("function", f)
	}
	for _, l := range BuiltInLists() {
		has("list", "`"+l+"`")
	}
	for _, traits := range [][]Trait{PersonTraits(), AccountTraits(), EventTraits()} {
		for _, trait := range traits {
			has("trait", trait.Name)
		}
	}
}
