// Package flow is the one place where the stages are called in order: facts come in, every lead that they
// touch is folded, and decisions come out, in one transaction.
//
// The fold ([Folder]) is pure: a playbook, a lead's state and a fact give the next state and the changes
// of outcome. Live work, late events, merges, explanations as of a past instant and replay are the same
// fold over the same facts; only where the facts come from differs.
//
// [Engine] is the fold on a database. It gathers what is waiting, commits it together, and answers when
// it is durable. Begin reading at [Folder.Step] for the arithmetic of time, at Engine.commit for the
// order of one write.
package flow

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"cusp/internal/db"
	"cusp/internal/fault"
	"cusp/internal/handoff"
	"cusp/internal/identity"
	"cusp/internal/ingest"
	"cusp/internal/lead"
	"cusp/internal/playbook"
	"cusp/internal/signal"
)

const (
	// gatherEvents is the most that one transaction takes; beyond it the next one begins.
	gatherEvents = 4096
	// waiting is how many requests may queue for the committer before callers are told to come back.
	waiting = 1024
	// settleEvents is how many events an embedded log gathers before they are laid down, with the states
	// of their leads.
	settleEvents = 32_768
	// grace is how long a change by time alone is held back, in microseconds, so that an event on its way
	// is folded before it and not after.
	grace = lead.Instant(5 * 1e6)
)

// Options set an engine up.
type Options struct {
	Now    func() time.Time // the clock; required
	Logger *slog.Logger     // required
	// Decided is told in the fold's own transaction whose outcome changed, by id; what it does commits
	// with the facts or not at all. Nil for nobody.
	Decided func(tx *db.Tx, leads []Decided, now lead.Instant) error
	// Merged is told in the same transaction that a person is part of another one now. Nil for nobody.
	Merged func(tx *db.Tx, from, into lead.PersonID, now lead.Instant) error
}

// Decided is a lead whose outcome changed in a transaction.
type Decided struct {
	Person  lead.PersonID
	Account lead.AccountID // 0 for none
	Change  Change         // from the outcome before the transaction to the one after it
	Traits  map[string]any // of the person
	Company map[string]any // of the account, as conditions see it
	Revised bool           // a verdict says that earlier events were, or were not, a human's
}

// Engine folds facts into leads on a database. It is safe for concurrent use.
type Engine struct {
	db      *db.DB
	now     func() time.Time
	log     *slog.Logger
	decided func(*db.Tx, []Decided, lead.Instant) error
	merged  func(tx *db.Tx, from, into lead.PersonID, now lead.Instant) error
	current atomic.Pointer[Published]
	inbox   chan *request
	woken   chan struct{} // told when there is something to tend to at once
	watch   watchers
	forms   *signal.Forms

	writing sync.Mutex // held by whoever writes; guards what follows
	folder  *Folder    // replaced when a playbook is published
	store   *ingest.Log
	known   *identity.Memory // nil on PostgreSQL
	shelf   shelf
}

type request struct {
	ctx   context.Context
	batch ingest.Batch
	with  func(*db.Tx) error // done in the same transaction, after the fold; nil for nothing
	// look is called after that with the number of the request and the fold; nil for nobody.
	look func(c *commit, w *work, i int) error
	done chan answer
}

type answer struct {
	receipt ingest.Receipt
	err     error
}

