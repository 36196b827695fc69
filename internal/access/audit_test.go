package access

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"cusp/internal/db"
	"cusp/internal/db/dbtest"
	"cusp/internal/lead"
)

// written is a log as Record writes it.
func written(n int) ([]Entry, Head) {
	var log []Entry
	var h Head
	for i := range n {
		e := Entry{No: h.No + 1, At: lead.Instant(1000 + i), Who: fmt.Sprintf("user:%d", i%3), What: "user.changed", Subject: fmt.Sprintf("user:%d", i), Before: "aa", After: "bb"}
		e.Hash = e.sum(h.Hash)
		h = Head{No: e.No, Hash: e.Hash}
		log = append(log, e)
	}
	return log, h
}

func judged(log []Entry, stored, keep Head) Verdict {
	c := chain{keep: keep}
	for i := range log {
		if !c.next(&log[i]) {
			return c.v
		}
	}
	return c.end(stored)
}

func flip(r *rand.Rand, text string) string {
	b := []byte(text)
	b[r.IntN(len(b))] ^= 1 << r.IntN(7)
	return string(b)
}

// S19: whatever is done to the log, it is found, and at the right row.
func TestAudit_tenThousandChangesAreFound(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(19, 19))
	whole, head := written(40)
	if v := judged(whole, head, head); v.Broken != 0 || v.Entries != 40 {
		t.Fatalf("an untouched log: %+v", v)
	}
	for range 10_000 {
		log := append([]Entry(nil), whole...)
		stored, i := head, r.IntN(len(log))
		want, what := int64(i+1), ""
		switch r.IntN(6) {
		case 0:
			what = "byte"
			e := &log[i]
			for _, f := range []*string{&e.Who, &e.What, &e.Subject, &e.Before, &e.After, &e.Hash}[r.IntN(6):] {
				*f = flip(r, *f)
				break
			}
		case 1:
			what = "time"
			log[i].At += lead.Instant(1 + r.IntN(1000))
		case 2:
			what = "delete"
			log = append(log[:i], log[i+1:]...)
		case 3:
			what = "swap"
			j := (i + 1 + r.IntN(len(log)-1)) % len(log)
			a, b := log[i], log[j]
			a.No, b.No = b.No, a.No
			log[i], log[j] = b, a
			want = int64(min(i, j) + 1)
		case 4:
			what = "cut tail"
			log = log[:i]
		case 5:
			what = "cut tail and head"
			log, stored = log[:i], Head{}
			if i > 0 {
				stored = Head{No: log[i-1].No, Hash: log[i-1].Hash}
			}
		}
		if v := judged(log, stored, head); v.Broken != want {
			t.Fatalf("%s at %d: %+v", what, want, v)
		}
	}
}

var (
	testSpoil = db.SQL("access.testSpoil", `update audit_entry set who = 'nobody' where no = $1`)
	testCut   = db.SQL("access.testCut", `delete from audit_entry where no >= $1`)
)

func TestAudit_isWrittenAndVerifiedInTheDatabase(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		s := NewStaff(d, newClock().Now)
		for i := range 5 {
			if _, err := s.AddTeam(t.Context(), fmt.Sprintf("team-%d", i), "Team"); err != nil {
				t.Fatal(err)
			}
		}
		verify := func(keep Head) (v Verdict) {
			t.Helper()
			if err := d.Read(t.Context(), func(tx *db.Tx) (err error) { v, err = VerifyAudit(tx, keep); return err }); err != nil {
				t.Fatal(err)
			}
			return v
		}
		head := verify(Head{}).Head
		if v := verify(head); v.Broken != 0 || v.Entries != 5 {
			t.Fatalf("%+v", v)
		}
		if err := d.Write(t.Context(), func(tx *db.Tx) error { _, err := tx.Exec(testCut, 5); return err }); err != nil {
			t.Fatal(err)
		}
		if v := verify(Head{}); v.Broken != 5 {
			t.Errorf("cut tail: %+v", v)
		}
		if err := d.Write(t.Context(), func(tx *db.Tx) error { _, err := tx.Exec(testSpoil, 3); return err }); err != nil {
			t.Fatal(err)
		}
		if v := verify(head); v.Broken != 3 {
			t.Errorf("changed row: %+v", v)
		}
	})
}
