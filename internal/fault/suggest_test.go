package fault

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestNearest(t *testing.T) {
	t.Parallel()
	words := []string{"addr", "playbook", "log_level", "exclude", "account.employees"}
	for word, want := range map[string]string{
		"adr":               "addr",
		"Addr":              "addr",
		"plyabook":          "playbook", // neighbours that changed places are one mistake
		"loglevel":          "log_level",
		"excludes":          "exclude",
		"account.employes":  "account.employees",
		"acount.employes":   "account.employees",
		"dsn":               "",
		"signals":           "",
		"":                  "",
		"employees.account": "",
	} {
		if got := Nearest(word, words); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
}

func TestSuggest(t *testing.T) {
	t.Parallel()
	few := []string{"track", "page", "identify"}
	if got, want := Suggest("tracks", few), "did you mean track?"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := Suggest("purchase", few), "known are: identify, page, track"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := Suggest("purchase", strings.Fields(strings.Repeat("a ", 17))); got != "" {
		t.Errorf("a hint that nobody reads to its end: %q", got)
	}
	if got := Suggest("purchase", nil); got != "" {
		t.Errorf("a hint out of nothing: %q", got)
	}
}

func TestDistanceIsOne(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[a-cé]{0,6}`)
		a, b, c := word.Draw(t, "a"), word.Draw(t, "b"), word.Draw(t, "c")
		ab := Distance(a, b)
		if ab != Distance(b, a) || (ab == 0) != (a == b) {
			t.Fatalf("%q and %q are %d apart, and back %d", a, b, ab, Distance(b, a))
		}
		if longest := max(len([]rune(a)), len([]rune(b))); ab > longest {
			t.Fatalf("%q and %q are %d apart, more than their letters", a, b, ab)
		}
		if d := Distance(a+c, b+c); d > ab {
			t.Fatalf("with %q behind both, %q and %q are %d apart, without it %d", c, a, b, d, ab)
		}
	})
	if d := Distance(strings.Repeat("a", 65), "a"); d < 65 {
		t.Errorf("long words are not told apart: %d", d)
	}
}
