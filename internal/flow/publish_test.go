package flow

import (
	"bytes"
	"testing"

	"cusp/internal/db"
	"cusp/internal/db/dbtest"
	"cusp/internal/fault"
	"cusp/internal/lead"
	"cusp/internal/playbook"
)

// Whoever calls the engine with a document that was parsed without its handoff section is refused, and the
// playbook in force stays.
func TestPublish_handoffSectionIsWrong(t *testing.T) {
	t.Parallel()
	b := newBench(t, dbtest.Open(t, db.SQLite), lead.Instant(1_700_000_000_000_000))
	before := b.Current().Version
	p, problems := playbook.Parse("playbook.yaml", bytes.Replace(acme(t).Source, []byte("handoff: {}"), []byte("handoff: {teams: [{id: sales}]}"), 1))
	if problems.Err() != nil {
		t.Fatal(problems)
	}
	if _, err := b.Publish(t.Context(), p, "test", ""); !fault.Is(err, fault.Invalid) {
		t.Errorf("published: %v", err)
	}
	if b.Current().Version != before {
		t.Error("another playbook is in force")
	}
}
