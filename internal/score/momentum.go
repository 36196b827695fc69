package score

import (
	"cusp/internal/lead"
	"cusp/internal/playbook"
)

// Momentum says where a lead is heading.
type Momentum string

// The momenta. Steady is also the answer for a lead that has done next to nothing.
const (
	Warming Momentum = "warming"
	Steady  Momentum = "steady"
	Cooling Momentum = "cooling"
)

// The short average of points must leave the long one by a quarter before a lead counts as warming or
// cooling; under one point of long average there is nothing to compare.
const (
	warmingRatio = 1.25
	coolingRatio = 0.8
	leastPoints  = 1.0
)

func (s *State) addMomentum(p *playbook.Playbook, points float64, at lead.Instant) {
	if s.SumAt != 0 {
		s.FastSum *= decay(at.Seconds(s.SumAt), p.Momentum.Fast)
		s.SlowSum *= decay(at.Seconds(s.SumAt), p.Momentum.Slow)
	}
	s.FastSum += points
	s.SlowSum += points
	s.SumAt = at
}

// Momentum compares the rate at which first-party points come in under a short and under a long
// half-life, as a moving-average crossover does. For a steady stream of points both rates are equal.
func (s *State) Momentum(p *playbook.Playbook, now lead.Instant) Momentum {
	if s.SumAt == 0 {
		return Steady
	}
	slow := s.SlowSum * decay(now.Seconds(s.SumAt), p.Momentum.Slow)
	if slow < leastPoints {
		return Steady
	}
	fast := s.FastSum * decay(now.Seconds(s.SumAt), p.Momentum.Fast)
	switch ratio := (fast / p.Momentum.Fast) / (slow / p.Momentum.Slow); {
	case ratio >= warmingRatio:
		return Warming
	case ratio <= coolingRatio:
		return Cooling
	}
	return Steady
}

// Serious says whether what a lead did in the window before now goes beyond curiosity: one buying
// signal, or several distinct evaluation or usage signals, all first-party.
func (s *State) Serious(p *playbook.Playbook, now lead.Instant) bool {
	distinct := 0
	for i := range s.Signals {
		def, sig := &p.Signals[i], &s.Signals[i]
		if sig.Counted == 0 || !Decisive(def) || now.Seconds(sig.Last) >= p.Momentum.SeriousWithin {
			continue
		}
		if def.Class == playbook.Buying {
			return true
		}
		distinct++
	}
	return distinct >= p.Momentum.SeriousCount
}
