package flow

import (
	"context"
	"fmt"
	"slices"

	"cusp/internal/canon"
	"cusp/internal/db"
	"cusp/internal/fault"
	"cusp/internal/identity"
	"cusp/internal/ingest"
	"cusp/internal/lead"
	"cusp/internal/playbook"
)

// noPlaybook is what every question about decisions answers before the first playbook is published.
func noPlaybook() error {
	return fault.New(fault.Conflict, "No playbook is published yet, so nothing is decided.").
		WithCode("no_playbook").WithHint("Publish one: cusp playbook publish FILE.")
}

// facts is all that a person's fold needs.
type facts struct {
	person   lead.PersonID
	account  lead.AccountID
	timeline []ingest.Stored
	company  []identity.Fact
}

// readFacts finds a person and reads its facts, also those that are not laid down yet: to explain one
// person is no reason to lay down what everybody did. The transaction must not have read anything before.
func (e *Engine) readFacts(tx *db.Tx, ref string) (facts, error) {
	person, profiles, waiting, err := e.find(tx, ref)
	if err != nil {
		return facts{}, err
	}
	out := facts{person: person}
	if out.timeline, err = ingest.Timeline(tx, profiles); err != nil {
		return out, err
	}
	if len(waiting) > 0 {
		out.timeline = append(out.timeline, waiting...)
		slices.SortFunc(out.timeline, func(a, b ingest.Stored) int { return a.Event.Compare(&b.Event) })
	}
	return out, out.employer(tx)
}

// find begins the transaction's view of the database and takes what waits to be laid down at the same
// instant: no commit and no settle comes between the two.
func (e *Engine) find(tx *db.Tx, ref string) (lead.PersonID, []lead.ProfileID, []ingest.Stored, error) {
	e.writing.Lock()
	defer e.writing.Unlock()
	person, err := identity.Find(tx, ref)
	if err != nil {
		return 0, nil, nil, err
	}
	profiles, err := identity.Profiles(tx, person)
	if err != nil {
		return 0, nil, nil, err
	}
	ids := profileIDs(profiles)
	return person, ids, e.store.Tail(ids), nil
}

// factsOf reads a person's facts as they are laid down.
func factsOf(tx *db.Tx, person lead.PersonID) (facts, error) {
	out := facts{person: person}
	profiles, err := identity.Profiles(tx, person)
	if err != nil {
		return out, err
	}
	if out.timeline, err = ingest.Timeline(tx, profileIDs(profiles)); err != nil {
		return out, err
	}
	return out, out.employer(tx)
}

// employer finds the account of the history and its facts.
func (f *facts) employer(tx *db.Tx) (err error) {
	key := accountKey(f.timeline)
	if f.account, err = identity.AccountOf(tx, key.GroupID, key.EmailDomain); err != nil || f.account == 0 {
		return err
	}
	f.company, err = identity.AccountFacts(tx, f.account)
	return err
}

// Explain answers what to do now about a person, and why; with another instant, what the answer was
// then: by what had happened up to it, judged by the playbook in force now.
func (e *Engine) Explain(ctx context.Context, ref string, at lead.Instant) (Explanation, error) {
	pub := e.current.Load()
	if pub == nil {
		return Explanation{}, noPlaybook()
	}
	if at == 0 {
		at = e.instant()
	}
	var x Explanation
	err := e.db.Read(ctx, func(tx *db.Tx) error {
		known, err := e.readFacts(tx, ref)
		if err != nil {
			return err
		}
		x = explainFacts(pub.Playbook, known.timeline, known.company, at)
		x.Person.ID, x.Playbook.Version = known.person.String(), pub.Version
		if x.Events == 0 {
			return nil
		}
		x.Account, err = accountRef(tx, known.account)
		return err
	})
	if err != nil {
		return Explanation{}, fmt.Errorf("explain: %w", err)
	}
	return x, nil
}

// ExplainFacts folds a history under a playbook and explains where it stands at an instant. It touches
// no database: cases and previews use it.
func ExplainFacts(p *playbook.Playbook, timeline []ingest.Stored, company []identity.Fact, at lead.Instant) Explanation {
	return explainFacts(p, timeline, company, at)
}

func explainFacts(p *playbook.Playbook, timeline []ingest.Stored, company []identity.Fact, at lead.Instant) Explanation {
	f := NewFolder(p)
	f.trace = newTrace(p)
	l := NewLead(p)
	f.Fold(l, timeline, company, at)
	return f.explain(l, at)
}

