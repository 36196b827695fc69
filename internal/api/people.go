package api

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"cusp/internal/access"
	"cusp/internal/db"
	"cusp/internal/fault"
	"cusp/internal/flow"
	"cusp/internal/identity"
	"cusp/internal/lead"
)

type peopleIn struct {
	Paging
	Decision string `query:"decision" enum:"nurture,review,engage,disqualify,deflect,ignore" doc:"What to do now."`
	Stage    string `query:"stage" enum:"visitor,lead,mql,disqualified"`
	Track    string `query:"track" enum:"inbound,nurture"`
	Q        string `query:"q" maxLength:"320" doc:"How the e-mail address begins."`
}

type peopleOut struct{ Body Page[flow.Summary] }

// PersonPath names the person that a request is about.
type PersonPath struct {
	ID string `path:"id" maxLength:"320" doc:"An id, a user id or an e-mail address."`
}

type personOut struct{ Body PersonItem }

// PersonItem is a person with the identifiers that lead to them.
type PersonItem struct {
	flow.Summary
	Identifiers []Identifier `json:"identifiers"`
}

// Identifier is one value by which a person is known.
type Identifier struct {
	Kind  string `json:"kind"`
	Value string `json:"value"`
}

type explainIn struct {
	PersonPath
	At string `query:"at" maxLength:"40" doc:"An instant, RFC 3339: what had happened by then."`
}

type explainOut struct{ Body flow.Explanation }

type timelineIn struct {
	PersonPath
	Paging
}

type timelineOut struct{ Body Page[flow.Happening] }

func (a *API) routePeople() {
	register(a, operation{
		id: "listPeople", method: http.MethodGet, path: "/people", action: access.ReadLeads, tag: "people",
		summary: "People as they stand now",
	}, a.listPeople)
	register(a, operation{
		id: "getPerson", method: http.MethodGet, path: "/people/{id}", action: access.ReadLeads, tag: "people",
		summary: "One person",
	}, a.getPerson)
	register(a, operation{
		id: "explainPerson", method: http.MethodGet, path: "/people/{id}/explain", action: access.ReadLeads, tag: "people",
		summary: "What to do now, and why: parts that add up",
	}, a.explainPerson)
	register(a, operation{
		id: "listTimeline", method: http.MethodGet, path: "/people/{id}/timeline", action: access.ReadLeads, tag: "people",
		summary: "What a person did, newest first, with the signals it raised",
	}, a.listTimeline)
}

func (a *API) listPeople(ctx context.Context, in *peopleIn) (*peopleOut, error) {
	if in.Q != "" {
		return a.searchPeople(ctx, in)
	}
	of := list("people", in.Decision, in.Stage, in.Track)
	after, err := readNumber(of, in.Cursor, 0)
	if err != nil {
		return nil, err
	}
	people, err := a.o.Engine.People(ctx, flow.PeopleFilter{
		Decision: in.Decision, Stage: in.Stage, Track: in.Track, After: lead.PersonID(after), Limit: in.Limit + 1,
	})
	if err != nil {
		return nil, err
	}
	return &peopleOut{page(people, in.Limit, of, personKey)}, nil
}

// searchPeople lists who has an address that begins in a certain way, in the order of addresses. Filters
// apply to what is found, so that a page may have fewer items than its limit and still a next one.
func (a *API) searchPeople(ctx context.Context, in *peopleIn) (*peopleOut, error) {
	of := list("people", in.Decision, in.Stage, in.Track, in.Q)
	after, err := readCursor(of, in.Cursor)
	if err != nil {
		return nil, err
	}
	var found []identity.Found
	err = a.o.Engine.Read(ctx, func(tx *db.Tx) error {
		found, err = identity.Search(tx, in.Q, after, in.Limit+1)
		return err
	})
	if err != nil {
		return nil, err
	}
	some := page(found, in.Limit, of, func(f identity.Found) string { return f.Email })
	out := &peopleOut{Page[flow.Summary]{Items: []flow.Summary{}, Next: some.Next}}
	for _, f := range some.Items {
		s, err := a.summary(ctx, f.Person)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if matches(in.Decision, string(s.Decision)) && matches(in.Stage, string(s.Stage)) && matches(in.Track, string(s.Track)) {
			out.Body.Items = append(out.Body.Items, s)
		}
	}
	return out, nil
}

