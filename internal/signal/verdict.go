package signal

import (
	"cusp/internal/ingest"
	"cusp/internal/lead"
	"cusp/internal/playbook"
)

// Verdict says whether an event is kept out as false intent, and why.
type Verdict struct {
	Quarantined bool
	Reason      string
}

// Quarantine judges every event of a person's whole timeline, in fold order.
func Quarantine(p *playbook.Playbook, timeline []ingest.Stored) []Verdict {
	out := make([]Verdict, len(timeline))
	for i := range timeline {
		out[i] = judgeAlone(p, &timeline[i].Event)
	}
	return out
}

// Ring is what the live fold remembers of a lead's recent events, so that it can judge the next one.
type Ring struct{}

// Judge judges an event that follows the others of its person; settled is false when the event changes
// what was thought of earlier ones or needs more than the ring holds: then the lead is folded again.
func (r *Ring) Judge(p *playbook.Playbook, e *lead.Event) (v Verdict, settled bool) {
	return judgeAlone(p, e), true
}

func judgeAlone(_ *playbook.Playbook, e *lead.Event) Verdict {
	if e.Flags.Has(lead.Bot) {
		return Verdict{true, "robot by its user agent"}
	}
	return Verdict{}
}
