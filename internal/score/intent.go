package score

import (
	"math"

	"cusp/internal/lead"
	"cusp/internal/playbook"
)

// Intent is what a lead does, as a number, with the parts that add up to it.
type Intent struct {
	Score      float64                      // held to 0…100
	Classes    [playbook.NumClasses]float64 // first-party sums per class, after the class's cap
	ThirdParty float64                      // third-party sum of all classes, after its cap
	Trusted    bool                         // a first-party evaluation, buying or usage signal is recent enough
}

// sums adds the signals up per class, uncapped, in playbook order. Positive and negative points are
// kept apart, because each of the two falls or rises steadily with time.
type sums struct {
	up, down           [playbook.NumClasses]float64
	thirdUp, thirdDown float64
}

func (s *State) sums(p *playbook.Playbook, now lead.Instant) (t sums) {
	for i := range s.Signals {
		if s.Signals[i].Counted == 0 {
			continue
		}
		def, worth := &p.Signals[i], s.Worth(p, i, now)
		switch {
		case def.ThirdParty && worth >= 0:
			t.thirdUp += worth
		case def.ThirdParty:
			t.thirdDown += worth
		case worth >= 0:
			t.up[def.Class] += worth
		default:
			t.down[def.Class] += worth
		}
	}
	return t
}

// total applies the caps and adds up, in the order of the classes and third party last.
func total(p *playbook.Playbook, classes *[playbook.NumClasses]float64, third *float64) float64 {
	sum := 0.0
	for c := range classes {
		classes[c] = math.Min(classes[c], p.Intent.Caps[c])
		sum += classes[c]
	}
	*third = math.Min(*third, p.Intent.ThirdPartyCap)
	return math.Max(0, math.Min(100, sum+*third))
}

// Intent is the intent score at an instant not before the last event.
func (s *State) Intent(p *playbook.Playbook, now lead.Instant) Intent {
	t := s.sums(p, now)
	var in Intent
	for c := range in.Classes {
		in.Classes[c] = t.up[c] + t.down[c]
	}
	in.ThirdParty = t.thirdUp + t.thirdDown
	in.Score = total(p, &in.Classes, &in.ThirdParty)
	last := s.LastFirstParty(p)
	in.Trusted = last != 0 && now.Seconds(last) < p.Intent.FirstPartyWithin
	return in
}

// Bounds are the least and the most that the intent score can be anywhere in [from, to] if nothing
// happens in between: positive parts only fall, negative parts only rise.
func (s *State) Bounds(p *playbook.Playbook, from, to lead.Instant) (least, most float64) {
	early, late := s.sums(p, from), s.sums(p, to)
	var low, high [playbook.NumClasses]float64
	for c := range low {
		low[c], high[c] = late.up[c]+early.down[c], early.up[c]+late.down[c]
	}
	lowThird, highThird := late.thirdUp+early.thirdDown, early.thirdUp+late.thirdDown
	return total(p, &low, &lowThird), total(p, &high, &highThird)
}

// Decisive says whether a signal may by itself make a lead trusted: first-party evaluation, buying or
// usage.
func Decisive(def *playbook.Signal) bool {
	return !def.ThirdParty && (def.Class == playbook.Evaluation || def.Class == playbook.Buying || def.Class == playbook.Usage)
}

// LastFirstParty is the last counted first-party evaluation, buying or usage signal; 0 for none.
func (s *State) LastFirstParty(p *playbook.Playbook) lead.Instant {
	var last lead.Instant
	for i := range s.Signals {
		if s.Signals[i].Counted > 0 && s.Signals[i].Last > last && Decisive(&p.Signals[i]) {
			last = s.Signals[i].Last
		}
	}
	return last
}

// LastBuying is the last counted first-party buying signal; 0 for none.
func (s *State) LastBuying(p *playbook.Playbook) lead.Instant {
	var last lead.Instant
	for i := range s.Signals {
		def := &p.Signals[i]
		if s.Signals[i].Counted > 0 && s.Signals[i].Last > last && def.Class == playbook.Buying && !def.ThirdParty {
			last = s.Signals[i].Last
		}
	}
	return last
}

// LastInbound is the last counted raised hand; 0 for none.
func (s *State) LastInbound(p *playbook.Playbook) lead.Instant {
	var last lead.Instant
	for i := range s.Signals {
		if s.Signals[i].Counted > 0 && s.Signals[i].Last > last && p.Signals[i].Inbound {
			last = s.Signals[i].Last
		}
	}
	return last
}

// Declining says whether the intent score can only fall until the next event: nothing negative is left
// that could fade.
func (s *State) Declining() bool {
	for i := range s.Signals {
		if s.Signals[i].Value < 0 {
			return false
		}
	}
	return true
}
