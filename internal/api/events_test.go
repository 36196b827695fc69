package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cusp/internal/access"
	"cusp/internal/api"
	"cusp/internal/db"
	"cusp/internal/db/dbtest"
	"cusp/internal/flow"
	"cusp/internal/ingest"
	"cusp/internal/ingest/table"
	"cusp/internal/lead"
)

// rows makes an import request of messages.
func rows(t *testing.T, messages ...string) string {
	t.Helper()
	var req table.Request
	for i, m := range messages {
		req.Rows = append(req.Rows, table.Row{Line: i + 2, Message: json.RawMessage(m)})
	}
	body, err := json.Marshal(req)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func page(id, user, path string, day int) string {
	return fmt.Sprintf(`{"type":"page","messageId":%q,"userId":%q,"timestamp":"2026-05-%02dT12:00:00Z","properties":{"path":%q}}`, id, user, day, path)
}

// load imports a little history of two people who are one.
func (s *site) load() {
	s.t.Helper()
	var res table.Result
	s.ok("POST", "/api/v1/import/events", rows(s.t,
		`{"type":"identify","messageId":"a1","userId":"ada","timestamp":"2026-05-01T12:00:00Z","traits":{"email":"ada@acme.example","title":"Head of Sales"}}`,
		page("a2", "ada", "/pricing", 10), page("a3", "ada", "/docs/x", 11),
		`{"type":"identify","messageId":"b1","userId":"ada-old","timestamp":"2026-05-02T12:00:00Z","traits":{"email":"ada@home.example"}}`,
		page("b2", "ada-old", "/pricing", 15),
	), &res)
	if res.New != 5 || len(res.Rejected) != 0 {
		s.t.Fatalf("import: %+v", res)
	}
}

func (s *site) explain(ref string) flow.Explanation {
	s.t.Helper()
	var x flow.Explanation
	s.ok("GET", "/api/v1/people/"+ref+"/explain?at=2026-06-01", "", &x)
	return x
}

func TestPeople_mergeAndUnmerge(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		s := newSite(t, d)
		s.publish()
		s.load()
		before := s.explain("ada")
		var merged api.PersonItem
		s.ok("POST", "/api/v1/people/ada/merge", `{"from":"ada@home.example"}`, &merged)
		if merged.ID != before.Person.ID || len(merged.Identifiers) != 4 {
			t.Errorf("merged: %+v", merged)
		}
		if x := s.explain("ada-old"); x.Person.ID != before.Person.ID || x.Intent.Score <= before.Intent.Score {
			t.Errorf("after the merge: %+v, before %+v", x, before)
		}
		if w := s.call("POST", "/api/v1/people/ada/merge", "write", `{"from":"ada-old"}`); problem(t, w).Code != "already_one" {
			t.Errorf("merge again: %s", w.Body)
		}
		var apart api.PersonItem
		s.ok("POST", "/api/v1/people/ada/unmerge", `{"identifier":"user:ada-old"}`, &apart)
		after := s.explain("ada")
		if diff := cmp.Diff(before.Intent, after.Intent); diff != "" || apart.ID != before.Person.ID {
			t.Errorf("un-merging does not undo the merge: %s", diff)
		}
		if x := s.explain("ada-old"); x.Person.ID == before.Person.ID {
			t.Error("they are one person still")
		}
		for _, id := range []string{"user:ada-old", "email:nobody@x.example"} {
			if w := s.call("POST", "/api/v1/people/ada/unmerge", "write", `{"identifier":"`+id+`"}`); problem(t, w).Code != "unknown_identifier" {
				t.Errorf("un-merge of %s: %s", id, w.Body)
			}
		}
	})
}

func TestEvents_verdictIsHeardAndReversible(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		s := newSite(t, d)
		s.publish()
		s.load()
		before := s.explain("ada")
		for _, v := range []string{"bot", "human"} {
			if w := s.call("POST", "/api/v1/events/a2/verdict", "write", `{"person":"ada","verdict":"`+v+`"}`); w.Code != http.StatusNoContent {
				t.Fatalf("%s: %d %s", v, w.Code, w.Body)
			}
			x := s.explain("ada")
			if heard := x.Intent.Score == before.Intent.Score; heard != (v == "human") {
				t.Errorf("%s: intent %v, before %v", v, x.Intent.Score, before.Intent.Score)
			}
		}
		if w := s.call("POST", "/api/v1/events/b2/verdict", "write", `{"person":"ada","verdict":"bot"}`); problem(t, w).Code != "unknown_event" {
			t.Errorf("an event of somebody else: %s", w.Body)
		}
		if w := s.call("POST", "/api/v1/events/a2/verdict", "write", `{"person":"ada","verdict":"alien"}`); w.Code != 422 {
			t.Errorf("a verdict that is none: %s", w.Body)
		}
	})
}

