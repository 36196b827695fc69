package alert

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"cusp/internal/db"
	"cusp/internal/decide"
	"cusp/internal/handoff"
	"cusp/internal/lead"
)

// Types are the types of messages.
func Types() []string {
	return []string{
		"handoff.assigned", "handoff.warning", "handoff.breach", "handoff.escalated", "handoff.reassigned",
		"handoff.returned", "handoff.answered", "destination.disabled", "destination.failing",
	}
}

// Told is a handoff as programs get it. It is part of the public contract.
type Told struct {
	Event       string `json:"event"`
	Handoff     int64  `json:"handoff"`
	Person      string `json:"person"`
	Email       string `json:"email,omitempty"`
	Account     string `json:"account,omitempty"`
	State       string `json:"state"`
	Decision    string `json:"decision"`
	Track       string `json:"track"`
	Team        string `json:"team,omitempty"`
	Owner       string `json:"owner,omitempty"`
	OpenedAt    string `json:"opened_at,omitempty"`
	AssignedAt  string `json:"assigned_at,omitempty"`
	DueAt       string `json:"due_at,omitempty"`
	ContactedAt string `json:"contacted_at,omitempty"`
	ClosedAt    string `json:"closed_at,omitempty"`
	Reason      string `json:"reason,omitempty"`
	Barrier     string `json:"barrier,omitempty"`
	RecycleAt   string `json:"recycle_at,omitempty"`
	Attempts    int    `json:"attempts"`
	Breach      string `json:"breach,omitempty"`
	Version     int    `json:"playbook_version"`
}

func told(n *handoff.Notice) Told {
	h := &n.Handoff
	t := Told{
		Event: n.On, Handoff: int64(h.ID), Person: h.Person.String(), Email: trait(h.Facts.Person, "email"), State: string(h.State),
		Decision: string(h.Decision), Track: string(h.Track), Team: string(h.Team), Owner: string(h.Owner), OpenedAt: iso(h.OpenedAt),
		AssignedAt: iso(h.AssignedAt), DueAt: iso(h.DueAt), ContactedAt: iso(h.ContactedAt), ClosedAt: iso(h.ClosedAt), Reason: h.Reason,
		Barrier: string(h.Barrier), RecycleAt: iso(h.RecycleAt), Attempts: h.Attempts, Breach: string(h.Breach), Version: h.Version,
	}
	if h.Account != 0 {
		t.Account = h.Account.String()
	}
	return t
}

// Tell says what the desk noticed: to those whom the playbook names, to the destinations that want it, and
// to whoever watches.
func (a *Alerts) Tell(tx *db.Tx, n handoff.Notice) error {
	data, err := json.Marshal(told(&n))
	if err != nil {
		return fmt.Errorf("tell of handoff: %w", err)
	}
	plan, _ := a.o.Plan()
	m := Message{
		Key: "handoff/" + n.Key, Type: "handoff." + n.On, At: n.At, Urgent: n.Handoff.Track == decide.TrackInbound,
		Title: title(&n), Lines: lines(&n), Facts: facts(&n), Path: fmt.Sprintf("/handoffs/%d", n.Handoff.ID), Data: data,
		Quiet: Quiet{From: plan.Quiet.From, To: plan.Quiet.To},
	}
	if n.Handoff.State == handoff.Open {
		m.Handoff = int64(n.Handoff.ID)
		for _, r := range plan.Reasons {
			m.Reasons = append(m.Reasons, Choice{Code: r.Code, Label: r.Label})
		}
	}
	if m.To, err = a.named(tx, plan, &n); err != nil {
		return err
	}
	if err := a.Send(tx, m); err != nil {
		return err
	}
	tx.OnCommit(func() { a.feed.Publish("handoff", data) })
	return nil
}

