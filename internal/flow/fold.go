package flow

import (
	"cusp/internal/identity"
	"cusp/internal/ingest"
	"cusp/internal/lead"
)

// Fold folds a history into a new or reset lead. The timeline is in fold order; an account's facts take
// effect at their own time. What happened after until is left out, as if nobody knew of it yet.
func (f *Folder) Fold(l *Lead, timeline []ingest.Stored, facts []identity.Fact, until lead.Instant) {
	for len(timeline) > 0 && timeline[len(timeline)-1].Event.Time > until {
		timeline = timeline[:len(timeline)-1]
	}
	verdicts := f.guard.Quarantine(&l.Recent, len(timeline), func(i int) *lead.Event { return &timeline[i].Event })
	company := map[string]any{}
	next := 0
	catchUp := func(at lead.Instant) {
		first := next
		for next < len(facts) && facts[next].At <= at {
			identity.ApplyAccount(company, facts[next])
			next++
		}
		if next > first {
			f.Company(l, company, facts[next-1].At)
		}
	}
	for i := range timeline {
		ev := &timeline[i].Event
		catchUp(ev.Time)
		f.Step(l, ev, verdicts[i])
	}
	catchUp(until)
}
