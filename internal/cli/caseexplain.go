package cli

import (
	"encoding/json"
	"fmt"

	"cusp/internal/access"
	"cusp/internal/flow"
	"cusp/internal/identity"
	"cusp/internal/ingest"
	"cusp/internal/lead"
	"cusp/internal/playbook"
	"cusp/internal/playbook/cases"
)

// explainCase folds a case as the product would fold the same events of a server, and gives what
// `cusp explain --json` would print.
func explainCase(p *playbook.Playbook, c cases.Case) (map[string]any, error) {
	begin := c.Now
	if len(c.Events) > 0 {
		begin = min(begin, c.Events[0].At)
	}
	begin--
	timeline, err := timelineOf(&c, begin)
	if err != nil {
		return nil, err
	}
	raw, err := json.Marshal(flow.ExplainFacts(p, timeline, companyOf(&c, begin), c.Now))
	if err != nil {
		return nil, fmt.Errorf("write explanation: %w", err)
	}
	var out map[string]any
	if err := json.Unmarshal(raw, &out); err != nil {
		return nil, fmt.Errorf("read explanation: %w", err)
	}
	return out, nil
}

// timelineOf is the case as the log would hold it. What is known of the person from the beginning is an
// identify call that comes before everything and raises nothing.
func timelineOf(c *cases.Case, begin lead.Instant) ([]ingest.Stored, error) {
	var out []ingest.Stored
	add := func(e lead.Event, message map[string]any) error {
		body, err := json.Marshal(message)
		if err != nil {
			return fmt.Errorf("write event %s: %w", e.MessageID, err)
		}
		e.Body, e.Source, e.ReceivedAt = body, access.SourceProduct, e.Time
		e.Flags |= lead.Trusted
		out = append(out, ingest.Stored{Event: e})
		return nil
	}
	if len(c.Person) > 0 {
		first := lead.Event{Type: lead.Identify, MessageID: "case", Time: begin, Flags: lead.Unscored}
		if err := add(first, map[string]any{"traits": c.Person}); err != nil {
			return nil, err
		}
	}
	for i := range c.Events {
		e := &c.Events[i]
		stored := lead.Event{Type: e.Type, MessageID: e.MessageID, Time: e.At, Name: e.Name, Path: e.Path}
		if err := add(stored, e.Message()); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// companyOf are the facts about the company: what is known from the beginning, then what group calls say.
func companyOf(c *cases.Case, begin lead.Instant) []identity.Fact {
	var out []identity.Fact
	if len(c.Account) > 0 {
		out = append(out, identity.Fact{At: begin, MessageID: "case", Trusted: true, Traits: identity.AccountTraits(c.Account)})
	}
	for i := range c.Events {
		if e := &c.Events[i]; e.Type == lead.Group && len(e.Traits) > 0 {
			out = append(out, identity.Fact{At: e.At, MessageID: e.MessageID, Trusted: true, Traits: identity.AccountTraits(e.Traits)})
		}
	}
	return out
}
