package sim

import (
	"container/heap"
	"math"
	"math/rand/v2"
	"strconv"
	"time"

	"cusp/internal/lead"
)

// Config says which company is simulated.
type Config struct {
	Seed           uint64
	Start          lead.Instant // zero: 2026-01-01
	Months         int          // of 30 days in which people arrive; 0: no end
	PeoplePerMonth int          // who arrive; zero: 1,500
}

const month = 30 * 24 * time.Hour

// Kind is who somebody really is.
type Kind uint8

// The kinds of people, and of machines.
const (
	Visitor    Kind = iota // comes by once or twice, never known
	Researcher             // reads because reading helps in the job; buys nothing
	Buyer                  // has a problem and will look for a solution
	Colleague              // of a buyer, in the same buying group
	Student
	Competitor
	Intern
	JobSeeker
	Supplier // sells to us
	Staff    // our own people
	Crawler
	numKinds
)

var kindNames = [numKinds]string{
	"visitor", "researcher", "buyer", "colleague", "student", "competitor", "intern", "job seeker", "supplier", "staff", "crawler",
}

// String is the kind in words.
func (k Kind) String() string { return kindNames[k] }

// Truth is what is true of a person and cannot be seen.
type Truth struct {
	Person    int
	Kind      Kind
	UserID    string // as it will be sent, once the person is known
	Email     string
	Domain    string       // of the account; empty for private people
	Arrived   lead.Instant // first seen
	SeriousAt lead.Instant // the moment of turning serious; zero for those who never do
	RaisedAt  lead.Instant // planned moment of asking for a demo or a talk; zero for those who do not ask
	WouldBuy  bool         // buys if sales talks to them after SeriousAt
	Amount    float64      // of the deal, a year
	Group     int          // buying group: index of its first buyer; -1 for none
}

// Ready says whether a call by sales is worth it at some time.
func (t *Truth) Ready() bool { return t.SeriousAt != 0 }

// Sim generates the messages of one company. It is not safe for concurrent use.
type Sim struct {
	cfg      Config
	end      lead.Instant // of arrivals
	r        *rand.Rand
	next     lead.Instant // next arrival of a person
	rate     float64      // people a second
	people   []*person
	accounts []*account
	due      queue
	repeats  []*Message // waiting to be sent again or late, by arrival
	joining  []joining  // colleagues who will come
	messages int
}

