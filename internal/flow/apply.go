package flow

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"cusp/internal/db"
	"cusp/internal/decide"
	"cusp/internal/fault"
	"cusp/internal/identity"
	"cusp/internal/ingest"
	"cusp/internal/lead"
)

// work is one transaction's fold: which leads it touches and what comes of them.
type work struct {
	tx      *db.Tx
	f       *Folder
	pub     *Published
	log     *ingest.Log // nil in a transaction that has settled it
	engine  *Engine
	now     lead.Instant
	rows    map[lead.PersonID]*row
	stored  []*row
	entries []entry
	decided []Decided
	scratch Lead
}

func (e *Engine) newWork(tx *db.Tx, now lead.Instant) (*work, error) {
	if err := e.refresh(tx); err != nil {
		return nil, err
	}
	pub := e.current.Load()
	if pub == nil {
		return nil, nil
	}
	if e.folder == nil || e.folder.p != pub.Playbook {
		e.folder = NewFolder(pub.Playbook)
	}
	return &work{tx: tx, f: e.folder, pub: pub, log: e.store, engine: e, now: now}, nil
}

// task is what a transaction has to do for one person.
type task struct {
	person lead.PersonID
	events []ingest.Stored // new ones, in fold order
	whole  bool            // these events are the person's whole history
	refold bool            // the set of profiles changed
}

// fold brings the people of the tasks up to date, in id order.
func (w *work) fold(tasks []task) error {
	slices.SortFunc(tasks, func(a, b task) int { return int(a.person - b.person) })
	people := make([]lead.PersonID, len(tasks))
	for i := range tasks {
		people[i] = tasks[i].person
	}
	var err error
	if w.rows, err = w.load(people); err != nil {
		return err
	}
	for i := range tasks {
		if err := w.person(&tasks[i]); err != nil {
			return fmt.Errorf("fold %s: %w", tasks[i].person, err)
		}
	}
	return nil
}

// load finds the states of people, on the shelf or in the table.
func (w *work) load(people []lead.PersonID) (map[lead.PersonID]*row, error) {
	if w.log == nil {
		return loadRows(w.tx, people)
	}
	found, missing := w.engine.shelf.take(people)
	stored, err := loadRows(w.tx, missing)
	maps.Copy(found, stored)
	return found, err
}

// later has people folded again by the wake loop.
func (w *work) later(people []lead.PersonID) error {
	rows, err := w.load(people)
	for _, x := range rows {
		x.Stale, x.Wake, x.moved = true, w.now-grace, true
		w.stored = append(w.stored, x)
	}
	return err
}

// person steps one lead, or folds it again when the new facts do not simply follow the old ones.
func (w *work) person(t *task) error {
	x := w.rows[t.person]
	if x == nil {
		x = &row{Person: t.person}
	}
	l := w.lead()
	account, before := x.Account, len(w.entries)
	if !w.step(l, x, t) {
		w.entries = w.entries[:before]
		if err := w.again(l, x, t); err != nil {
			return err
		}
	}
	w.tell(l, x, before, revised(t.events))
	return w.keep(l, x, account)
}

// tell notes a lead whose outcome is another one than before; entries from the index first on are its.
func (w *work) tell(l *Lead, x *row, first int, revised bool) {
	if len(w.entries) == first || w.engine.decided == nil {
		return
	}
	change := w.entries[len(w.entries)-1].change
	change.From = w.entries[first].change.From
	w.decided = append(w.decided, Decided{
		Person: x.Person, Account: x.Account, Change: change, Traits: maps.Clone(l.Person.Map()), Company: maps.Clone(l.company()),
		Revised: revised,
	})
}

// revised says whether new events judge what was sent before.
func revised(events []ingest.Stored) bool {
	return slices.ContainsFunc(events, func(s ingest.Stored) bool { return s.Event.Type == lead.Verdict })
}

func (w *work) lead() *Lead {
	if w.scratch.Score.Signals == nil || len(w.scratch.Score.Signals) != len(w.f.p.Signals) {
		w.scratch = *NewLead(w.f.p)
	}
	w.scratch.Reset()
	return &w.scratch
}

// step is the common case: the state is at hand and every new event follows what it holds. It reports
// false when the lead must be folded again.
func (w *work) step(l *Lead, x *row, t *task) bool {
	if t.refold || x.Stale || x.Playbook != w.pub.Version || len(x.State) == 0 {
		return false
	}
	if err := l.Decode(w.f.p, x.State); err != nil {
		return false // a state that cannot be read is folded again from the events
	}
	w.listen(x, CauseTime)
	w.f.Advance(l, w.now-grace)
	w.listen(x, CauseEvent)
	for i := range t.events {
		ev := &t.events[i].Event
		if !l.Last.Before(ev) || ev.Time < l.Since {
			return false
		}
		verdict, settled := w.f.guard.Judge(&l.Recent, ev)
		if !settled {
			return false
		}
		group, mail := l.GroupID, l.Person.Text("email_domain")
		x.LogSeq = max(x.LogSeq, int64(t.events[i].Seq))
		w.f.Step(l, ev, verdict)
		if l.GroupID != group || l.Person.Text("email_domain") != mail {
			return false
		}
	}
	return true
}

