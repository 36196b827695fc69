package api

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"cusp/internal/access"
	"cusp/internal/db"
	"cusp/internal/fault"
	"cusp/internal/handoff"
	"cusp/internal/handoff/route"
	"cusp/internal/lead"
)

// HopItem is one step of the way to an owner.
type HopItem struct {
	Code    string `json:"code"`
	Subject string `json:"subject" doc:"The rep, rule or team that the step is about; may be empty."`
	Text    string `json:"text"`
}

// HandoffItem is a handoff as it stands.
type HandoffItem struct {
	ID           int64           `json:"id"`
	Person       string          `json:"person"`
	Account      string          `json:"account" doc:"Empty for none."`
	Round        int             `json:"round" doc:"Counts the handoffs of the person from 1."`
	State        string          `json:"state" enum:"open,accepted,contacted,qualified,rejected,recycled,disqualified,returned,withdrawn"`
	Track        string          `json:"track" enum:"inbound,nurture"`
	Decision     string          `json:"decision"`
	Team         string          `json:"team" doc:"Whose pool or queue it came from; empty for none."`
	Owner        string          `json:"owner" doc:"E-mail of a user; empty while a team or marketing has it."`
	NextStep     string          `json:"next_step" doc:"What the running clock will do; empty for none."`
	NextStepAt   *string         `json:"next_step_at" format:"date-time"`
	EventAt      *string         `json:"event_at" format:"date-time" doc:"From when the decision holds."`
	OpenedAt     *string         `json:"opened_at" format:"date-time"`
	AssignedAt   *string         `json:"assigned_at" format:"date-time"`
	DueAt        *string         `json:"due_at" format:"date-time" doc:"The promised first contact."`
	AcceptedAt   *string         `json:"accepted_at" format:"date-time"`
	ContactedAt  *string         `json:"contacted_at" format:"date-time"`
	ClosedAt     *string         `json:"closed_at" format:"date-time"`
	PeakAt       *string         `json:"peak_at" format:"date-time" doc:"When intent was at its highest."`
	RecycleAt    *string         `json:"recycle_at" format:"date-time"`
	SystemTime   *float64        `json:"system_seconds" doc:"From the event to the assignment."`
	HumanTime    *float64        `json:"human_seconds" doc:"From the assignment to the first contact, by the wall clock."`
	BusinessTime *float64        `json:"human_business_seconds" doc:"The same in the owner's working time."`
	Reason       string          `json:"reason"`
	Barrier      string          `json:"barrier"`
	Stage        string          `json:"stage" doc:"Of the lead when it was answered: mql, sal, sql."`
	Attempts     int             `json:"attempts"`
	Playbook     int             `json:"playbook" doc:"Version."`
	Late         bool            `json:"late" doc:"Some step of the clock came later than it should have."`
	Breach       string          `json:"breach" doc:"Why the promise was broken; empty while it is not."`
	Note         string          `json:"note"`
	Framework    map[string]any  `json:"framework"`
	Hops         []HopItem       `json:"hops" doc:"How the owner was found."`
	Pack         json.RawMessage `json:"pack,omitempty"`
}

// OwnershipItem is who owns a lead.
type OwnershipItem struct {
	Person     string  `json:"person"`
	Kind       string  `json:"owner_kind" enum:"marketing,team,person"`
	Owner      string  `json:"owner" doc:"Team id or e-mail; empty for marketing."`
	State      string  `json:"state"`
	NextAction string  `json:"next_action"`
	NextAt     *string `json:"next_at" format:"date-time" doc:"Null for never, which has a reason."`
	Handoff    int64   `json:"handoff" doc:"0 for none."`
	Reason     string  `json:"reason"`
	Since      *string `json:"since" format:"date-time"`
}

// RouteItem is where a lead would go now.
type RouteItem struct {
	Outcome string    `json:"outcome" enum:"rep,queue,manager,marketing"`
	Owner   string    `json:"owner"`
	Team    string    `json:"team"`
	Rule    string    `json:"rule"`
	Hops    []HopItem `json:"hops"`
}

// AnswerRequest is what sales says about a handoff.
type AnswerRequest struct {
	Reason    string         `json:"reason,omitempty" maxLength:"100" doc:"One code of the playbook; for reject, recycle and disqualify."`
	Note      string         `json:"note,omitempty" maxLength:"4000"`
	Until     string         `json:"until,omitempty" format:"date-time" doc:"For recycle: when it comes back; absent for what the reason proposes."`
	Attempt   bool           `json:"attempt,omitempty" doc:"For contact: the prospect was not reached."`
	Framework map[string]any `json:"framework,omitempty" doc:"For qualify."`
	As        string         `json:"as,omitempty" maxLength:"320" doc:"Who answers, when a key speaks for a user."`
}

// AssignRequest gives a handoff to somebody else.
type AssignRequest struct {
	Owner string `json:"owner,omitempty" maxLength:"320" doc:"E-mail of a user; absent to route it anew."`
}

