// Package pack makes the context pack of a handoff: what a rep needs to know before the first sentence.
//
// Why now; what they did and asked, in their own words; what they have read already; with which case
// study or point to open; who else at the account is looking; what is unknown and worth asking; what had
// better not be said. Everything comes from data alone: [Make] is a pure function of its [Input], which
// knows nothing of how leads are kept. The result is bounded, whatever a lead did, and what came from
// outside is made harmless: one line, visible characters only, shortened.
package pack

import (
	"cusp/internal/decide"
	"cusp/internal/handoff/framework"
	"cusp/internal/lead"
)

// The bounds of a pack.
const (
	maxReasons    = 5
	maxQuotes     = 5
	maxDeeds      = 8
	maxReadings   = 10
	maxColleagues = 5
	maxAsks       = 5
	maxAvoid      = 6

	maxQuote = 400 // characters
	maxLine  = 160
	maxName  = 80
)

// Input is what is known of a lead at an instant.
type Input struct {
	Now        lead.Instant
	Person     Person
	Account    Account
	Decision   decide.Decision
	Track      decide.Track
	Since      lead.Instant // when the decision began; 0 for unknown
	SeriousAt  lead.Instant // when curiosity turned serious; 0 for never
	Reasons    []string     // of the decision
	FitKnown   bool
	Missing    []string // criteria of fit that are not known
	Ask        string   // the next best question; empty for none
	Signals    []Signal
	Happenings []Happening
	People     []Colleague      // others at the account
	Facts      []framework.Fact // that reps wrote down or forms told earlier; those of the happenings are added
	Rounds     []Round          // earlier handoffs of the lead
	Frameworks []string         // ids, in order; none: bant
	Stories    []Story          // case studies that could be told
}

// Person is the lead.
type Person struct {
	Name   string
	Title  string
	Email  string
	Traits map[string]any
}

// Account is the company; the zero Account is an unknown one.
type Account struct {
	Name      string
	Domain    string
	Industry  string
	Country   string
	Employees int // 0 for unknown
}

// Signal is what a lead's doings amount to.
type Signal struct {
	ID    string
	Class string // interest, evaluation, buying, usage, negative
	Value float64
	Count int
	Last  lead.Instant
}

// Happening is one event.
type Happening struct {
	At         lead.Instant
	Type       string // as in lead.EventType
	Name       string
	Path       string
	Properties map[string]any
	Signals    []string // that it raised
	Ignored    bool     // kept out as false intent, or of an absurd time
}

// Colleague is somebody else at the account.
type Colleague struct {
	Name     string
	Title    string
	Decision decide.Decision
	Intent   float64
	LastSeen lead.Instant
}

// Round is an earlier handoff of the same lead.
type Round struct {
	At      lead.Instant
	Outcome string // rejected, recycled, qualified, disqualified, returned
	Reason  string // its label
	Note    string
}

// Story is a case study.
type Story struct {
	Path     string
	Title    string
	Industry string // empty for any
}

// Pack is what a rep is given. Its JSON form is part of the public contract.
type Pack struct {
	At         string           `json:"at" format:"date-time"`
	Who        string           `json:"who" doc:"The lead in one line."`
	Company    string           `json:"company" doc:"The account in one line; empty while unknown."`
	Why        []string         `json:"why" doc:"Why now."`
	Said       []Quote          `json:"said" doc:"What they wrote, newest first, in their words."`
	Did        []Deed           `json:"did" doc:"What they did that speaks of buying, weightiest first."`
	Read       []Reading        `json:"read" doc:"What they have read already: do not send it again."`
	Open       []Opening        `json:"open" doc:"What to open with, the best first."`
	Colleagues []Other          `json:"colleagues" doc:"Who else at the account is known, the keenest first."`
	Ask        []OpenQuestion   `json:"ask" doc:"What is unknown and worth asking, most valuable first."`
	Avoid      []Avoid          `json:"avoid" doc:"What had better not be said, and why."`
	Before     []Earlier        `json:"before" doc:"Earlier handoffs, newest first."`
	Frameworks []framework.View `json:"frameworks"`
}

// Quote is something they wrote.
type Quote struct {
	At    string   `json:"at" format:"date-time"`
	Where string   `json:"where" doc:"The form, chat or mail."`
	Text  string   `json:"text"`
	About []string `json:"about" doc:"What it says about buying: budget, deadline, price…; no_ before a denial."`
}

// Deed is something they did.
type Deed struct {
	Signal string `json:"signal"`
	Text   string `json:"text"`
	Count  int    `json:"count"`
	LastAt string `json:"last_at" format:"date-time"`
}

// Reading is a page that they have seen.
type Reading struct {
	Path   string `json:"path"`
	Title  string `json:"title,omitempty"`
	Count  int    `json:"count"`
	LastAt string `json:"last_at" format:"date-time"`
}

// Opening is what to begin with.
type Opening struct {
	Kind    string `json:"kind" enum:"question,case_study,industry"`
	Text    string `json:"text"`
	Path    string `json:"path,omitempty"`
	Because string `json:"because"`
}

// Other is a colleague.
type Other struct {
	Name     string          `json:"name"`
	Title    string          `json:"title,omitempty"`
	Decision decide.Decision `json:"decision,omitempty"`
	Decides  bool            `json:"decides" doc:"Probably has authority, by the title."`
	LastSeen string          `json:"last_seen,omitempty" format:"date-time"`
}

// OpenQuestion is something to find out.
type OpenQuestion struct {
	Key     string `json:"key" doc:"A fact of a framework, or fit."`
	Text    string `json:"text"`
	Because string `json:"because"`
}

// Avoid is something not to say.
type Avoid struct {
	Text    string `json:"text"`
	Because string `json:"because"`
}

// Earlier is a handoff of the past.
type Earlier struct {
	At      string `json:"at" format:"date-time"`
	Outcome string `json:"outcome"`
	Reason  string `json:"reason,omitempty"`
	Note    string `json:"note,omitempty"`
}

// Make makes the pack. The same input gives the same pack.
func Make(in *Input) Pack {
	m := maker{in: in}
	m.listen()
	m.facts = append(m.facts, in.Facts...)
	m.infer()
	ids := in.Frameworks
	if len(ids) == 0 {
		ids = []string{"bant"}
	}
	p := Pack{
		At: in.Now.String(), Who: m.who(), Company: m.company(), Why: m.why(), Said: m.said(), Did: m.did(), Read: m.read(),
		Colleagues: m.colleagues(), Before: m.before(), Frameworks: framework.Views(ids, m.facts, in.Now),
	}
	p.Open = m.open()
	p.Ask = m.ask(p.Frameworks)
	p.Avoid = m.avoid()
	return p
}

// Facts are all facts of the frameworks that the input holds: those handed in, those that forms and free
// text tell, and those inferred from titles.
func Facts(in *Input) []framework.Fact {
	m := maker{in: in}
	m.listen()
	m.facts = append(m.facts, in.Facts...)
	m.infer()
	return m.facts
}
