package api_test

import (
	"testing"

	"cusp/internal/api"
	"cusp/internal/db"
	"cusp/internal/db/dbtest"
	"cusp/internal/flow"
	"cusp/internal/handoff/pack"
)

func TestPack_saysWhyNow(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		s := newSite(t, d)
		s.publish()
		s.load()
		var people api.Page[flow.Summary]
		s.ok("GET", "/api/v1/people?limit=1", "", &people)
		path := s.handOver(d, people.Items[0].ID)
		var p pack.Pack
		s.ok("GET", path+"/pack", "", &p)
		if p.Who == "" || len(p.Why) == 0 || len(p.Ask) == 0 {
			t.Errorf("pack: %+v", p)
		}
	})
}

// What a rep writes down to qualify a lead stands in the framework from then on.
func TestPack_knowsWhatRepsWroteDown(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t, db.SQLite)
	s := newSite(t, d)
	s.publish()
	s.load()
	var people api.Page[flow.Summary]
	s.ok("GET", "/api/v1/people?limit=1", "", &people)
	path := s.handOver(d, people.Items[0].ID)
	s.ok("POST", path+"/qualify", `{"framework":{"budget":"60k this year","authority":"partly"}}`, nil)
	var p pack.Pack
	s.ok("GET", path+"/pack", "", &p)
	if len(p.Frameworks) != 1 || p.Frameworks[0].Completeness != 0.5 || p.Frameworks[0].Items[0].Value != "60k this year" {
		t.Errorf("frameworks: %+v", p.Frameworks)
	}
}
