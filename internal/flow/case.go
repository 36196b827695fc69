package flow

import (
	"encoding/json"
	"fmt"

	"cusp/internal/identity"
	"cusp/internal/ingest"
	"cusp/internal/lead"
	"cusp/internal/playbook"
	"cusp/internal/playbook/cases"
)

// ExplainCase folds a playbook's case and explains where it stands at the case's now, in the form of the
// explain API. It is the evaluation that [cases.Run] asks for.
func ExplainCase(p *playbook.Playbook, c cases.Case) (map[string]any, error) {
	timeline, facts, err := caseFacts(&c)
	if err != nil {
		return nil, err
	}
	f := NewFolder(p)
	f.trace = newTrace(p)
	l := NewLead(p)
	identity.Apply(l.Person.Map(), identity.Traits(c.Person), true)
	l.Known = len(c.Person) > 0
	if len(facts) == 0 {
		f.judge(l, 0, true)
	}
	f.Fold(l, timeline, facts, c.Now)
	x := f.explain(l, c.Now)
	raw, err := json.Marshal(x)
	if err != nil {
		return nil, fmt.Errorf("encode explanation: %w", err)
	}
	out := map[string]any{}
	if err := json.Unmarshal(raw, &out); err != nil {
		return nil, fmt.Errorf("decode explanation: %w", err)
	}
	return out, nil
}

// caseFacts turns a case into the timeline and the account facts that the log would hold.
func caseFacts(c *cases.Case) ([]ingest.Stored, []identity.Fact, error) {
	var timeline []ingest.Stored
	var facts []identity.Fact
	if len(c.Account) > 0 {
		facts = append(facts, identity.Fact{Trusted: true, Traits: identity.AccountTraits(c.Account)})
	}
	for i := range c.Events {
		ev := &c.Events[i]
		body, err := json.Marshal(ev.Message())
		if err != nil {
			return nil, nil, fmt.Errorf("encode event %d: %w", i+1, err)
		}
		if ev.Type == lead.Group {
			facts = append(facts, identity.Fact{At: ev.At, MessageID: ev.MessageID, Trusted: true, Traits: identity.AccountTraits(ev.Traits)})
		}
		timeline = append(timeline, ingest.Stored{Event: lead.Event{
			Type: ev.Type, Flags: lead.Trusted, MessageID: ev.MessageID, Name: ev.Name, Path: ev.Path, Time: ev.At, ReceivedAt: ev.At, Body: body,
		}})
	}
	return timeline, facts, nil
}