func TestTimeline_pagesInOrderAndOnce(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.publish()
	s.load()
	var got []string
	path := "/api/v1/people/ada%40acme.example/timeline?limit=1"
	for cursor := ""; ; {
		var p api.Page[flow.Happening]
		s.ok("GET", path+"&cursor="+cursor, "", &p)
		for _, h := range p.Items {
			got = append(got, h.MessageID)
		}
		if cursor = p.Next; cursor == "" {
			break
		}
	}
	if diff := cmp.Diff([]string{"a3", "a2", "a1"}, got); diff != "" {
		t.Error(diff)
	}
}

// T13: no person is skipped and none is repeated, whatever the filters and the size of a page.
func TestPeople_pagesAndSearch(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		s := newSite(t, d)
		s.publish()
		s.load()
		seen := map[string]int{}
		for cursor := ""; ; {
			var p api.Page[flow.Summary]
			s.ok("GET", "/api/v1/people?limit=1&stage=lead&cursor="+cursor, "", &p)
			for _, x := range p.Items {
				seen[x.UserID]++
			}
			if cursor = p.Next; cursor == "" {
				break
			}
		}
		if diff := cmp.Diff(map[string]int{"ada": 1, "ada-old": 1}, seen); diff != "" {
			t.Error(diff)
		}
		for q, want := range map[string]int{"ada%40": 2, "ADA%40ACME": 1, "%25": 0, "_da": 0, "%27%20OR%201%3D1--": 0, "ada%00": 0} {
			var p api.Page[flow.Summary]
			s.ok("GET", "/api/v1/people?q="+q, "", &p)
			if len(p.Items) != want {
				t.Errorf("q=%s finds %d, want %d", q, len(p.Items), want)
			}
		}
	})
}

func TestEvents_rejectedOnesAreKeptAndReplayed(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		s := newSite(t, d)
		s.publish()
		batch := ingest.Batch{Source: access.SourceImport, ReceivedAt: lead.At(now)}
		batch.Add(ingest.NewRejected(ingest.NoIdentity, "It had no identity.", []byte(`{"type":"track","event":"X","userId":"late","messageId":"r1"}`)), true)
		batch.Add(ingest.NewRejected(ingest.BadBody, "It was no JSON.", []byte("\xff{")), true)
		if _, err := s.engine.Submit(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
		var list api.Page[api.RejectedItem]
		s.ok("GET", "/api/v1/events/rejected", "", &list)
		if len(list.Items) != 2 || list.Items[0].Code != "bad_body" {
			t.Fatalf("rejected: %+v", list)
		}
		path := fmt.Sprintf("/api/v1/events/rejected/%d/replay", list.Items[1].ID)
		var done api.ReplayItem
		s.ok("POST", path, "", &done)
		if done.Accepted != 1 {
			t.Errorf("replayed: %+v", done)
		}
		s.explain("late")
		if w := s.call("POST", path, "write", ""); problem(t, w).Code != "replayed_already" {
			t.Errorf("replayed again: %s", w.Body)
		}
		path = fmt.Sprintf("/api/v1/events/rejected/%d/replay", list.Items[0].ID)
		if w := s.call("POST", path, "write", ""); w.Code != 422 || problem(t, w).Code != "bad_body" {
			t.Errorf("replay of what is no event: %s", w.Body)
		}
		s.balanced()
	})
}

// balanced wants every source's account to add up.
func (s *site) balanced() {
	s.t.Helper()
	var list api.Page[api.SourceItem]
	s.ok("GET", "/api/v1/sources", "", &list)
	if len(list.Items) < 3 {
		s.t.Errorf("sources: %+v", list)
	}
	for _, x := range list.Items {
		if x.Received != x.Accepted+x.Duplicate+x.Rejected {
			s.t.Errorf("%s: received %d ≠ accepted %d + duplicate %d + rejected %d", x.Name, x.Received, x.Accepted, x.Duplicate, x.Rejected)
		}
	}
}