type handoffsIn struct {
	Paging
	State  string `query:"state" enum:"live,open,accepted,contacted,qualified,rejected,recycled,disqualified,returned,withdrawn" doc:"live: those that sales owns."`
	Owner  string `query:"owner" maxLength:"320"`
	Team   string `query:"team" maxLength:"100"`
	Person string `query:"person" maxLength:"320"`
}

type handoffIn struct {
	ID int64 `path:"id" minimum:"1"`
}

type answerIn struct {
	ID   int64 `path:"id" minimum:"1"`
	Body AnswerRequest
}

type assignIn struct {
	ID   int64 `path:"id" minimum:"1"`
	Body AssignRequest
}

type ownershipIn struct {
	Paging
	Kind   string `query:"owner_kind" enum:"marketing,team,person"`
	Owner  string `query:"owner" maxLength:"320"`
	Person string `query:"person" maxLength:"320" doc:"Only this person, also when it was never handed over."`
}

type routeIn struct {
	Person string `path:"id" maxLength:"320"`
}

type (
	handoffsOut  struct{ Body Page[HandoffItem] }
	handoffOut   struct{ Body HandoffItem }
	ownershipOut struct{ Body Page[OwnershipItem] }
	routeOut     struct{ Body RouteItem }
)

func (a *API) routeHandoffs() {
	if a.o.Desk == nil {
		return
	}
	get := func(id, path, summary string) operation {
		return operation{id: id, method: http.MethodGet, path: path, action: access.ReadLeads, tag: "handoffs", summary: summary}
	}
	register(a, get("listHandoffs", "/handoffs", "Handoffs in the order in which they were opened"), a.listHandoffs)
	register(a, get("getHandoff", "/handoffs/{id}", "One handoff, with how its owner was found"), a.getHandoff)
	register(a, get("listOwnership", "/ownership", "Who owns the leads that were ever handed over, and what is done next"), a.listOwnership)
	register(a, get("previewRoute", "/people/{id}/route", "Where a lead would go now, and why; nothing is changed"), a.previewRoute)
	for _, answer := range []struct {
		do      handoff.Action
		summary string
	}{
		{handoff.Accept, "Take a handoff up"},
		{handoff.Contact, "Note that the prospect was reached, or that an attempt was made"},
		{handoff.Reject, "Give a lead back, with exactly one reason"},
		{handoff.Recycle, "Put a lead off to a date; it comes back by itself"},
		{handoff.Qualify, "Say that it is qualified for sales"},
		{handoff.Disqualify, "Say that it is no lead, with exactly one reason"},
	} {
		register(a, operation{
			id: string(answer.do) + "Handoff", method: http.MethodPost, path: "/handoffs/{id}/" + string(answer.do),
			action: access.AnswerHandoffs, tag: "handoffs", summary: answer.summary,
		}, a.answerHandoff(answer.do))
	}
	register(a, operation{
		id: "assignHandoff", method: http.MethodPost, path: "/handoffs/{id}/assign", action: access.AssignHandoffs, tag: "handoffs",
		summary: "Give a handoff to somebody else, or route it anew",
	}, a.assignHandoff)
}

