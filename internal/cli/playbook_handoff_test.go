package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The commands judge the handoff section too, and say what changes for sales.
func TestPlaybook_handoffSection(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	text, err := os.ReadFile("testdata/playbook.yaml")
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, section string) string {
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, append(text, section...), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	wrong := write("wrong.yaml", "\nhandoff:\n  teams: [{id: sales, fallbck: true}]\n")
	if r := d.run("playbook", "check", wrong); r.code != 1 || !strings.Contains(r.out, "did you mean fallback?") {
		t.Errorf("check: %+v", r)
	}
	if r := d.run("playbook", "publish", wrong); r.code != 1 || !strings.Contains(r.err, "did you mean fallback?") {
		t.Errorf("publish: %+v", r)
	}
	right := write("right.yaml", "\nhandoff:\n  manager: max@acme.example\n  sla: {inbound: {first_contact: 10m}}\n")
	if got := d.ok("playbook", "diff", "testdata/playbook.yaml", right); !strings.Contains(got, "first contact within 5m → 10m") {
		t.Errorf("diff: %s", got)
	}
	d.ok("playbook", "publish", right)
}
