package quality

import (
	"fmt"
	"slices"

	"cusp/internal/decide"
	"cusp/internal/flow"
	"cusp/internal/ingest"
	"cusp/internal/lead"
)

// wants says whether a decision asks for sales, as package handoff does.
func wants(d decide.Decision) bool { return d == decide.Engage || d == decide.Review }

// chosen are the leads that the product gives to sales: whom it decides to engage or to have reviewed, as
// soon as there is an address. A rejection goes back into the fold.
func (c *company) chosen(f *flow.Folder) []handover {
	var all []handover
	for _, l := range c.lives {
		timeline := l.timeline
		for at := c.first(f, l, timeline, 0); at != 0; {
			all = append(all, handover{l, at})
			answer := at.Add(answerAfter)
			if l.serious(at) || answer > c.end {
				break
			}
			timeline = answered(timeline, answer)
			at = c.first(f, l, timeline, answer)
		}
	}
	return all
}

// answered is a timeline with a rejection by sales.
func answered(timeline []ingest.Stored, at lead.Instant) []ingest.Stored {
	timeline = append(slices.Clone(timeline), ingest.Stored{Event: lead.Event{
		Type: lead.Answered, Flags: lead.Trusted, MessageID: fmt.Sprint("answer-", at), Name: "rejected",
		Time: at, ReceivedAt: at, Body: []byte("{}"),
	}})
	slices.SortFunc(timeline, func(a, b ingest.Stored) int { return a.Event.Compare(&b.Event) })
	return timeline
}

// first is when the lead is given to sales for the first time after an instant; 0 for never. Somebody who
// is wanted before anybody knows who it is, is given when that is known.
func (c *company) first(f *flow.Folder, l *life, timeline []ingest.Stored, after lead.Instant) (at lead.Instant) {
	since := lead.Never // since when the lead is wanted, while nobody knows who it is
	f.OnChange(func(x flow.Change) {
		if at == 0 && since < l.known && l.known <= x.At {
			at = l.known
		}
		if at != 0 {
			return
		}
		switch {
		case !wants(x.To.Decision):
			since = lead.Never
		case x.At > after && x.At >= l.known:
			at = x.At
		case x.At > after:
			since = min(since, x.At)
		}
	})
	f.Fold(flow.NewLead(f.Playbook()), timeline, l.facts, c.end)
	if at == 0 && since < l.known && l.known <= c.end {
		return l.known
	}
	return at
}

// unanswered are those who raised a hand and got no answer on the spot: neither a call nor, where the
// company is known not to fit, a friendly one without. The second number are those who got the latter.
func (c *company) unanswered(f *flow.Folder) (missed, deflected int) {
	for _, l := range c.lives {
		if l.raised == 0 {
			continue
		}
		x := flow.ExplainFacts(f.Playbook(), l.timeline, l.facts, l.raised)
		switch {
		case x.Decision == decide.Deflect && x.Fit.Known:
			deflected++
		case !wants(x.Decision) || x.Track != decide.TrackInbound:
			missed++
		}
	}
	return missed, deflected
}
