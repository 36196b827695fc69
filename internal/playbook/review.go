package playbook

import "cusp/internal/lead"

// ReviewDue is the instant from which the criteria of a playbook published at some instant are overdue
// for review. The checker knows no clock, so whoever has one compares.
func (p *Playbook) ReviewDue(published lead.Instant) lead.Instant {
	return published.Add(p.ReviewEvery)
}
