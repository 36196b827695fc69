package playbook

import "cusp/internal/condition"

// CountWindows is the largest window in seconds over which any condition counts a signal; 0 when none
// does. Occurrence times of other signals need not be kept.
func (p *Playbook) CountWindows(signal int) float64 {
	largest := 0.0
	for c := range p.conditions() {
		for _, u := range c.Signals() {
			if u.Signal == signal {
				largest = max(largest, u.Window)
			}
		}
	}
	return largest
}

// conditions yields every condition of the playbook in document order.
func (p *Playbook) conditions() func(yield func(*condition.Condition) bool) {
	return func(yield func(*condition.Condition) bool) {
		for i := range p.Exclude {
			if c := p.Exclude[i].When; c != nil && !yield(c) {
				return
			}
		}
		for i := range p.Fit.Criteria {
			for j := range p.Fit.Criteria[i].Rules {
				if c := p.Fit.Criteria[i].Rules[j].When; c != nil && !yield(c) {
					return
				}
			}
		}
		for i := range p.Signals {
			if c := p.Signals[i].Where; c != nil && !yield(c) {
				return
			}
		}
	}
}