// NewEngine opens the fold on a migrated database. Without a published playbook it stores events and
// decides nothing until one is published.
func NewEngine(ctx context.Context, d *db.DB, o Options) (*Engine, error) {
	e := &Engine{
		db: d, now: o.Now, log: o.Logger, decided: o.Decided, merged: o.Merged,
		inbox: make(chan *request, waiting), woken: make(chan struct{}, 1), shelf: newShelf(),
		forms: signal.NewForms(),
	}
	if e.embedded() {
		e.known = identity.NewMemory()
	}
	err := d.Read(ctx, func(tx *db.Tx) error { return e.refresh(tx) })
	if err == nil {
		e.store, err = ingest.OpenLog(ctx, d)
	}
	if err == nil {
		err = e.recover(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("open engine: %w", err)
	}
	return e, nil
}

// Current is the playbook in force; nil when none was published.
func (e *Engine) Current() *Published { return e.current.Load() }

func (e *Engine) instant() lead.Instant { return lead.At(e.now()) }

// refresh loads the playbook in force when another process has published a newer one.
func (e *Engine) refresh(tx *db.Tx) error {
	version, err := newestVersion(tx)
	if err != nil || version == 0 {
		return err
	}
	if now := e.current.Load(); now != nil && now.Version == version {
		return nil
	}
	pub, err := FindPlaybook(tx, version)
	if err != nil {
		return err
	}
	e.current.Store(pub)
	return nil
}

// Submit hands a batch to the committer and returns when it is durable. A full queue answers TooMany, a
// commit whose outcome is not known Unavailable: the same batch may then be sent again, since message ids
// count once.
func (e *Engine) Submit(ctx context.Context, b ingest.Batch) (ingest.Receipt, error) {
	earlier := e.mark(&b)
	defer e.judge(ctx, earlier)
	return e.submit(ctx, &request{ctx: ctx, batch: b, done: make(chan answer, 1)})
}

// mark notes on arriving events what their senders give away; it answers the forms that turn out to have
// been the first of a storm.
func (e *Engine) mark(b *ingest.Batch) []signal.Form {
	for i := range b.Events {
		signal.Mark(&b.Events[i])
	}
	return e.forms.Suspect(b)
}

func (e *Engine) submit(ctx context.Context, r *request) (ingest.Receipt, error) {
	select {
	case e.inbox <- r:
	default:
		return ingest.Receipt{}, fault.New(fault.TooMany, "More events arrive than can be stored.").
			WithCode("overloaded").WithHint("Send the batch again in a few seconds.")
	}
	select {
	case a := <-r.done:
		return a.receipt, a.err
	case <-ctx.Done():
		return ingest.Receipt{}, fault.New(fault.Unavailable, "The request was given up before it was stored.").
			WithCause(ctx.Err()).WithHint("Send the batch again: message ids count once.")
	}
}

// State commits one fact that a person or the product states, together with what with does on the same
// transaction: both or neither.
func (e *Engine) State(ctx context.Context, fact lead.Event, with func(*db.Tx) error) (ingest.Receipt, error) {
	batch := ingest.Batch{Source: fact.Source, ReceivedAt: fact.ReceivedAt, Events: []lead.Event{fact}}
	receipts, changes, err := e.commit(context.WithoutCancel(ctx), []*request{{ctx: ctx, batch: batch, with: with}})
	if err != nil {
		return ingest.Receipt{}, err
	}
	e.watch.tell(changes)
	return receipts[0], nil
}

// Run commits batches and wakes leads until the context ends; then it finishes what is in hand.
func (e *Engine) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	sweep := sweeper{}
	for {
		select {
		case <-ctx.Done():
			return e.finish(context.WithoutCancel(ctx))
		case first := <-e.inbox:
			e.serve(context.WithoutCancel(ctx), first)
		case <-e.woken:
			timer.Reset(0)
		case <-timer.C:
			timer.Reset(e.tend(ctx, &sweep))
		}
	}
}

// finish commits what was accepted into the queue before the end.
func (e *Engine) finish(ctx context.Context) error {
	for {
		select {
		case first := <-e.inbox:
			e.serve(ctx, first)
		default:
			return e.Settle(ctx)
		}
	}
}

// serve gathers what waits behind the first request, commits it as one, and answers everybody.
func (e *Engine) serve(ctx context.Context, first *request) {
	reqs, events := []*request{first}, len(first.batch.Events)
gather:
	for events < gatherEvents {
		select {
		case r := <-e.inbox:
			reqs = append(reqs, r)
			events += len(r.batch.Events)
		default:
			break gather
		}
	}
	receipts, changes, err := e.commit(ctx, reqs)
	for i, r := range reqs {
		a := answer{err: err}
		if err == nil {
			a.receipt = receipts[i]
		}
		r.done <- a
	}
	if err != nil {
		e.log.ErrorContext(ctx, "commit failed", slog.Any("error", err), slog.Int("requests", len(reqs)))
		return
	}
	e.watch.tell(changes)
	if e.full() {
		if err := e.Settle(ctx); err != nil {
			e.log.ErrorContext(ctx, "settle failed", slog.Any("error", err))
		}
	}
}

// Publish makes a checked playbook the one in force, unless its handoff section is wrong. Leads are folded
// again under it as they are touched, and all others soon after.
func (e *Engine) Publish(ctx context.Context, p *playbook.Playbook, by, note string) (*Published, error) {
	if _, problems := handoff.Compile(p); problems.Err() != nil {
		return nil, problems
	}
	var pub *Published
	err := e.db.Write(ctx, func(tx *db.Tx) (err error) {
		pub, err = publish(tx, p, by, note, e.instant())
		return err
	})
	if err != nil {
		return nil, err
	}
	e.current.Store(pub)
	e.nudge()
	return pub, nil
}

// nudge lets the wake loop look again at once.
func (e *Engine) nudge() {
	select {
	case e.woken <- struct{}{}:
	default:
	}
}
