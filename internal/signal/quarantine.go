package signal

import (
	"net/netip"

	"cusp/internal/ingest"
	"cusp/internal/lead"
	"cusp/internal/playbook"
)

// Verdict says whether an event is kept out as false intent, and why.
type Verdict struct {
	Quarantined bool
	Reason      string // for people; also set where a person overruled the machine
}

// reason is why an event is kept out; none is not kept out. Its numbers are stored in rings.
type reason uint8

const (
	none reason = iota
	robotAgent
	proxyOpen
	prefetched
	hiddenLink
	linkBurst
	linkStorm
	tooSoon // after delivery
	formTooFast
	formTrap
	formStorm
	pageStorm
	insider
	saidBot
	saidHuman
)

var reasons = [...]string{
	none:        "",
	robotAgent:  "robot: by its user agent, or one of many forms from one network",
	proxyOpen:   "a mail program's proxy opened it, not a person",
	prefetched:  "fetched ahead by a program, not clicked",
	hiddenLink:  "link scanner: followed a link that people cannot see",
	linkBurst:   "link scanner: many links of one mail within seconds",
	linkStorm:   "link scanner: the same link again and again within seconds",
	tooSoon:     "link scanner: clicked within seconds of delivery",
	formTooFast: "form sent faster than anybody can fill it in",
	formTrap:    "a form field that people cannot see was filled in",
	formStorm:   "many forms within a minute",
	pageStorm:   "more pages at once than anybody can open",
	insider:     "the company's own traffic",
	saidBot:     "marked as a robot by a person",
	saidHuman:   "marked as human by a person",
}

func (r reason) verdict() Verdict {
	return Verdict{Quarantined: r != none && r != saidHuman, Reason: reasons[r]}
}

// Guard judges events under one playbook. It is immutable and safe for concurrent use.
type Guard struct {
	domains map[string]bool
	nets    []netip.Prefix
}

// NewGuard reads whom the playbook calls internal. Entries that are no addresses are left out: the
// playbook's checker refuses them.
func NewGuard(p *playbook.Playbook) *Guard {
	g := &Guard{domains: map[string]bool{}}
	if p == nil {
		return g
	}
	for _, d := range p.Internal.Domains {
		g.domains[lowerASCII(d)] = true
	}
	for _, ip := range p.Internal.IPs {
		if prefix, err := netip.ParsePrefix(ip); err == nil {
			g.nets = append(g.nets, prefix.Masked())
		} else if addr, err := netip.ParseAddr(ip); err == nil {
			g.nets = append(g.nets, netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen()))
		}
	}
	return g
}

// Quarantine judges every event of a person's whole timeline, in fold order.
func Quarantine(p *playbook.Playbook, timeline []ingest.Stored) []Verdict {
	return NewGuard(p).Quarantine(&Ring{}, len(timeline), func(i int) *lead.Event { return &timeline[i].Event })
}

// Quarantine judges the n events of a person's whole timeline, in fold order, and leaves in the ring,
// which it empties first, what [Guard.Judge] must remember to judge the next event.
func (g *Guard) Quarantine(r *Ring, n int, at func(int) *lead.Event) []Verdict {
	r.Reset()
	verdicts := make([]reason, n)
	var said map[string]reason
	for i := range n {
		e := at(i)
		if e.Type == lead.Verdict {
			said = overrule(said, e)
			continue
		}
		f := g.facts(e)
		r.add(&f, func(back int, why reason) { verdicts[i-back] = why })
	}
	out := make([]Verdict, n)
	for i := range n {
		why := verdicts[i]
		e := at(i)
		if r.insider && e.Type != lead.Verdict && e.Type != lead.Answered {
			why = insider
		}
		if s := said[e.MessageID]; s != none && e.Type != lead.Verdict {
			why = s
		}
		out[i] = why.verdict()
	}
	return out
}

// overrule notes what a person said of an event; the last word counts.
func overrule(said map[string]reason, e *lead.Event) map[string]reason {
	if said == nil {
		said = map[string]reason{}
	}
	switch e.Name {
	case "bot":
		said[e.PreviousID] = saidBot
	case "human":
		said[e.PreviousID] = saidHuman
	}
	return said
}

// Judge judges an event that follows all others of its person, and remembers it. settled is false when
// the event changes what was thought of earlier ones: then the lead is to be folded again.
func (g *Guard) Judge(r *Ring, e *lead.Event) (v Verdict, settled bool) {
	if e.Type == lead.Verdict {
		return Verdict{}, false
	}
	f := g.facts(e)
	settled = true
	why := none
	was := r.insider
	r.add(&f, func(back int, changed reason) {
		if back == 0 {
			why = changed
		} else {
			settled = false
		}
	})
	if r.insider && e.Type != lead.Answered {
		why = insider
	}
	return why.verdict(), settled && was == r.insider
}

// Judge judges as [Guard.Judge] does, for callers without a guard at hand.
func (r *Ring) Judge(p *playbook.Playbook, e *lead.Event) (v Verdict, settled bool) {
	return NewGuard(p).Judge(r, e)
}
