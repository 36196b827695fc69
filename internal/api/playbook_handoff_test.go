package api_test

import (
	"encoding/json"
	"strings"
	"testing"

	"cusp/internal/api"
)

// A handoff section is judged with the rest of the document, wherever the document goes.
func TestPlaybooks_handoffSection(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.publish()
	text := string(read(t, "playbook.yaml"))
	wrong := text + "\nhandoff:\n  teams: [{id: sales}]\n  sla: {inbound: {first_contact: 5m, warn: 6m}}\n"
	var checked api.Checked
	s.ok("POST", "/api/v1/playbooks/check", body(t, map[string]any{"source": wrong}), &checked)
	if n := len(checked.Problems); checked.OK || n == 0 || checked.Problems[n-1].Code != "order" {
		t.Errorf("check: %+v", checked)
	}
	if w := s.call("POST", "/api/v1/playbooks", "admin", body(t, map[string]any{"source": wrong})); w.Code != 422 || !strings.Contains(w.Body.String(), "reminds nobody") {
		t.Errorf("publish: %d %s", w.Code, w.Body)
	}
	right := text + "\nhandoff:\n  manager: max@acme.example\n  teams: [{id: sales, fallback: true}, {id: west, overflow: sales}]\n  routing: [{id: west, territories: [US], to: west}]\n"
	var diff api.Differences
	s.ok("POST", "/api/v1/playbooks/diff", body(t, map[string]any{"to": map[string]any{"source": right}}), &diff)
	found := false
	for _, c := range diff.Changes {
		found = found || c.Section == "handoff" && c.Subject == "west"
	}
	if !found {
		t.Errorf("diff: %+v", diff)
	}
	s.ok("POST", "/api/v1/playbooks", body(t, map[string]any{"source": right}), nil)
}

func body(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
