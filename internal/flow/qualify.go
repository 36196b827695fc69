package flow

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"cusp/internal/db"
	"cusp/internal/decide"
	"cusp/internal/fault"
	"cusp/internal/identity"
	"cusp/internal/ingest"
	"cusp/internal/lead"
)

// heardFor is how long a raised hand is still the answer to a form that is sent again.
const heardFor = time.Hour

// Qualification is where a lead stands in the moment in which what it sent was folded.
type Qualification struct {
	Receipt ingest.Receipt
	Person  lead.PersonID
	Account lead.AccountID // 0 for none
	Outcome decide.Outcome
	Stage   Stage
	Known   bool // has a user id or an e-mail address
	// Heard says that what was sent raised a signal, or that a hand was raised within the last hour. What
	// was taken for false intent, and forms that the playbook does not know, are not heard: the outcome
	// then rests on what the lead did before.
	Heard    bool
	Question *Question // what to ask next; nil for nothing
}

// Qualify is [Engine.Submit] for what one lead sent, and answers where the lead stands then: from the
// state just folded, in the same commit, without reading its history. with is called in the transaction
// and may look at what came of the decision; it must only read, and runs again when the transaction does.
// A batch that was stored before is answered as the lead stands now. [fault.Invalid] when nothing of it
// could be stored.
func (e *Engine) Qualify(ctx context.Context, b ingest.Batch, with func(*db.Tx, *Qualification) error) (Qualification, error) {
	if e.Current() == nil {
		return Qualification{}, noPlaybook()
	}
	earlier := e.mark(&b)
	defer e.judge(ctx, earlier)
	var q Qualification
	r := &request{ctx: ctx, batch: b, done: make(chan answer, 1), look: func(c *commit, w *work, i int) error {
		q = Qualification{} // the transaction may run again
		if err := c.qualify(w, i, &q); err != nil || q.Person == 0 {
			return err
		}
		return with(c.tx, &q)
	}}
	receipt, err := e.submit(ctx, r)
	if err != nil {
		return Qualification{}, err
	}
	if q.Person == 0 {
		return Qualification{}, fault.New(fault.Invalid, "Nobody could be found or made of what was sent.").WithCode("nobody").
			WithHint("Send an anonymous id, a user id or an e-mail address.")
	}
	q.Receipt = receipt
	return q, nil
}

// qualify finds the lead of a request and reads off its state where it stands.
func (c *commit) qualify(w *work, i int, q *Qualification) error {
	events := c.reqs[i].batch.Events
	person := c.whose[i]
	if w == nil || len(events) == 0 {
		return nil
	}
	if person == 0 { // everything had been stored before
		var err error
		if person, err = identity.Sender(c.tx, &events[len(events)-1]); err != nil || person == 0 {
			return err
		}
	}
	x, err := w.peek(person)
	if err != nil || x == nil {
		return err
	}
	l := NewLead(w.f.p)
	if err := l.Decode(w.f.p, x.State); err != nil {
		return fmt.Errorf("qualify %s: %w", person, err)
	}
	w.f.qualification(l, events[len(events)-1].Time, c.now, q)
	q.Person, q.Account = person, x.Account
	return nil
}

// peek is a lead's newest state once the work is finished, read without a lock; nil when there is none.
func (w *work) peek(person lead.PersonID) (*row, error) {
	i, ok := slices.BinarySearchFunc(w.stored, person, func(x *row, id lead.PersonID) int { return cmp.Compare(x.Person, id) })
	if ok {
		return w.stored[i], nil
	}
	found, missing := w.engine.shelf.take([]lead.PersonID{person})
	if len(missing) == 0 {
		return found[person], nil
	}
	rows, err := readRows(w.tx, missing)
	return rows[person], err
}

// qualification reads off a state what a visitor may be answered.
func (f *Folder) qualification(l *Lead, sent, now lead.Instant, q *Qualification) {
	q.Outcome, q.Stage, q.Known = l.Outcome, l.Stage(), l.Known
	if at := l.Score.LastInbound(f.p); at != 0 && now.Sub(at) <= heardFor {
		q.Heard = true
	}
	for i := range l.Score.Signals {
		s := &l.Score.Signals[i]
		q.Heard = q.Heard || s.Counted > 0 && s.Last == sent && f.p.Signals[i].Points >= 0
	}
	q.Question = f.nextQuestion(l, f.explainFit(l))
}