// New makes a company that has not opened yet.
func New(cfg Config) *Sim {
	if cfg.Start == 0 {
		cfg.Start = lead.At(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	}
	if cfg.PeoplePerMonth == 0 {
		cfg.PeoplePerMonth = 1500
	}
	s := &Sim{
		cfg: cfg, end: lead.Never, next: cfg.Start,
		r:    rand.New(rand.NewPCG(cfg.Seed, 0x74616c6c79)),
		rate: float64(cfg.PeoplePerMonth) / month.Seconds(),
	}
	if cfg.Months > 0 {
		s.end = cfg.Start.Add(time.Duration(cfg.Months) * month)
	}
	s.schedule()
	return s
}

// Quicken makes people arrive factor times as often from now on: for watching live what otherwise takes
// days. What each of them does keeps its pace.
func (s *Sim) Quicken(factor float64) { s.rate *= factor }

// schedule sets the next arrival: by day, on working days, more often.
func (s *Sim) schedule() {
	for {
		s.next = s.next.Add(time.Duration(s.r.ExpFloat64() / (s.rate * 2.2) * float64(time.Second)))
		if s.next >= s.end || s.r.Float64() < busy(s.next) {
			return
		}
	}
}

// busy is how lively an hour is, 0 to 1; its mean over a week is 1/2.2.
func busy(at lead.Instant) float64 {
	hours := int64(at) / int64(time.Hour/time.Microsecond)
	day := (hours/24 + 4) % 7 // 1970-01-01 was a Thursday; 0 is Sunday
	b := 0.12
	if h := hours % 24; h >= 7 && h < 19 {
		b = 1
	} else if h >= 19 && h < 22 {
		b = 0.4
	}
	if day == 0 || day == 6 {
		b *= 0.25
	}
	return b
}

// Next is the next message in order of arrival; ok is false when everybody has arrived and done what
// they planned before the end, and always true where there is no end.
func (s *Sim) Next() (m Message, ok bool) {
	for {
		at, what := s.soonest()
		if at == lead.Never || at > s.end {
			return Message{}, false
		}
		switch what {
		case arrival:
			s.arrive(s.next, nil)
			s.schedule()
		case joined:
			s.arrive(s.joining[0].at, &s.joining[0])
			s.joining = s.joining[1:]
		case again:
			m := *s.repeats[0]
			s.repeats = s.repeats[1:]
			return m, true
		case act:
			if m, ok := s.act(); ok {
				return m, true
			}
		}
	}
}

// what happens next.
type happening uint8

const (
	arrival happening = iota
	joined
	again
	act
)

// soonest finds what happens next, and when.
func (s *Sim) soonest() (at lead.Instant, what happening) {
	at, what = s.next, arrival
	if s.next >= s.end {
		at = lead.Never
	}
	if len(s.joining) > 0 && s.joining[0].at < at {
		at, what = s.joining[0].at, joined
	}
	if len(s.repeats) > 0 && s.repeats[0].Arrival < at {
		at, what = s.repeats[0].Arrival, again
	}
	if len(s.due) > 0 && s.due[0].at < at {
		at, what = s.due[0].at, act
	}
	return at, what
}

// act lets the person whose turn it is do one thing; ok is false when nothing is sent now.
func (s *Sim) act() (m Message, ok bool) {
	p := s.due[0]
	m = p.step()
	if p.done() {
		heap.Pop(&s.due)
	} else {
		p.at = p.soonest()
		heap.Fix(&s.due, 0)
	}
	if m.Type == 0 {
		return m, false
	}
	s.messages++
	m.ID = s.messageID(p, s.messages)
	m.Person, m.Arrival = p.truth.Person, m.At
	return m, s.deliver(&m, p)
}

// messageID is unique and follows from person and count.
func (s *Sim) messageID(p *person, n int) string {
	b := make([]byte, 0, 24)
	b = append(b, "sim-"...)
	b = strconv.AppendUint(b, s.cfg.Seed, 36)
	b = append(b, '-')
	b = strconv.AppendInt(b, int64(p.truth.Person), 36)
	b = append(b, '-')
	return string(strconv.AppendInt(b, int64(n), 36))
}

// Of all messages, these shares come late and come twice.
const (
	lateShare  = 0.004
	twiceShare = 0.006
)

// deliver reports whether the message is sent now; it keeps late ones and repetitions for later.
func (s *Sim) deliver(m *Message, p *person) bool {
	if p.r.Float64() < twiceShare {
		c := *m
		c.Repeated = true
		c.Arrival = m.At.Add(time.Duration(1+p.r.IntN(120)) * time.Second)
		s.later(&c)
	}
	if p.r.Float64() >= lateShare {
		return true
	}
	late := *m
	late.Arrival = m.At.Add(time.Duration(float64(time.Minute) * math.Exp(p.r.Float64()*7.5))) // up to 30 hours
	s.later(&late)
	return false
}

// later puts a message in its place by arrival.
func (s *Sim) later(m *Message) {
	i := len(s.repeats)
	for i > 0 && s.repeats[i-1].Arrival > m.Arrival {
		i--
	}
	s.repeats = append(s.repeats, nil)
	copy(s.repeats[i+1:], s.repeats[i:])
	s.repeats[i] = m
}

// Truth is what is true of everybody who has arrived so far, by index.
func (s *Sim) Truth() []Truth {
	out := make([]Truth, len(s.people))
	for i, p := range s.people {
		out[i] = p.truth
	}
	return out
}

// queue orders people by what they do next.
type queue []*person

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	if q[i].at != q[j].at {
		return q[i].at < q[j].at
	}
	return q[i].truth.Person < q[j].truth.Person
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(*person)) } //nolint:forcetypeassert // only people are pushed
func (q *queue) Pop() any {
	old := *q
	p := old[len(old)-1]
	*q = old[:len(old)-1]
	return p
}
