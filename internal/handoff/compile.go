package handoff

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"cusp/internal/condition"
	"cusp/internal/decide"
	"cusp/internal/document"
	"cusp/internal/fault"
	"cusp/internal/handoff/calendar"
	"cusp/internal/handoff/route"
	"cusp/internal/playbook"
)

// Bounds of the section.
const (
	maxTeams       = 200
	maxCalendars   = 200
	maxRules       = 500
	maxRegions     = 200
	maxTerritories = 300
	maxReasons     = 100
	maxAlerts      = 100
	maxLabel       = 200 // characters of a name or a label
)

// Parse reads a whole playbook, its handoff section included: whoever checks or publishes a document calls
// this. All findings of all sections come at once, in the order of the document; playbook and plan are nil
// when any of them is an error.
func Parse(file string, src []byte) (*playbook.Playbook, *Plan, fault.Problems) {
	var plan *Plan
	p, problems := playbook.ParseWith(file, src, func(s document.Section, conditions *document.Conditions) {
		plan = read(s, conditions)
	})
	if p == nil {
		return nil, nil, problems
	}
	return p, plan, problems
}

// Compile reads the handoff section of a playbook that was parsed before, such as a published one. Without
// the section it is [DefaultPlan]; what the section leaves out is as there. The plan is nil when any finding
// is an error.
func Compile(p *playbook.Playbook) (*Plan, fault.Problems) {
	_, plan, problems := Parse(p.Name, p.Source)
	return plan, problems
}

// reader fills a plan from the section.
type reader struct {
	d     *document.Document
	plan  *Plan
	c     *document.Conditions
	teams map[string]document.Section // by id
	rules []document.Section
}

// read reads the handoff section of a document. What depends on several parts is looked at only when each
// of them is sound, so that nobody chases consequences of a typing mistake.
func read(root document.Section, conditions *document.Conditions) *Plan {
	r := &reader{d: root.Document(), plan: DefaultPlan(), c: conditions, teams: map[string]document.Section{}}
	before := r.d.Errors()
	s, ok := root.Sub("handoff", "manager", "calendars", "teams", "regions", "routing", "sla", "reasons", "frameworks", "alerts", "quiet")
	if !ok {
		return r.plan
	}
	r.plan.Manager = r.email(s, "manager")
	r.calendars(s)
	r.readTeams(s)
	r.regions(s)
	r.routing(s)
	r.slas(s)
	r.reasons(s)
	r.frameworks(s)
	r.alerts(s)
	r.quiet(s)
	if r.d.Errors() == before {
		r.lint(s)
	}
	return r.plan
}

var emailForm = regexp.MustCompile(`^[^\s@,;<>"]+@[^\s@,;<>"]+\.[^\s@,;<>".]+$`)

// email reads the address of a user, in lower case; empty when it is absent or wrong.
func (r *reader) email(s document.Section, key string) string {
	v := s.Text(key, maxLabel)
	if v != "" && !emailForm.MatchString(v) {
		r.d.Refuse(s.Fields[key], "bad_email", "write the e-mail address of a user, such as ana@acme.example", "%s %q is not an e-mail address", s.Path(key), v)
		return ""
	}
	return strings.ToLower(v)
}

// readTeams reads the teams; references between them are looked up when all are known.
func (r *reader) readTeams(s document.Section) {
	if !s.Has("teams") {
		return
	}
	r.plan.Teams = nil
	nodes := s.List("teams", maxTeams)
	if n := s.Field("teams"); n != nil && len(n.Content) == 0 {
		r.d.Refuse(n, "empty", "write teams: [{id: sales, fallback: true}], or remove the key", "handoff.teams has no team: no lead would have an owner")
	}
	seen := map[string]*yaml.Node{}
	for _, n := range nodes {
		t := r.d.Section(n, "team", "id", "name", "calendar", "fallback", "overflow", "manager", "inbound", "nurture")
		t.Require("id", "")
		team := Team{ID: t.ID("id"), Name: t.Text("name", maxLabel), Fallback: t.Bool("fallback", false), Manager: r.email(t, "manager")}
		t.Unique(seen, "id", team.ID, "team")
		team.Calendar = r.named(t, "calendar", slices.Sorted(maps.Keys(r.plan.Calendars)))
		team.Inbound, team.Nurture = r.policy(t, "inbound"), r.policy(t, "nurture")
		if team.Name == "" {
			team.Name = team.ID
		}
		r.teams[team.ID] = t
		r.plan.Teams = append(r.plan.Teams, team)
	}
	for i := range r.plan.Teams {
		t := r.teams[r.plan.Teams[i].ID]
		if r.plan.Teams[i].ID != "" {
			r.plan.Teams[i].Overflow = r.named(t, "overflow", r.plan.sorted())
		}
	}
}

