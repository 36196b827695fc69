package cli_test

import (
	"strings"
	"testing"

	"cusp/internal/api"
	"cusp/internal/db"
)

func TestUsers_teamsAbsencesAndAudit(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	var ada struct {
		api.UserItem
		Password string `json:"password"`
	}
	d.json(&ada, "user", "add", "Ada@acme.example", "--name", "Ada", "--role", "rep", "--languages", "de,en", "--capacity", "20")
	if ada.Email != "ada@acme.example" || len(ada.Password) < 20 || len(ada.Languages) != 2 || ada.Capacity != 20 {
		t.Errorf("%+v", ada)
	}
	d.ok("team", "add", "emea", "--name", "EMEA")
	d.ok("team", "member", "emea", "ada@acme.example", "--weight", "3")
	if out := d.ok("team", "list"); !strings.Contains(out, "ada@acme.example (3)") {
		t.Error(out)
	}
	d.ok("absence", "add", "ada@acme.example", "--from", "2026-05-21T13:00:00+02:00", "--until", "2026-05-21T17:00:00+02:00")
	if out := d.ok("absence", "list"); !strings.Contains(out, "2026-05-21T11:00:00Z") {
		t.Error(out)
	}
	var changed struct{ Password string }
	d.json(&changed, "user", "passwd", "ada@acme.example")
	if changed.Password == "" || changed.Password == ada.Password {
		t.Errorf("new password %q", changed.Password)
	}
	d.ok("user", "disable", "ada@acme.example")
	if out := d.ok("user", "list"); !strings.Contains(out, "switched off") {
		t.Error(out)
	}
	if r := d.run("user", "add", "ada@acme.example"); r.code != 1 || !strings.Contains(r.err, "there is a user") {
		t.Errorf("exit %d: %s", r.code, r.err)
	}
	if r := d.run("absence", "add", "ada@acme.example"); r.code != 2 {
		t.Errorf("an absence without times: exit %d", r.code)
	}
	if out := d.ok("audit", "list"); !strings.Contains(out, "user.added") || !strings.Contains(out, "owner") {
		t.Error(out)
	}
}

// A list without rows says what would fill it, in place of a header over nothing.
func TestLists_emptyOnesSayWhatToDo(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.ok("key", "create", "--kind", "write", "--name", "makes the database")
	for list, want := range map[string]string{
		"user list": "cusp user add", "team list": "cusp team add", "absence list": "Nobody is away", "destination list": "cusp destination create",
		"destination deliveries": "Deliveries begin", "handoffs": "engage or review",
	} {
		if out := d.ok(strings.Fields(list)...); !strings.Contains(out, want) || strings.Count(out, "\n") != 1 {
			t.Errorf("%s: %q", list, out)
		}
	}
}

var spoil = db.SQL("cli.testSpoil", `update audit_entry set subject = 'user:9' where no = 2`)

func TestAudit_verifyNamesTheRowAndExitsWithOne(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for _, team := range []string{"a", "b", "c"} {
		d.ok("team", "add", team)
	}
	var v api.AuditVerdict
	d.json(&v, "audit", "verify")
	if !v.OK || v.Entries != 3 {
		t.Errorf("%+v", v)
	}
	d.ok("audit", "verify", "--head", v.Head)
	base, err := db.Open(t.Context(), d.db, db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	err = base.Write(t.Context(), func(tx *db.Tx) error { _, err := tx.Exec(spoil); return err })
	if err != nil {
		t.Fatal(err)
	}
	if err := base.Close(); err != nil {
		t.Fatal(err)
	}
	if r := d.run("audit", "verify"); r.code != 1 || !strings.Contains(r.out, "Row 2: the row was changed") {
		t.Errorf("exit %d: %s%s", r.code, r.out, r.err)
	}
}