func matches(wanted, got string) bool { return wanted == "" || wanted == got }

// summary is one person as lists show them.
func (a *API) summary(ctx context.Context, person lead.PersonID) (flow.Summary, error) {
	some, err := a.o.Engine.People(ctx, flow.PeopleFilter{After: person - 1, Limit: 1})
	if err != nil {
		return flow.Summary{}, err
	}
	if len(some) == 0 || some[0].ID != person.String() {
		return flow.Summary{}, fault.New(fault.NotFound, "nothing is known of this person yet").WithCode("unknown_person")
	}
	return some[0], nil
}

func (a *API) getPerson(ctx context.Context, in *PersonPath) (*personOut, error) {
	return a.personAt(ctx, in.ID)
}

// personAt is a person with the identifiers that lead to them.
func (a *API) personAt(ctx context.Context, ref string) (*personOut, error) {
	var person lead.PersonID
	var profiles []identity.Profile
	err := a.o.Engine.Read(ctx, func(tx *db.Tx) (err error) {
		if person, err = identity.Find(tx, ref); err == nil {
			profiles, err = identity.Profiles(tx, person)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &personOut{PersonItem{Identifiers: []Identifier{}}}
	if out.Body.Summary, err = a.summary(ctx, person); err != nil {
		return nil, err
	}
	for _, p := range profiles {
		out.Body.Identifiers = append(out.Body.Identifiers, Identifier{Kind: p.Kind.String(), Value: p.Value})
	}
	return out, nil
}

// personKey is where a page of people ends: the number behind the id.
func personKey(s flow.Summary) string {
	id, _ := lead.ParsePersonID(s.ID) // ids that were just formatted
	return strconv.FormatInt(int64(id), 10)
}

func (a *API) explainPerson(ctx context.Context, in *explainIn) (*explainOut, error) {
	at, err := readInstant("query.at", in.At)
	if err != nil {
		return nil, err
	}
	x, err := a.o.Engine.Explain(ctx, in.ID, at)
	if err != nil {
		return nil, err
	}
	return &explainOut{x}, nil
}

// readInstant reads RFC 3339, or a date, which means its first moment; empty is the zero instant.
func readInstant(field, text string) (lead.Instant, error) {
	if text == "" {
		return 0, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil && at.Year() >= 1970 && at.Year() < 10000 {
			return lead.At(at), nil
		}
	}
	return 0, fault.New(fault.Invalid, "%q is not an instant", text).WithCode("bad_instant").WithField(field).
		WithHint("write it as 2026-05-01T12:00:00Z or 2026-05-01; in a URL, + is written %%2B")
}

func (a *API) listTimeline(ctx context.Context, in *timelineIn) (*timelineOut, error) {
	of := list("timeline", in.ID)
	key, err := readCursor(of, in.Cursor)
	if err != nil {
		return nil, err
	}
	before, err := readPosition(key)
	if err != nil {
		return nil, err
	}
	events, next, err := a.o.Engine.Timeline(ctx, in.ID, before, in.Limit)
	if err != nil {
		return nil, err
	}
	for i := range events {
		if events[i].Properties == nil {
			events[i].Properties = map[string]any{}
		}
	}
	out := &timelineOut{Page[flow.Happening]{Items: events}}
	if next != (flow.Position{}) {
		out.Body.Next = writeCursor(of, writePosition(next))
	}
	return out, nil
}

// A position in a cursor is "time source messageId".
func writePosition(p flow.Position) string {
	return strconv.FormatInt(int64(p.Time), 10) + " " + strconv.FormatInt(int64(p.Source), 10) + " " + p.MessageID
}

func readPosition(key string) (flow.Position, error) {
	if key == "" {
		return flow.Position{}, nil
	}
	at, rest, _ := strings.Cut(key, " ")
	source, id, _ := strings.Cut(rest, " ")
	t, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		return flow.Position{}, err
	}
	s, err := strconv.ParseInt(source, 10, 64)
	return flow.Position{Time: lead.Instant(t), Source: lead.SourceID(s), MessageID: id}, err
}

// findPerson resolves what a caller calls a person by.
func findPerson(tx *db.Tx, ref string) (lead.PersonID, error) {
	return identity.Find(tx, ref)
}