// named reads the id of something that the section defines elsewhere.
func (r *reader) named(s document.Section, key string, known []string) string {
	id := s.Text(key, maxLabel)
	if id == "" || slices.Contains(known, id) {
		return id
	}
	hint := fault.Suggest(id, known)
	if len(known) == 0 {
		hint = "define it under handoff." + key + "s"
	}
	code, what := "unknown_team", "team"
	if key == "calendar" {
		code, what = "unknown_calendar", "calendar"
	}
	r.d.Refuse(s.Fields[key], code, hint, "there is no %s %q", what, id)
	return ""
}

// policy reads what happens when nobody of a team is both open and free.
func (r *reader) policy(t document.Section, key string) route.Policy {
	s, ok := t.Sub(key, "when_off", "when_full", "wait", "grace", "max_wait")
	if !ok {
		return route.Policy{}
	}
	words := []string{"queue", "overflow", "manager"}
	resorts := []route.Resort{route.Queue, route.Overflow, route.Manager}
	p := route.Policy{
		WhenOff: resorts[s.Choice("when_off", words, 0)], WhenFull: resorts[s.Choice("when_full", words, 0)],
		Wait: s.Bool("wait", false), Grace: r.span(s, "grace", 0), MaxWait: r.span(s, "max_wait", 0),
	}
	if p.Grace > 0 && !p.Wait {
		r.d.Warn(s.Fields["grace"], "no_effect", "add wait: true, or remove grace", "%s does nothing without wait: nobody who is closed has a turn", s.Path("grace"))
	}
	if p.MaxWait > 0 && !p.Wait && p.WhenOff != route.Queue {
		r.d.Warn(s.Fields["max_wait"], "no_effect", "add wait: true or when_off: queue, or remove max_wait", "%s does nothing: no lead of the team waits", s.Path("max_wait"))
	}
	return p
}

// span reads a duration; 0m is allowed.
func (r *reader) span(s document.Section, key string, otherwise time.Duration) time.Duration {
	return time.Duration(s.Duration(key, 0, otherwise.Seconds())) * time.Second
}

// regions reads names for lists of countries.
func (r *reader) regions(s document.Section) {
	regions, ok := s.Sub("regions")
	if !ok {
		return
	}
	if len(regions.Fields) > maxRegions {
		r.d.Refuse(regions.Node, "too_large", "", "there are %d regions; the limit is %d", len(regions.Fields), maxRegions)
		return
	}
	for i := 0; i+1 < len(regions.Node.Content); i += 2 {
		key := regions.Node.Content[i]
		switch name := key.Value; {
		case !regions.Has(name):
		case len(name) == 2:
			r.d.Refuse(key, "reserved", "choose a longer name", "the region %q would hide a country code", name)
		case !regionForm.MatchString(name):
			r.d.Refuse(key, "bad_id", "use letters, digits, _ and -, beginning with a letter", "%q cannot name a region", name)
		default:
			r.plan.Regions[name] = r.countries(regions, name)
			if n := regions.Field(name); n != nil && n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
				r.d.Refuse(n, "empty", "list country codes, as in [DE, AT, CH]", "the region %q has no countries", name)
			}
		}
	}
}

var regionForm = regexp.MustCompile(document.IDForm)

// countries reads a list of country codes, in capitals.
func (r *reader) countries(s document.Section, key string) []string {
	var codes []string
	for _, n := range s.List(key, maxTerritories) {
		v, ok := r.d.Text(n, "each country of "+s.Path(key), maxLabel)
		if ok && r.isCountry(n, v, nil) {
			codes = append(codes, strings.ToUpper(v))
		}
	}
	return codes
}

// routing reads the rules in their order.
func (r *reader) routing(s document.Section) {
	seen := map[string]*yaml.Node{}
	for _, n := range s.List("routing", maxRules) {
		t := r.d.Section(n, "routing rule", "id", "when", "track", "territories", "min_engagement", "to", "otherwise")
		t.Require("id", "")
		t.Require("to", "write to: TEAM, or to: the e-mail address of a user")
		rule := route.Rule{
			ID: t.ID("id"), Track: r.track(t, "track"), MinEngagement: t.Number("min_engagement", 0, 100, 0),
			When: r.c.Read(t, "when", condition.Scope{Score: true}), Territories: r.territories(t),
		}
		t.Unique(seen, "id", rule.ID, "routing rule")
		r.noSignals(t, rule.When)
		r.target(t, &rule)
		r.rules = append(r.rules, t)
		r.plan.Rules = append(r.plan.Rules, rule)
	}
}

// noSignals refuses conditions about single signals: a handoff is routed again, weeks later, from what is
// kept with it, and that is traits and scores.
func (r *reader) noSignals(t document.Section, c *condition.Condition) {
	if c != nil && len(c.Signals()) > 0 {
		r.d.Refuse(t.Fields["when"], "not_allowed", "use min_engagement, track, score.intent or a trait",
			"%s asks about single signals; routing knows traits and scores only", t.Path("when"))
	}
}

