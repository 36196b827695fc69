package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"cusp/internal/api"
	"cusp/internal/db"
	"cusp/internal/db/dbtest"
	"cusp/internal/decide"
	"cusp/internal/flow"
	"cusp/internal/handoff"
	"cusp/internal/handoff/route"
	"cusp/internal/lead"
)

// newDesk is a desk with two reps who never close.
func newDesk(d *db.DB, engine *flow.Engine, clock func() time.Time) *handoff.Desk {
	return handoff.New(handoff.Options{
		DB:   d,
		Plan: func() (*handoff.Plan, int) { return handoff.DefaultPlan(), 1 },
		Roster: func(*db.Tx) ([]handoff.Person, error) {
			var all []handoff.Person
			for _, id := range []route.RepID{"ann@x.example", "bob@x.example"} {
				all = append(all, handoff.Person{
					Rep: route.Rep{ID: id, Active: true, Weight: 1, Capacity: 50}, Teams: []route.TeamID{"sales"},
				})
			}
			return all, nil
		},
		State: func(ctx context.Context, fact lead.Event, with func(*db.Tx) error) error {
			_, err := engine.State(ctx, fact, with)
			return err
		},
		Now: func() lead.Instant { return lead.At(clock()) },
	})
}

// handOver opens a handoff of a person who is known and returns its path.
func (s *site) handOver(d *db.DB, person string) string {
	s.t.Helper()
	id, err := lead.ParsePersonID(person)
	if err != nil {
		s.t.Fatal(err)
	}
	at := lead.At(now)
	var h handoff.Handoff
	err = d.Write(s.t.Context(), func(tx *db.Tx) error {
		err := s.desk.Consider(tx, []handoff.Change{{
			Person: id, At: at, To: decide.Outcome{Decision: decide.Engage, Track: decide.TrackInbound},
		}}, at)
		if err != nil {
			return err
		}
		h, _, err = handoff.Last(tx, id)
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return fmt.Sprintf("/api/v1/handoffs/%d", h.ID)
}

func TestHandoffs_fromRouteToAnswer(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		s := newSite(t, d)
		s.publish()
		s.load()
		var people api.Page[flow.Summary]
		s.ok("GET", "/api/v1/people?limit=2", "", &people)
		person := people.Items[0].ID
		var dry api.RouteItem
		s.ok("GET", "/api/v1/people/"+person+"/route", "", &dry)
		path := s.handOver(d, person)
		var h api.HandoffItem
		s.ok("GET", path, "", &h)
		if dry.Owner != "ann@x.example" || h.Owner != dry.Owner || h.State != "open" || len(h.Hops) == 0 {
			t.Errorf("dry run says %+v, then it is %+v", dry, h)
		}
		w := s.call("POST", path+"/reject", "admin", `{"reason":"because"}`)
		if p := problem(t, w); w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), "no_budget") || p.Code != "unknown_reason" {
			t.Errorf("an unknown reason: %d %s", w.Code, w.Body)
		}
		s.ok("POST", path+"/accept", `{}`, nil)
		if w := s.call("POST", path+"/accept", "admin", `{}`); w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), "ann@x.example") {
			t.Errorf("a second acceptance: %d %s", w.Code, w.Body)
		}
		s.ok("POST", path+"/contact", `{"attempt":true}`, nil)
		s.ok("POST", path+"/contact", `{}`, nil)
		s.ok("POST", path+"/assign", `{"owner":"bob@x.example"}`, nil)
		s.ok("POST", path+"/qualify", `{"framework":{"budget":"yes"}}`, &h)
		if h.State != "qualified" || h.Owner != "bob@x.example" || h.Stage != "sql" || h.Attempts != 2 || h.HumanTime == nil {
			t.Errorf("got %+v", h)
		}
		s.ok("POST", path+"/recycle", `{"reason":"too_early","until":"2027-01-15T09:00:00Z"}`, &h)
		if h.State != "recycled" || h.RecycleAt == nil || *h.RecycleAt != "2027-01-15T09:00:00Z" {
			t.Errorf("got %+v", h)
		}
		var owners api.Page[api.OwnershipItem]
		s.ok("GET", "/api/v1/ownership?person="+person, "", &owners)
		if o := owners.Items[0]; o.Kind != "marketing" || o.NextAction != "recycle" {
			t.Errorf("owner is %+v", o)
		}
		s.ok("GET", "/api/v1/ownership?person="+people.Items[1].ID, "", &owners)
		if o := owners.Items[0]; o.Kind != "marketing" || o.Handoff != 0 {
			t.Errorf("a lead that was never handed over is owned by %+v", o)
		}
		var list api.Page[api.HandoffItem]
		s.ok("GET", "/api/v1/handoffs?state=recycled", "", &list)
		if len(list.Items) != 1 || list.Items[0].ID != h.ID {
			t.Errorf("listed %+v", list)
		}
		s.ok("GET", "/api/v1/ownership", "", &owners)
		if len(owners.Items) != 1 {
			t.Errorf("owners are %+v", owners)
		}
	})
}

func TestHandoffs_anAnswerIsAFact(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t, db.SQLite)
	s := newSite(t, d)
	s.publish()
	s.load()
	var people api.Page[flow.Summary]
	s.ok("GET", "/api/v1/people?limit=1", "", &people)
	path := s.handOver(d, people.Items[0].ID)
	s.ok("POST", path+"/disqualify", `{"reason":"not_a_buyer"}`, nil)
	var timeline api.Page[json.RawMessage]
	s.ok("GET", "/api/v1/people/"+people.Items[0].ID+"/timeline", "", &timeline)
	if !strings.Contains(string(timeline.Items[0]), "disqualified") {
		t.Errorf("the newest fact is %s", timeline.Items[0])
	}
}
