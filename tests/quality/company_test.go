// Package quality measures what the product is for: on a simulated company whose truth is known, how many
// calls of sales it takes to win a deal, and how soon somebody who turned serious is handed over; beside a
// points model that blends everything, tuned on the very same data.
package quality

import (
	"cmp"
	"fmt"
	"slices"
	"testing"

	"cusp/internal/canon"
	"cusp/internal/identity"
	"cusp/internal/ingest"
	"cusp/internal/lead"
	"cusp/internal/signal"
	"cusp/internal/sim"
)

// life is one person of the company: what was seen of them, and what is true.
type life struct {
	truth    sim.Truth
	messages []sim.Message   // as sent, without repetitions, by time
	timeline []ingest.Stored // what the log would hold, in fold order
	facts    []identity.Fact // of the account
	company  map[string]any  // what is known of the account in the end
	title    string
	known    lead.Instant // first identified; lead.Never when never
	raised   lead.Instant // the first raised hand that was sent, by somebody serious; 0 for none
}

// serious says whether a call at an instant reaches somebody who means it.
func (l *life) serious(at lead.Instant) bool {
	return l.truth.SeriousAt != 0 && at >= l.truth.SeriousAt
}

// company is everybody, and what each buying group would buy.
type company struct {
	lives []*life
	deals map[int]bool // groups with somebody who would buy
	end   lead.Instant // of the last message
}

// sources of the messages, as the log numbers them.
const (
	website lead.SourceID = 1
	backEnd lead.SourceID = 2
)

func newCompany(t testing.TB, cfg sim.Config) *company {
	t.Helper()
	c := &company{deals: map[int]bool{}}
	s := sim.New(cfg)
	tree := &canon.Tree{}
	seen := map[string]bool{}
	accounts := map[string][]identity.Fact{}
	for m, ok := s.Next(); ok; m, ok = s.Next() {
		if seen[m.ID] {
			continue
		}
		seen[m.ID] = true
		c.end = max(c.end, m.At)
		for len(c.lives) <= m.Person {
			c.lives = append(c.lives, &life{known: lead.Never})
		}
		l := c.lives[m.Person]
		e := stored(t, tree, &m)
		l.timeline = append(l.timeline, ingest.Stored{Event: e})
		if e.Type == lead.Group {
			accounts[m.GroupID] = append(accounts[m.GroupID], factOf(t, &e))
		}
		l.messages = append(l.messages, m)
	}
	for i, truth := range s.Truth()[:len(c.lives)] {
		c.lives[i].finish(truth, accounts[truth.Domain])
		if truth.WouldBuy {
			c.deals[truth.Group] = true
		}
	}
	return c
}

// stored reads a message as the tracking API and the committer do.
func stored(t testing.TB, tree *canon.Tree, m *sim.Message) lead.Event {
	t.Helper()
	root, err := tree.Parse(m.AppendJSON(nil))
	if err != nil {
		t.Fatal(err)
	}
	source := website
	if m.Server {
		source = backEnd
	}
	r := ingest.Reader{
		Batch: ingest.Batch{Source: source, ReceivedAt: m.Arrival}, Trusted: m.Server, Tree: tree,
		NewID: func() string { return "" },
	}
	r.Message(root, 0)
	if len(r.Events) == 0 {
		t.Fatalf("the message %s is rejected: %+v", m.ID, r.Rejected)
	}
	signal.Mark(&r.Events[0])
	return r.Events[0]
}

func factOf(t testing.TB, e *lead.Event) identity.Fact {
	t.Helper()
	traits, err := canon.Decode(canon.Lookup(e.Body, "traits"))
	if err != nil {
		t.Fatal(err)
	}
	return identity.Fact{At: e.Time, MessageID: e.MessageID, Trusted: e.Flags.Has(lead.Trusted), Traits: identity.AccountTraits(traits)}
}

func (l *life) finish(truth sim.Truth, facts []identity.Fact) {
	l.truth = truth
	l.facts = slices.Clone(facts)
	slices.SortFunc(l.facts, func(a, b identity.Fact) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.MessageID, b.MessageID))
	})
	slices.SortStableFunc(l.messages, func(a, b sim.Message) int { return cmp.Compare(a.At, b.At) })
	slices.SortFunc(l.timeline, func(a, b ingest.Stored) int { return a.Event.Compare(&b.Event) })
	l.company = map[string]any{}
	for _, f := range l.facts {
		identity.ApplyAccount(l.company, f)
	}
	for i := range l.messages {
		m := &l.messages[i]
		if m.Type == lead.Identify {
			l.known = min(l.known, m.At)
			if j := slices.IndexFunc(m.Fields, func(f sim.Field) bool { return f.Key == "title" }); j >= 0 {
				l.title = m.Fields[j].Text
			}
		}
		if l.raised == 0 && l.serious(m.At) && (m.Name == "Demo Requested" || m.Name == "Form Submitted") {
			l.raised = m.At
		}
	}
}

func (c *company) String() string {
	messages, leads, ready := 0, 0, 0
	for _, l := range c.lives {
		messages += len(l.messages)
		if l.known != lead.Never {
			leads++
			if l.truth.SeriousAt != 0 && l.truth.SeriousAt <= c.end {
				ready++
			}
		}
	}
	return fmt.Sprintf("%d messages of %d people; %d leads, %d of them turned serious, in %d groups that would buy",
		messages, len(c.lives), leads, ready, len(c.deals))
}
