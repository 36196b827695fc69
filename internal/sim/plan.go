package sim

import (
	"math"
	"slices"
	"time"

	"cusp/internal/lead"
)

// session is one sitting, planned.
type session struct {
	at lead.Instant
	do activity
}

// activity is what a sitting is about.
type activity uint8

const (
	read     activity = iota // some posts
	look                     // product pages
	price                    // the pricing page, out of curiosity
	download                 // a form for an asset
	webinar
	watch    // a video
	mailed   // a mail arrives, and may be clicked
	evaluate // pricing, comparison, customers, docs: somebody is serious
	demo     // asks for one
	contact  // writes what they need
	chat     // asks something in between
	reply    // answers outreach
	surge    // seen elsewhere by a third party
	careers
	apply
	spam
	crawl
)

const aDay = 24 * time.Hour

// makePlan decides what the person will do.
func (p *person) makePlan(s *Sim) {
	switch p.truth.Kind {
	case Visitor:
		p.some(1+p.r.IntN(2), 20, read, read, look)
	case Researcher:
		p.add(0, read)
		n := p.appetite()
		p.some(n, 120, read, read, read, download, download, webinar, mailed, mailed, mailed, look, watch)
		for range 1 + n/12 {
			if p.r.Float64() < 0.22 {
				p.some(1, 100, price)
			}
		}
		if p.r.Float64() < 0.08 {
			p.some(1, 100, chat)
		}
	case Buyer:
		p.buyer(s)
	case Colleague:
		p.colleague()
	case Student:
		p.some(2+p.r.IntN(7), 40, read, read, download, download, webinar, look, price)
		if p.r.Float64() < 0.3 {
			p.some(1, 40, contact)
		}
	case Competitor:
		p.some(2+p.r.IntN(6), 60, evaluate, price, look, download)
	case Intern:
		p.some(2+p.r.IntN(8), 60, read, download, download, webinar, mailed, price)
	case JobSeeker:
		p.add(0, careers)
		p.some(p.r.IntN(4), 20, careers, read, look)
		if p.r.Float64() < 0.4 {
			p.some(1, 14, apply)
		}
	case Supplier:
		p.add(0, look)
		p.add(time.Minute, spam)
	case Staff:
		p.some(5+p.r.IntN(10), 90, look, price, evaluate, read)
	case Crawler:
		p.some(1+p.r.IntN(3), 60, crawl)
	default: // numKinds is nobody
	}
	slices.SortStableFunc(p.plan, func(a, b session) int { return int(a.at - b.at) })
}

func (p *person) add(after time.Duration, do activity) {
	p.plan = append(p.plan, session{p.truth.Arrived.Add(after), do})
}

// some plans n sittings within days, the first at once, each about one of the activities.
func (p *person) some(n int, days float64, about ...activity) {
	for i := range n {
		after := time.Duration(p.r.Float64() * days * float64(aDay))
		if i == 0 && len(p.plan) == 0 {
			after = 0
		}
		p.add(after, pick(p.r, about))
	}
}

// appetite is how often somebody comes by to read. Most come a few times; some read everything for months:
// it is they who make a sum of all points look like intent.
func (p *person) appetite() int {
	return min(80, int(math.Exp(1.9+1.1*p.r.NormFloat64())))
}

// buyer plans the way to a purchase: curiosity for a while, then the turn, then a raised hand or, for
// the quiet ones, none. One in ten never turns: the project dies before it is one.
func (p *person) buyer(s *Sim) {
	curious := time.Duration(p.r.ExpFloat64() * 25 * float64(aDay))
	hurry := p.r.Float64() < 0.25
	if hurry {
		curious = 0
	}
	if !hurry {
		p.some(1+p.r.IntN(4), max(1, curious.Hours()/24), read, read, download, webinar, mailed, look)
	}
	if p.r.Float64() < 0.1 {
		return
	}
	serious := p.truth.Arrived.Add(curious)
	p.truth.SeriousAt, p.truth.WouldBuy = serious, p.r.Float64() < 0.45
	p.truth.Amount = float64(15000 + 500*p.r.IntN(50))
	p.truth.Group = p.truth.Person
	p.plan = slices.DeleteFunc(p.plan, func(x session) bool { return x.at >= serious })
	p.serious(serious, 0.65)
	if p.r.Float64() < 0.3 {
		s.join(p, serious)
	}
}

// serious plans what somebody does who means it, from an instant on.
func (p *person) serious(from lead.Instant, raises float64) {
	at := func(days float64) lead.Instant {
		return from.Add(time.Duration(p.r.Float64() * days * float64(aDay)))
	}
	p.plan = append(p.plan, session{from, evaluate})
	for range 1 + p.r.IntN(3) {
		p.plan = append(p.plan, session{at(10), evaluate})
	}
	if p.r.Float64() < 0.3 {
		p.plan = append(p.plan, session{at(12), surge})
	}
	if p.r.Float64() < 0.25 {
		p.plan = append(p.plan, session{at(6), chat})
	}
	if p.r.Float64() < raises {
		hand := from.Add(20*time.Minute + time.Duration(p.r.ExpFloat64()*1.5*float64(aDay)))
		p.truth.RaisedAt = hand
		p.plan = append(p.plan, session{hand, pick(p.r, []activity{demo, demo, contact})})
		return
	}
	if p.r.Float64() < 0.3 {
		p.plan = append(p.plan, session{from.Add(2*aDay + time.Duration(p.r.Float64()*float64(6*aDay))), reply})
	}
}

// colleague joins an evaluation that is on.
func (p *person) colleague() {
	p.serious(p.truth.SeriousAt, 0.15)
	if p.r.Float64() < 0.5 {
		p.some(1, 10, download, webinar)
	}
}
