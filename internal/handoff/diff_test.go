package handoff

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cusp/internal/goldentest"
)

// TestDiff compares two plans as people read it.
func TestDiff(t *testing.T) {
	t.Parallel()
	src, err := os.ReadFile(filepath.Join("testdata", "section", "full.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	full, _ := compiled(t, string(src))
	before, _ := compiled(t, "")
	changed := strings.NewReplacer(
		"name: DACH", "name: D-A-CH", "calendar: munich", "calendar: night", "max_wait: 4h", "max_wait: 2h", "fri: \"09:00-15:00\"", "sat: \"09:00-15:00\"",
		"DE, at, CH", "AT, DE", "1000", "500", "first_contact: 10m", "first_contact: 5m", "recycle: 180d", "recycle: 90d",
		"{code: too_early", "{code: too_soon", "[champ, gpctba]", "[bant]", "[assigned, warning]", "[assigned, returned]", "tracks: [inbound], ", "", `"20:00"`, `"21:15"`,
		"    - {id: large, when: 'account.employees >= 1000 and score.fit > 50', min_engagement: 40, to: dach}\n", "",
		"  routing:\n", "  routing:\n    - {id: large, when: 'account.employees >= 500', min_engagement: 45, to: sales}\n",
	).Replace(string(src))
	after, _ := compiled(t, changed)
	var text strings.Builder
	for name, pair := range [][2]*Plan{{full, after}, {before, full}, {full, before}} {
		text.WriteString([]string{"changed", "added", "removed"}[name] + "\n")
		for _, c := range Diff(pair[0], pair[1]) {
			text.WriteString("  " + string(c.Kind) + " " + c.String() + "\n")
		}
	}
	goldentest.Equal(t, filepath.Join("testdata", "section", "diff.txt"), text.String())
	for _, p := range []*Plan{full, before, after} {
		if got := Diff(p, p); len(got) > 0 {
			t.Errorf("a plan differs from itself: %v", got)
		}
	}
}