// named are those whom the playbook names for a notice.
func (a *Alerts) named(tx *db.Tx, plan *handoff.Plan, n *handoff.Notice) ([]Recipient, error) {
	var to []Recipient
	for _, alert := range plan.Alerts {
		if !slices.Contains(alert.On, n.On) || len(alert.Tracks) > 0 && !slices.Contains(alert.Tracks, n.Handoff.Track) {
			continue
		}
		r := Recipient{Name: alert.Destination}
		switch alert.Destination {
		case "owner":
			r.Name = string(n.Handoff.Owner)
			if r.Name == "" {
				r.Name = manager(plan, n)
			}
		case "manager":
			r.Name = manager(plan, n)
		}
		if strings.Contains(r.Name, "@") && a.o.Zone != nil {
			zone, err := a.o.Zone(tx, r.Name)
			if err != nil {
				return nil, err
			}
			r.Zone = zone
		}
		to = append(to, r)
	}
	return to, nil
}

func manager(plan *handoff.Plan, n *handoff.Notice) string {
	for _, t := range plan.Teams {
		if t.ID == string(n.Handoff.Team) && t.Manager != "" {
			return t.Manager
		}
	}
	return plan.Manager
}

// title says what happened to whom.
func title(n *handoff.Notice) string {
	who := who(n)
	switch n.On {
	case "assigned":
		if n.Handoff.Track == decide.TrackInbound {
			return who + " asks to talk to sales"
		}
		return who + " is ready for sales"
	case "reassigned":
		return who + " is yours now"
	case "warning":
		return who + " is still waiting"
	case "breach":
		return who + " was not contacted in time"
	case "escalated":
		return who + " was not contacted: please step in"
	case "returned":
		return who + " goes back to marketing"
	case "answered":
		return who + ": " + string(n.Handoff.State)
	}
	return who + ": " + n.On
}

// who names the lead and the company, as far as they are known.
func who(n *handoff.Notice) string {
	p := n.Handoff.Facts.Person
	name := trait(p, "name", "full_name", "fullName")
	if name == "" {
		name = strings.TrimSpace(trait(p, "first_name", "firstName") + " " + trait(p, "last_name", "lastName"))
	}
	if name == "" {
		name = trait(p, "email")
	}
	if name == "" {
		name = "A lead"
	}
	company := trait(n.Handoff.Facts.Account, "name", "domain")
	if company == "" {
		company = trait(p, "company")
	}
	if company != "" {
		name += " (" + company + ")"
	}
	return name
}

// maxTrait is the longest text of a trait in a message, in bytes.
const maxTrait = 120

// trait is the first of some traits that is a text.
func trait(traits map[string]any, names ...string) string {
	for _, name := range names {
		if s, ok := traits[name].(string); ok && strings.TrimSpace(s) != "" {
			s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "")), " ")
			if len(s) > maxTrait {
				s = strings.ToValidUTF8(s[:maxTrait], "") + "…"
			}
			return s
		}
	}
	return ""
}

// mostReasons is how many reasons stand in a message; the context pack has them all.
const mostReasons = 3

// lines are why now, what they wrote, and why a lead comes back.
func lines(n *handoff.Notice) []string {
	var all []string
	var p struct {
		Why  []string `json:"why"`
		Said []struct {
			Text string `json:"text"`
		} `json:"said"`
	}
	if err := json.Unmarshal(n.Handoff.Pack, &p); err == nil { // without a pack the facts have to do
		all = append(all, p.Why[:min(len(p.Why), mostReasons)]...)
		if len(p.Said) > 0 {
			all = append(all, "“"+p.Said[0].Text+"”")
		}
	}
	if n.Handoff.Note != "" && n.On == "answered" {
		all = append(all, n.Handoff.Note)
	}
	return all
}

func facts(n *handoff.Notice) []Fact {
	h := &n.Handoff
	all := []Fact{
		{Name: "E-mail", Text: trait(h.Facts.Person, "email")}, {Name: "Title", Text: trait(h.Facts.Person, "title", "job_title")},
		{Name: "Owner", Text: string(h.Owner)}, {Name: "Team", Text: string(h.Team)}, {Name: "First contact due", At: h.DueAt},
		{Name: "Reason", Text: h.Reason}, {Name: "Comes back", At: h.RecycleAt},
	}
	return slices.DeleteFunc(all, func(f Fact) bool { return f.Text == "" && f.At == 0 })
}

// iso is a time for programs; empty when there is none.
func iso(at lead.Instant) string {
	if at == 0 {
		return ""
	}
	return at.String()
}
