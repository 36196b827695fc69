package sim

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"cusp/internal/lead"
)

// person is somebody with what they still plan to do.
type person struct {
	truth     Truth
	r         *rand.Rand
	account   *account
	first     string
	last      string
	title     string
	device    int    // how many devices were used
	anonymous string // id of the device in use
	agent     string
	ip        string
	source    Campaign
	known     bool // has identified on this device
	told      bool // traits were sent

	at    lead.Instant // of the next thing
	plan  []session    // by time, what is still to come
	queue []Message    // of the sessions that go on, by time
	now   lead.Instant // of the session, while it is written
	enter bool         // the session's first page is still to come
}

// account is a company.
type account struct {
	domain, name, industry, country string
	employees                       float64
	technologies                    []string
	gateway                         bool // its mail gateway follows links
	sent                            bool // its traits are known
}

// joining is a colleague of a buyer who will come.
type joining struct {
	at      lead.Instant
	account *account
	group   int
	serious lead.Instant
}

// shares are how many of a thousand who arrive are of a kind. Colleagues come with their buyers.
var shares = [...]struct {
	kind Kind
	of   int
}{
	{Visitor, 400}, {Researcher, 350}, {Buyer, 28}, {Student, 62}, {Competitor, 18}, {Intern, 28}, {JobSeeker, 46},
	{Supplier, 14}, {Staff, 6}, {Crawler, 48},
}

func (s *Sim) drawKind() Kind {
	n := s.r.IntN(1000)
	for _, share := range shares {
		if n -= share.of; n < 0 {
			return share.kind
		}
	}
	return Visitor
}

// arrive makes a new person at an instant; a colleague when it joins somebody.
func (s *Sim) arrive(at lead.Instant, with *joining) {
	p := &person{
		r:  rand.New(rand.NewPCG(s.cfg.Seed, uint64(len(s.people))+1)),
		at: at,
	}
	p.truth = Truth{Person: len(s.people), Arrived: at, Group: -1}
	if with != nil {
		p.truth.Kind, p.truth.Group, p.truth.SeriousAt, p.account = Colleague, with.group, with.serious, with.account
	} else {
		p.truth.Kind = s.drawKind()
	}
	s.people = append(s.people, p)
	p.first, p.last = pick(p.r, firstNames()), pick(p.r, lastNames())
	p.agent, p.source = pick(p.r, browsers()), pick(p.r, campaigns())
	p.ip = fmt.Sprintf("198.51.%d.%d", p.r.IntN(256), 1+p.r.IntN(254))
	s.settle(p)
	p.makePlan(s)
	p.at = p.soonest()
	heap.Push(&s.due, p)
}

// settle gives a person work, a title and an address.
func (s *Sim) settle(p *person) {
	t := &p.truth
	switch t.Kind {
	case Buyer:
		p.account, p.title = s.account(0.88), pick(p.r, buyerTitles())
	case Colleague:
		p.title = pick(p.r, colleagueTitles())
	case Researcher:
		p.title = pick(p.r, readerTitles())
		if p.r.Float64() < 0.75 {
			p.account = s.account(0.45)
		}
	case Intern:
		p.account, p.title = s.account(0.6), pick(p.r, []string{"Finance Intern", "Intern", "Working Student Finance", "Trainee"})
	case Student:
		t.Domain, p.title = pick(p.r, universityDomains()), "Student"
	case Competitor:
		t.Domain, p.title = pick(p.r, competitorDomains()), "Product Marketing Manager"
	case Supplier:
		t.Domain, p.title = pick(p.r, supplierDomains()), "Sales Manager"
	case Staff:
		t.Domain, p.title = "tallyport.example", "Account Executive"
		p.ip = fmt.Sprintf("203.0.113.%d", 1+p.r.IntN(254))
	case Crawler:
		p.agent, p.source = pick(p.r, crawlers()), Campaign{}
	default: // visitors and job seekers are private people
	}
	domain := t.Domain
	if p.account != nil {
		domain, t.Domain = p.account.domain, p.account.domain
	}
	if domain == "" {
		domain = pick(p.r, freeMail())
	}
	t.UserID = fmt.Sprintf("u%d", t.Person)
	t.Email = fmt.Sprintf("%s.%s%d@%s", strings.ToLower(p.first), strings.ToLower(p.last), t.Person, domain)
}

// account founds a company, or finds one that is known: fitting is how likely it is an ideal customer.
func (s *Sim) account(fitting float64) *account {
	if len(s.accounts) > 50 && s.r.Float64() < 0.25 {
		a := pick(s.r, s.accounts)
		if (a.employees >= 50 && a.employees <= 2000) == (s.r.Float64() < fitting) {
			return a
		}
	}
	head, tail := pick(s.r, companyHeads()), pick(s.r, companyTails())
	a := &account{
		domain: fmt.Sprintf("%s%s%d.example", head, tail, len(s.accounts)), name: head + tail,
		industry: pick(s.r, otherIndustries()), country: pick(s.r, otherCountries()),
		employees: float64(2 + s.r.IntN(40)), gateway: s.r.Float64() < 0.2,
		technologies: []string{pick(s.r, technologies())},
	}
	if s.r.Float64() < 0.2 {
		a.employees = float64(2500 + s.r.IntN(40000))
	}
	if s.r.Float64() < fitting {
		a.industry, a.country = pick(s.r, coreIndustries()), pick(s.r, servedCountries())
		a.employees = float64(60 + s.r.IntN(1500))
		if s.r.Float64() < 0.6 {
			a.technologies = append(a.technologies, "NetSuite")
		}
	}
	s.accounts = append(s.accounts, a)
	return a
}

// join lets colleagues come in the weeks around the moment in which a buyer turns serious.
func (s *Sim) join(p *person, serious lead.Instant) {
	for range 1 + p.r.IntN(3) {
		at := serious.Add(time.Duration(p.r.Float64() * 10 * float64(24*time.Hour)))
		j := joining{at: at, account: p.account, group: p.truth.Person, serious: at}
		i, _ := slices.BinarySearchFunc(s.joining, at, func(a joining, at lead.Instant) int { return int(a.at - at) })
		s.joining = slices.Insert(s.joining, i, j)
	}
}

// cookie is the anonymous id of the device in use.
func (p *person) cookie() string {
	if p.anonymous == "" {
		p.anonymous = fmt.Sprintf("anon-%d-%d", p.truth.Person, p.device)
	}
	return p.anonymous
}

func (p *person) done() bool { return len(p.queue) == 0 && len(p.plan) == 0 }

// soonest is when the person does something next.
func (p *person) soonest() lead.Instant {
	at := lead.Never
	if len(p.queue) > 0 {
		at = p.queue[0].At
	}
	if len(p.plan) > 0 {
		at = min(at, p.plan[0].at)
	}
	return at
}

// step does one thing: it begins the next session, or sends the next message of those that go on. A
// message without a type is none.
func (p *person) step() Message {
	if len(p.plan) > 0 && (len(p.queue) == 0 || p.plan[0].at <= p.queue[0].At) {
		next := p.plan[0]
		p.plan = p.plan[1:]
		p.write(next)
		return Message{}
	}
	m := p.queue[0]
	p.queue = p.queue[1:]
	return m
}