func TestImport_saysWhatBecameOfEveryRow(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		s := newSite(t, d)
		s.publish()
		person := func(id, user, title string) string {
			return fmt.Sprintf(`{"type":"identify","messageId":%q,"userId":%q,"traits":{"title":%q}}`, id, user, title)
		}
		for _, tc := range []struct {
			name, kind string
			rows       []string
			want       table.Result
		}{
			{"first", "people", []string{person("p1", "u1", "Boss"), person("p2", "u2", "")}, table.Result{Read: 2, New: 2}},
			{"again", "people", []string{person("p1", "u1", "Boss"), person("p2", "u2", "")}, table.Result{Read: 2, Unchanged: 2}},
			{"changed", "people", []string{person("p3", "u1", "Chief")}, table.Result{Read: 1, Updated: 1}},
			{"changed back", "people", []string{person("p1", "u1", "Boss")}, table.Result{Read: 1, Updated: 1}},
			{"there and back in one table", "people", []string{person("p3", "u1", "Chief"), person("p1", "u1", "Boss"), person("p1", "u1", "Boss")}, table.Result{Read: 3, Updated: 2, Unchanged: 1}},
			{"account by domain", "accounts", []string{`{"type":"group","messageId":"g1","traits":{"domain":"acme.example","employees":10}}`}, table.Result{Read: 1, New: 1}},
			{"account again", "accounts", []string{`{"type":"group","messageId":"g1","traits":{"domain":"acme.example","employees":10}}`}, table.Result{Read: 1, Unchanged: 1}},
			{"account grows", "accounts", []string{`{"type":"group","messageId":"g2","traits":{"domain":"acme.example","employees":20}}`}, table.Result{Read: 1, Updated: 1}},
			{"events", "events", []string{page("e1", "u1", "/pricing", 3), page("e1", "u1", "/pricing", 3), page("e2", "u1", "/pricing", 4)}, table.Result{Read: 3, New: 2, Duplicate: 1}},
		} {
			var got table.Result
			s.ok("POST", "/api/v1/import/"+tc.kind, rows(t, tc.rows...), &got)
			tc.want.Rejected = []table.Rejection{}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s: %s", tc.name, diff)
			}
		}
		var p api.Page[flow.Summary]
		s.ok("GET", "/api/v1/people", "", &p)
		if len(p.Items) != 2 || p.Items[0].Title != "Boss" {
			t.Errorf("people: %+v", p.Items)
		}
		s.balanced()
	})
}

func TestImport_rejectsRowsWithTheirLine(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.publish()
	var got table.Result
	s.ok("POST", "/api/v1/import/people", rows(t,
		`{"type":"identify","messageId":"1","userId":"ok"}`,
		`{"type":"identify","messageId":"2","traits":{"email":"no address"}}`,
		`{"type":"identify","userId":"u"}`,
		`{"type":"dance","messageId":"3","userId":"u"}`,
		`{"type":"identify","messageId":"4","userId":"u","traits":{"n":1e999}}`,
	), &got)
	want := table.Result{Read: 5, New: 1, Rejected: []table.Rejection{
		{Line: 3, Code: "no_identity"}, {Line: 4, Code: "bad_message_id"}, {Line: 5, Code: "unknown_type"}, {Line: 6, Code: "bad_number"},
	}}
	for i := range got.Rejected {
		got.Rejected[i].Reason = ""
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	many := strings.Repeat(`{"line":1,"message":{}},`, table.MaxRows) + `{"line":1,"message":{}}`
	if w := s.call("POST", "/api/v1/import/people", "write", `{"rows":[`+many+`]}`); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("too many rows: %d %s", w.Code, w.Body)
	}
	for kind, status := range map[string]int{"spend": 415, "sheep": 422} {
		if w := s.call("POST", "/api/v1/import/"+kind, "write", `{"rows":[]}`); w.Code != status {
			t.Errorf("%s: %d %s", kind, w.Code, w.Body)
		}
	}
}

func TestExport_streamsEveryEventOnce(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		s := newSite(t, d)
		s.publish()
		var messages []string
		for i := range 400 { // more histories than are read at a time
			messages = append(messages, page(fmt.Sprintf("m%d", i), fmt.Sprintf("u%d", i%150), "/pricing", 1+i%19))
		}
		s.ok("POST", "/api/v1/import/events", rows(t, messages...), nil)
		w := s.call("GET", "/api/v1/events/export", "admin", "")
		seen := map[string]int{}
		dec := json.NewDecoder(w.Body)
		for dec.More() {
			var e api.ExportedEvent
			if err := dec.Decode(&e); err != nil {
				t.Fatal(err)
			}
			seen[e.MessageID]++
			if e.Type != "page" || e.Path != "/pricing" || !strings.Contains(string(e.Message), e.MessageID) {
				t.Fatalf("exported %+v", e)
			}
		}
		if len(seen) != 400 || w.Code != http.StatusOK {
			t.Errorf("%d events, status %d", len(seen), w.Code)
		}
	})
}

func TestAccounts_listAndView(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.publish()
	s.load()
	var list api.Page[api.AccountItem]
	s.ok("GET", "/api/v1/accounts", "", &list)
	if len(list.Items) != 2 || list.Items[0].Domain != "acme.example" || list.Items[0].People != 1 {
		t.Errorf("accounts: %+v", list.Items)
	}
	var view flow.AccountView
	s.ok("GET", "/api/v1/accounts/acme.example", "", &view)
	if view.ID != list.Items[0].ID || len(view.People) != 1 {
		t.Errorf("account: %+v", view)
	}
}

func TestLedger_hasEveryDecisionOfAPerson(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.publish()
	s.load()
	var p api.Page[flow.Entry]
	s.ok("GET", "/api/v1/ledger?person=ada", "", &p)
	if len(p.Items) == 0 || p.Items[0].Version != 1 || p.Items[0].Person != s.explain("ada").Person.ID {
		t.Errorf("ledger: %+v", p.Items)
	}
}
