package flow

import (
	"math"

	"cusp/internal/lead"
	"cusp/internal/playbook"
	"cusp/internal/signal"
)

// Trace records what each event did to a lead, for explanations. A nil Trace records nothing: the live
// fold and replay run without one.
type Trace struct {
	p       *playbook.Playbook
	Events  []Noted
	parts   [][]Part // per signal
	Turned  []lead.Instant
	Dropped int // quarantined events
}

// Noted is one event with what it raised.
type Noted struct {
	MessageID  string
	At         lead.Instant
	Signals    []Raised
	Quarantine string // why it raised nothing; empty when it was heard
	Turned     bool   // the lead turned serious with it
}

// Raised is a signal that an event raised.
type Raised struct {
	Signal  int
	Counted bool // false: a repeat inside once_per
}

// Part is what one event contributed to a signal.
type Part struct {
	MessageID string
	At        lead.Instant
	Points    float64 // what it gave, less what a cap took off
}

func newTrace(p *playbook.Playbook) *Trace {
	return &Trace{p: p, parts: make([][]Part, len(p.Signals))}
}

func (t *Trace) at(e *lead.Event) *Noted {
	if n := len(t.Events); n > 0 && t.Events[n-1].MessageID == e.MessageID && t.Events[n-1].At == e.Time {
		return &t.Events[n-1]
	}
	t.Events = append(t.Events, Noted{MessageID: e.MessageID, At: e.Time})
	return &t.Events[len(t.Events)-1]
}

// counted notes an occurrence. A cap takes off the same share of every part, so that parts always add
// up to the signal's value.
func (t *Trace) counted(e *lead.Event, i int, before, after float64) {
	if t == nil {
		return
	}
	n := t.at(e)
	n.Signals = append(n.Signals, Raised{Signal: i, Counted: true})
	points := t.p.Signals[i].Points
	t.parts[i] = append(t.parts[i], Part{MessageID: e.MessageID, At: e.Time, Points: points})
	if full := before + points; full != after && full != 0 {
		for j := range t.parts[i] {
			t.parts[i][j].Points *= after / full
		}
	}
}

func (t *Trace) repeated(e *lead.Event, i int) {
	if t == nil {
		return
	}
	n := t.at(e)
	n.Signals = append(n.Signals, Raised{Signal: i})
}

func (t *Trace) turned(e *lead.Event) {
	if t == nil {
		return
	}
	t.at(e).Turned = true
	t.Turned = append(t.Turned, e.Time)
}

func (t *Trace) quarantined(e *lead.Event, v signal.Verdict) {
	if t == nil {
		return
	}
	t.Dropped++
	t.at(e).Quarantine = v.Reason
	if v.Reason == "" {
		t.at(e).Quarantine = "absurd time"
	}
}

// left is what a part is still worth.
func (t *Trace) left(i int, part Part, now lead.Instant) float64 {
	if h := t.p.Signals[i].HalfLife; h > 0 {
		return part.Points * math.Exp2(-now.Seconds(part.At)/h)
	}
	return part.Points
}