// target reads who gets the leads of a rule: a team, or a user with a team behind.
func (r *reader) target(t document.Section, rule *route.Rule) {
	to := t.Text("to", maxLabel)
	switch {
	case to == "":
	case strings.Contains(to, "@"):
		rule.Rep = route.RepID(r.email(t, "to"))
		rule.Team = route.TeamID(r.named(t, "otherwise", r.plan.sorted()))
	default:
		rule.Team = route.TeamID(r.named(t, "to", r.plan.sorted()))
		if t.Has("otherwise") {
			r.d.Refuse(t.Fields["otherwise"], "no_effect", "a team's own policy says what happens when nobody can take a lead; remove `otherwise`",
				"%s stands behind a user, not behind a team", t.Path("otherwise"))
		}
	}
}

// track reads a track; empty for both.
func (r *reader) track(s document.Section, key string) decide.Track {
	tracks := []decide.Track{"", decide.TrackInbound, decide.TrackNurture}
	return tracks[s.Choice(key, []string{string(decide.TrackInbound), string(decide.TrackNurture)}, -1)+1]
}

// territories reads countries and regions.
func (r *reader) territories(t document.Section) []string {
	var all []string
	for _, n := range t.List("territories", maxTerritories) {
		v, ok := r.d.Text(n, "each of "+t.Path("territories"), maxLabel)
		if _, region := r.plan.Regions[v]; ok && (region || r.isCountry(n, v, slices.Sorted(maps.Keys(r.plan.Regions)))) {
			all = append(all, v)
		}
	}
	return all
}

// lint looks at routing as a whole with a person in every seat: who really sits there is known only to the
// users, and [Plan.Lint] asks that.
func (r *reader) lint(s document.Section) {
	var staff []Person
	reps := route.Reps{}
	seat := func(id route.RepID, teams ...route.TeamID) {
		if _, ok := reps[id]; ok || id == "" {
			return
		}
		p := Person{Rep: route.Rep{ID: id, Active: true, Weight: 1, Capacity: route.Unlimited, OpenNow: true}, Teams: teams}
		reps[id], staff = p.Rep, append(staff, p)
	}
	for _, t := range r.plan.Teams {
		seat(route.RepID("somebody of "+t.ID), route.TeamID(t.ID))
		seat(route.RepID(t.Manager))
	}
	for i := range r.plan.Rules {
		seat(r.plan.Rules[i].Rep)
	}
	seat(route.RepID(r.plan.Manager))
	for _, f := range route.Lint(r.plan.book(staff), reps) {
		n := r.place(s, &f)
		switch {
		case f.Error:
			r.d.Refuse(n, f.Code, f.Hint, "%s", f.Text)
		case f.Code != "unused_team" || s.Has("routing"):
			r.d.Warn(n, f.Code, f.Hint, "%s", f.Text)
		}
	}
}

// place is where a finding about routing stands.
func (r *reader) place(s document.Section, f *route.Finding) *yaml.Node {
	switch f.Code {
	case "no_fallback", "fallbacks":
		return s.At("teams")
	case "no_last_resort":
		return s.At("manager")
	case "overflow_to_itself":
		return r.teams[f.Subject].At("overflow")
	case "no_overflow", "no_manager", "unused_team":
		return r.teams[f.Subject].At("id")
	}
	for _, t := range r.rules {
		if n := t.Fields["id"]; n != nil && n.Value == f.Subject {
			return t.At("when")
		}
	}
	return s.Node
}

// Lint looks for weaknesses of the plan with the people who are there: owners who have left, teams that
// nobody is on, rules that can never match.
func (p *Plan) Lint(staff []Person) []route.Finding {
	reps := route.Reps{}
	for i := range staff {
		reps[staff[i].Rep.ID] = staff[i].Rep
	}
	return route.Lint(p.book(staff), reps)
}

// calendars reads the calendars and lets the calendar's own compiler judge them.
func (r *reader) calendars(s document.Section) {
	r.plan.Specs = map[string]calendar.Spec{}
	seen := map[string]*yaml.Node{}
	for _, n := range s.List("calendars", maxCalendars) {
		t := r.d.Section(n, "calendar", "id", "zone", "hours", "holidays", "closed", "open")
		t.Require("id", "")
		t.Require("zone", "write a name of the IANA database, such as zone: Europe/Berlin")
		before := r.d.Errors()
		at := places{d: r.d, nodes: map[string]*yaml.Node{"id": t.At("id"), "zone": t.At("zone"), "hours": t.At("hours")}}
		spec := calendar.Spec{
			ID: t.ID("id"), Zone: t.Text("zone", maxLabel),
			Hours: at.times(t, "hours", false), Holidays: at.holidays(t), Closed: at.times(t, "closed", true), Open: at.times(t, "open", true),
		}
		t.Unique(seen, "id", spec.ID, "calendar")
		c, problems := calendar.Compile(spec)
		for _, p := range problems {
			told := p.Field == "id" && spec.ID == "" || p.Field == "zone" && spec.Zone == "" || p.Code == "never_open" && r.d.Errors() > before
			if !told {
				r.d.Refuse(at.find(p.Field, t.Node), p.Code, p.Hint, "%s", p.Message)
			}
		}
		if spec.ID != "" {
			r.plan.Calendars[spec.ID], r.plan.Specs[spec.ID] = c, spec
		}
	}
}