func (a *API) listHandoffs(ctx context.Context, in *handoffsIn) (*handoffsOut, error) {
	of := list("handoffs", in.State, in.Owner, in.Team, in.Person)
	after, err := readNumber(of, in.Cursor, 0)
	if err != nil {
		return nil, err
	}
	var items []HandoffItem
	err = a.o.DB.Read(ctx, func(tx *db.Tx) error {
		f := handoff.Filter{State: in.State, Owner: route.RepID(in.Owner), Team: route.TeamID(in.Team)}
		if in.Person != "" {
			if f.Person, err = findPerson(tx, in.Person); err != nil {
				return err
			}
		}
		all, err := handoff.List(tx, f, handoff.ID(after), in.Limit+1)
		items = items[:0]
		for i := range all {
			items = append(items, handoffItem(&all[i]))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &handoffsOut{page(items, in.Limit, of, func(h HandoffItem) string { return strconv.FormatInt(h.ID, 10) })}, nil
}

func (a *API) getHandoff(ctx context.Context, in *handoffIn) (*handoffOut, error) {
	var h handoff.Handoff
	err := a.o.DB.Read(ctx, func(tx *db.Tx) (err error) {
		h, err = handoff.Find(tx, handoff.ID(in.ID))
		return err
	})
	if err != nil {
		return nil, err
	}
	return &handoffOut{handoffItem(&h)}, nil
}

func (a *API) answerHandoff(do handoff.Action) func(context.Context, *answerIn) (*handoffOut, error) {
	return func(ctx context.Context, in *answerIn) (*handoffOut, error) {
		answer := handoff.Answer{
			Action: do, Reason: in.Body.Reason, Note: in.Body.Note, Reached: !in.Body.Attempt, Framework: in.Body.Framework,
			As: route.RepID(in.Body.As),
		}
		if in.Body.Until != "" {
			at, err := time.Parse(time.RFC3339, in.Body.Until)
			if err != nil {
				return nil, fault.New(fault.Invalid, "%q is no time.", in.Body.Until).WithField("until").WithHint("write it as in 2027-01-15T09:00:00Z")
			}
			answer.RecycleAt = lead.At(at)
		}
		h, err := a.o.Desk.Answer(ctx, handoff.ID(in.ID), answer, access.From(ctx))
		if err != nil {
			return nil, err
		}
		return &handoffOut{handoffItem(&h)}, nil
	}
}

func (a *API) assignHandoff(ctx context.Context, in *assignIn) (*handoffOut, error) {
	h, err := a.o.Desk.Assign(ctx, handoff.ID(in.ID), route.RepID(in.Body.Owner), access.From(ctx))
	if err != nil {
		return nil, err
	}
	return &handoffOut{handoffItem(&h)}, nil
}

func (a *API) listOwnership(ctx context.Context, in *ownershipIn) (*ownershipOut, error) {
	of := list("ownership", in.Kind, in.Owner, in.Person)
	after, err := readNumber(of, in.Cursor, 0)
	if err != nil {
		return nil, err
	}
	var all []handoff.Ownership
	err = a.o.Engine.Read(ctx, func(tx *db.Tx) (err error) {
		if in.Person == "" {
			all, err = handoff.Owners(tx, handoff.OwnerKind(in.Kind), in.Owner, lead.PersonID(after), in.Limit+1)
			return err
		}
		person, err := findPerson(tx, in.Person)
		if err != nil {
			return err
		}
		o, err := handoff.OwnerOf(tx, person)
		all = []handoff.Ownership{o}
		return err
	})
	if err != nil {
		return nil, err
	}
	cut := page(all, in.Limit, of, func(o handoff.Ownership) string { return strconv.FormatInt(int64(o.Person), 10) })
	out := &ownershipOut{Page[OwnershipItem]{Items: []OwnershipItem{}, Next: cut.Next}}
	for _, o := range cut.Items {
		out.Body.Items = append(out.Body.Items, OwnershipItem{
			Person: o.Person.String(), Kind: string(o.Kind), Owner: o.Owner, State: o.State, NextAction: o.NextAction,
			NextAt: stamp(o.NextAt), Handoff: int64(o.Handoff), Reason: o.Reason, Since: stamp(o.Since),
		})
	}
	return out, nil
}

func (a *API) previewRoute(ctx context.Context, in *routeIn) (*routeOut, error) {
	var out RouteItem
	err := a.o.Engine.Read(ctx, func(tx *db.Tx) error {
		person, err := findPerson(tx, in.Person)
		if err != nil {
			return err
		}
		to, hops, err := a.o.Desk.PreviewPerson(tx, person)
		out = RouteItem{Outcome: to.Outcome.String(), Owner: string(to.Rep), Team: string(to.Team), Rule: to.Rule, Hops: hopItems(hops)}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &routeOut{out}, nil
}

func hopItems(hops []route.Hop) []HopItem {
	out := make([]HopItem, 0, len(hops))
	for _, h := range hops {
		out = append(out, HopItem{string(h.Code), h.Subject, h.Text})
	}
	return out
}

func handoffItem(h *handoff.Handoff) HandoffItem {
	item := HandoffItem{
		ID: int64(h.ID), Person: h.Person.String(), Round: h.Round, State: string(h.State), Track: string(h.Track), Decision: string(h.Decision),
		Team: string(h.Team), Owner: string(h.Owner), NextStep: string(h.Step), NextStepAt: stamp(h.StepAt), EventAt: stamp(h.EventAt),
		OpenedAt: stamp(h.OpenedAt), AssignedAt: stamp(h.AssignedAt), DueAt: stamp(h.DueAt), AcceptedAt: stamp(h.AcceptedAt),
		ContactedAt: stamp(h.ContactedAt), ClosedAt: stamp(h.ClosedAt), PeakAt: stamp(h.PeakAt), RecycleAt: stamp(h.RecycleAt),
		Reason: h.Reason, Barrier: string(h.Barrier), Stage: h.Stage, Attempts: h.Attempts, Playbook: h.Version, Late: h.Late,
		Breach: string(h.Breach), Note: h.Note, Framework: h.Framework, Hops: hopItems(h.Hops), Pack: h.Pack,
	}
	if h.Account != 0 {
		item.Account = h.Account.String()
	}
	if item.Framework == nil {
		item.Framework = map[string]any{}
	}
	if d, ok := h.SystemTime(); ok {
		item.SystemTime = seconds(d)
	}
	if wall, business, ok := h.HumanTime(); ok {
		item.HumanTime, item.BusinessTime = seconds(wall), seconds(business)
	}
	return item
}

func seconds(d time.Duration) *float64 {
	s := d.Seconds()
	return &s
}
