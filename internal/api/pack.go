package api

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"cusp/internal/access"
	"cusp/internal/db"
	"cusp/internal/flow"
	"cusp/internal/handoff"
	"cusp/internal/handoff/framework"
	"cusp/internal/handoff/pack"
	"cusp/internal/lead"
)

// packHistory is how many happenings a context pack looks back on.
const packHistory = 500

type packOut struct{ Body pack.Pack }

func (a *API) routePack() {
	if a.o.Desk == nil {
		return
	}
	register(a, operation{
		id: "getPack", method: http.MethodGet, path: "/handoffs/{id}/pack", action: access.ReadLeads, tag: "handoffs",
		summary: "What to know before the first sentence: why now, what they said, what they have read, what to ask",
	}, a.getPack)
}

// getPack makes the context pack of a handoff as things stand now.
func (a *API) getPack(ctx context.Context, in *handoffIn) (*packOut, error) {
	var h handoff.Handoff
	var rounds []handoff.Handoff
	err := a.o.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if h, err = handoff.Find(tx, handoff.ID(in.ID)); err != nil {
			return err
		}
		rounds, err = handoff.List(tx, handoff.Filter{Person: h.Person}, 0, packHistory)
		return err
	})
	if err != nil {
		return nil, err
	}
	who := h.Person.String()
	x, err := a.o.Engine.Explain(ctx, who, 0)
	if err != nil {
		return nil, err
	}
	did, _, err := a.o.Engine.Timeline(ctx, who, flow.Position{}, packHistory)
	if err != nil {
		return nil, err
	}
	p, err := a.packInput(ctx, &x, did)
	if err != nil {
		return nil, err
	}
	a.packRounds(p, h.ID, rounds)
	return &packOut{pack.Make(p)}, nil
}

// packRounds adds what sales said in this handoff and the ones before it.
func (a *API) packRounds(p *pack.Input, id handoff.ID, rounds []handoff.Handoff) {
	plan := handoff.DefaultPlan()
	if pub := a.o.Engine.Current(); pub != nil {
		if compiled, _ := handoff.Compile(pub.Playbook); compiled != nil {
			plan = compiled
		}
	}
	p.Frameworks = plan.Frameworks
	labels := map[string]string{}
	for _, r := range plan.Reasons {
		labels[r.Code] = r.Label
	}
	for i := range rounds {
		r := &rounds[i]
		if facts, err := framework.Parse(r.Framework, r.By, r.TouchedAt); err == nil { // older ones may hold other keys
			p.Facts = append(p.Facts, facts...)
		}
		if r.ID != id && r.ClosedAt != 0 {
			p.Rounds = append(p.Rounds, pack.Round{At: r.ClosedAt, Outcome: string(r.State), Reason: cmp.Or(labels[r.Reason], r.Reason), Note: r.Note})
		}
	}
}

// packInput is what is known of a lead, in the words of the pack.
func (a *API) packInput(ctx context.Context, x *flow.Explanation, did []flow.Happening) (*pack.Input, error) {
	p := &pack.Input{
		Now: lead.At(a.o.Now()), Decision: x.Decision, Track: x.Track, Since: instantOf(x.Since), SeriousAt: instantOf(x.SeriousAt),
		Reasons: x.Reasons, FitKnown: x.Fit.Known,
	}
	if x.NextQuestion != nil {
		p.Ask = x.NextQuestion.Text
	}
	for _, c := range x.Fit.Criteria {
		if !c.Known {
			p.Missing = append(p.Missing, c.ID)
		}
	}
	for _, s := range x.Intent.Signals {
		p.Signals = append(p.Signals, pack.Signal{ID: s.ID, Class: s.Class, Value: s.Value, Count: s.Count, Last: instantOf(&s.LastAt)})
	}
	for _, h := range did {
		p.Happenings = append(p.Happenings, pack.Happening{
			At: instantOf(&h.At), Type: h.Type, Name: h.Name, Path: h.Path, Properties: h.Properties, Signals: h.Signals,
			Ignored: h.Quarantine != "",
		})
	}
	person, err := lead.ParsePersonID(x.Person.ID)
	if err != nil {
		return nil, err
	}
	s, err := a.summary(ctx, person)
	if err != nil {
		return nil, err
	}
	p.Person = pack.Person{Name: s.Name, Title: s.Title, Email: s.Email}
	return p, a.packAccount(ctx, x, p)
}

// packAccount adds the company and who else is known there.
func (a *API) packAccount(ctx context.Context, x *flow.Explanation, p *pack.Input) error {
	if x.Account == nil {
		return nil
	}
	view, err := a.o.Engine.Account(ctx, x.Account.ID)
	if err != nil {
		return err
	}
	text := func(key string) string { s, _ := view.Traits[key].(string); return s }
	employees, _ := view.Traits["employees"].(float64)
	p.Account = pack.Account{
		Name: view.Name, Domain: view.Domain, Industry: text("industry"), Country: text("country"), Employees: int(employees),
	}
	for _, m := range view.People {
		if m.ID != x.Person.ID {
			p.People = append(p.People, pack.Colleague{
				Name: m.Name, Title: m.Title, Decision: m.Decision, Intent: m.Intent, LastSeen: instantOf(&m.LastSeen),
			})
		}
	}
	return nil
}

// instantOf reads what the engine itself wrote; 0 for nothing.
func instantOf(stamp *string) lead.Instant {
	if stamp == nil {
		return 0
	}
	t, err := time.Parse(time.RFC3339Nano, *stamp)
	if err != nil {
		return 0
	}
	return lead.At(t)
}