func accountRef(tx *db.Tx, id lead.AccountID) (*AccountRef, error) {
	if id == 0 {
		return nil, nil
	}
	facts, err := identity.AccountFacts(tx, id)
	if err != nil {
		return nil, err
	}
	traits := map[string]any{}
	for _, fact := range facts {
		identity.ApplyAccount(traits, fact)
	}
	name, _ := traits["name"].(string)
	domain, _ := traits["domain"].(string)
	return &AccountRef{ID: id.String(), Name: name, Domain: domain}, nil
}

// Happening is one line of a person's timeline.
type Happening struct {
	MessageID  string         `json:"message_id"`
	Type       string         `json:"type"`
	Name       string         `json:"name"`
	Path       string         `json:"path"`
	At         string         `json:"at" format:"date-time"`
	ReceivedAt string         `json:"received_at" format:"date-time"`
	Signals    []string       `json:"signals" doc:"Signals that were counted."`
	Repeats    []string       `json:"repeats" doc:"Signals that were raised again too soon to count."`
	Turned     bool           `json:"turned_serious"`
	Quarantine string         `json:"quarantine" doc:"Why the event raised nothing; empty when it was heard."`
	Notes      []string       `json:"notes" doc:"What was corrected: clock_skew, bad_timestamp, unscored."`
	Properties map[string]any `json:"properties"`
}

// Timeline lists what a person did, newest first, before the position given; the zero position begins at
// the newest.
func (e *Engine) Timeline(ctx context.Context, ref string, before Position, limit int) ([]Happening, Position, error) {
	pub := e.current.Load()
	if pub == nil {
		return nil, Position{}, noPlaybook()
	}
	var out []Happening
	var next Position
	err := e.db.Read(ctx, func(tx *db.Tx) error {
		known, err := e.readFacts(tx, ref)
		if err != nil {
			return err
		}
		f := NewFolder(pub.Playbook)
		f.trace = newTrace(pub.Playbook)
		f.Fold(NewLead(pub.Playbook), known.timeline, known.company, lead.Never)
		out, next = page(f, known.timeline, before, limit)
		return nil
	})
	if err != nil {
		return nil, Position{}, fmt.Errorf("read timeline: %w", err)
	}
	return out, next, nil
}

func page(f *Folder, timeline []ingest.Stored, before Position, limit int) ([]Happening, Position) {
	noted := make(map[string]*Noted, len(f.trace.Events))
	for i := range f.trace.Events {
		noted[f.trace.Events[i].MessageID] = &f.trace.Events[i]
	}
	out := []Happening{}
	for i := len(timeline) - 1; i >= 0; i-- {
		ev := &timeline[i].Event
		if before.Time != 0 && !behind(ev, before) {
			continue
		}
		if len(out) == limit {
			last := &timeline[i+1].Event
			return out, Position{last.Time, last.MessageID, last.Source}
		}
		out = append(out, happening(f.p, ev, noted[ev.MessageID]))
	}
	return out, Position{}
}

// behind says whether an event lies before the position in fold order.
func behind(e *lead.Event, p Position) bool {
	return e.Compare(&lead.Event{Time: p.Time, MessageID: p.MessageID, Source: p.Source}) < 0
}

func happening(p *playbook.Playbook, ev *lead.Event, n *Noted) Happening {
	h := Happening{
		MessageID: ev.MessageID, Type: ev.Type.String(), Name: ev.Name, Path: ev.Path,
		At: ev.Time.String(), ReceivedAt: ev.ReceivedAt.String(), Signals: []string{}, Repeats: []string{}, Notes: notes(ev.Flags),
	}
	if body, err := canon.Decode(ev.Body); err == nil {
		h.Properties, _ = body["properties"].(map[string]any)
	}
	if n == nil {
		return h
	}
	h.Turned, h.Quarantine = n.Turned, n.Quarantine
	for _, r := range n.Signals {
		if r.Counted {
			h.Signals = append(h.Signals, p.Signals[r.Signal].ID)
		} else {
			h.Repeats = append(h.Repeats, p.Signals[r.Signal].ID)
		}
	}
	return h
}

func notes(fl lead.Flags) []string {
	out := []string{}
	for _, x := range [...]struct {
		flag lead.Flags
		name string
	}{{lead.ClockSkew, "clock_skew"}, {lead.BadTimestamp, "bad_timestamp"}, {lead.Unscored, "unscored"}, {lead.Bot, "bot"}} {
		if fl.Has(x.flag) {
			out = append(out, x.name)
		}
	}
	return out
}

func profileIDs(profiles []identity.Profile) []lead.ProfileID {
	ids := make([]lead.ProfileID, len(profiles))
	for i := range profiles {
		ids[i] = profiles[i].ID
	}
	return ids
}