// again folds a person from all of its events and its account's facts. Only where it ends up is news.
func (w *work) again(l *Lead, x *row, t *task) error {
	timeline := t.events
	var err error
	if !t.whole {
		if timeline, err = w.timeline(t.person); err != nil {
			return err
		}
	}
	var facts []identity.Fact
	if x.Account, facts, err = w.company(timeline); err != nil {
		return err
	}
	l.Reset()
	last, err := w.recorded(x, t)
	if err != nil {
		return err
	}
	w.f.OnChange(func(Change) {})
	w.f.Fold(l, timeline, facts, lead.Never)
	w.f.Advance(l, w.now-grace)
	for i := range timeline {
		x.LogSeq = max(x.LogSeq, int64(timeline[i].Seq))
	}
	if l.Outcome != last {
		w.entries = append(w.entries, entry{person: x.Person, seq: x.LogSeq, cause: CauseRefold, change: Change{
			At: l.Since, From: last, To: l.Outcome, Fit: l.Fit, Intent: l.Score.Intent(w.f.p, l.Checked).Score, Known: l.Known,
		}})
	}
	return nil
}

// listen writes the folder's changes down for the person of x.
func (w *work) listen(x *row, cause Cause) {
	w.f.OnChange(func(c Change) {
		w.entries = append(w.entries, entry{person: x.Person, seq: x.LogSeq, cause: cause, change: c})
	})
}

// keep packs the lead into its row; account is what the row held.
func (w *work) keep(l *Lead, x *row, account lead.AccountID) error {
	before := *x
	x.Outcome, x.Stage, x.Playbook, x.Stale, x.Updated = l.Outcome, l.Stage(), w.pub.Version, false, w.now
	x.Wake = w.wake(l, x.Wake)
	var err error
	if x.State, err = l.Encode(nil); err != nil {
		return err
	}
	x.moved = x.moved || x.Outcome != before.Outcome || x.Stage != before.Stage || x.Playbook != before.Playbook ||
		x.Stale != before.Stale || x.Wake != before.Wake || x.Account != account || len(before.State) == 0
	w.stored = append(w.stored, x)
	return nil
}

// wake is when to look at the lead next; 0 for never. An earlier time that is still ahead and before
// which nothing can change is kept: to wake a lead for nothing now and then costs less than to move it
// in the index with every event.
func (w *work) wake(l *Lead, old lead.Instant) lead.Instant {
	c := l.decision()
	if old > w.now && decide.Still(w.f.p, &c, l.Checked, old-1) && w.f.moment(l) >= old {
		l.Quiet = old
		return old
	}
	next := w.f.Wake(l)
	if next == lead.Never {
		return 0
	}
	if old > w.now && old <= next {
		return old
	}
	return next
}

// finish stores what came of all leads, in the order of ids.
func (w *work) finish() error {
	slices.SortFunc(w.stored, func(a, b *row) int { return cmp.Compare(a.Person, b.Person) })
	if w.log != nil && w.engine.embedded() {
		w.tx.OnCommit(func() { w.engine.shelf.put(w.stored) })
	} else {
		if err := storeRows(w.tx, w.stored); err != nil {
			return err
		}
		w.tx.OnCommit(func() {
			for _, x := range w.stored {
				w.engine.shelf.drop(x.Person)
			}
		})
	}
	if err := w.pub.record(w.tx, w.entries, w.now); err != nil || len(w.decided) == 0 {
		return err
	}
	return w.engine.decided(w.tx, w.decided, w.now)
}

// recorded is the outcome that was recorded last. The stored state tells, unless it may be behind.
func (w *work) recorded(x *row, t *task) (decide.Outcome, error) {
	if t.whole || !t.refold && len(x.State) > 0 {
		return x.Outcome, nil
	}
	var o decide.Outcome
	err := w.tx.QueryRow(newestEntry, []any{int64(x.Person)}, &o.Decision, &o.Rule, &o.Track, &o.Quadrant, &o.Level)
	if fault.Is(err, fault.NotFound) {
		return decide.Outcome{}, nil
	}
	return o, err
}

// company finds the account of a history and its facts.
func (w *work) company(timeline []ingest.Stored) (lead.AccountID, []identity.Fact, error) {
	key := accountKey(timeline)
	account, err := identity.AccountOf(w.tx, key.GroupID, key.EmailDomain)
	if err != nil || account == 0 {
		return 0, nil, err
	}
	facts, err := identity.AccountFacts(w.tx, account)
	return account, facts, err
}

// accountKey is what a history says about the account: the newest group call and the e-mail domain.
func accountKey(timeline []ingest.Stored) identity.AccountKey {
	l := Lead{}
	f := Folder{}
	for i := range timeline {
		f.identify(&l, &timeline[i].Event)
	}
	return identity.AccountKey{GroupID: l.GroupID, EmailDomain: l.Person.Text("email_domain")}
}
