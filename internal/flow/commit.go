package flow

import (
	"context"
	"fmt"
	"slices"

	"cusp/internal/db"
	"cusp/internal/identity"
	"cusp/internal/ingest"
	"cusp/internal/lead"
)

// colleaguesAtOnce is how many people of one account are folded again within a commit.
const colleaguesAtOnce = 200

// refusals word why identity refuses an event that was valid by itself.
var refusals = map[string]string{
	identity.NoIdentity:       "The event carries no usable identifier.",
	identity.AliasCycle:       "The alias would lead an identifier back to itself.",
	identity.NotTrusted:       "A public write key may not merge or take people apart.",
	identity.BadReference:     "One of the two identifiers cannot exist.",
	identity.UnknownReference: "One of the two ids does not exist.",
	identity.UnlikeReferences: "The two identifiers are one, or a person and an account.",
}

// commit stores the requests' events and all that follows from them in one transaction: duplicates are
// found, people resolved, events appended, the touched leads folded in id order, and states, ledger,
// wake times and accounts of the sources written. Any error leaves nothing behind.
func (e *Engine) commit(ctx context.Context, reqs []*request) (receipts []ingest.Receipt, changes []entry, err error) {
	e.writing.Lock()
	defer e.writing.Unlock()
	err = e.db.Write(ctx, func(tx *db.Tx) error {
		e.store.Begin()
		c := newCommit(e, tx, reqs)
		if err := c.store(); err != nil {
			return err
		}
		w, err := e.newWork(tx, c.now)
		if err != nil {
			return err
		}
		if w != nil {
			if err := c.fold(w); err != nil {
				return err
			}
			changes = w.entries
		}
		receipts = c.receipts
		if err := c.account(); err != nil {
			return err
		}
		return c.along(w)
	})
	if err != nil {
		return nil, nil, fmt.Errorf("commit events: %w", err)
	}
	return receipts, changes, nil
}

// commit is one transaction of the committer.
type commit struct {
	tx       *db.Tx
	engine   *Engine
	reqs     []*request
	now      lead.Instant
	receipts []ingest.Receipt
	rejected []ingest.Rejected
	where    identity.Resolution
	stored   []ingest.Stored
	person   map[lead.ProfileID]identity.Placement
	whose    []lead.PersonID // of each request, whose its last new event is; 0 for nobody
}

func newCommit(e *Engine, tx *db.Tx, reqs []*request) *commit {
	return &commit{
		tx: tx, engine: e, reqs: reqs, now: e.instant(),
		receipts: make([]ingest.Receipt, len(reqs)), whose: make([]lead.PersonID, len(reqs)),
	}
}

// store finds duplicates, resolves identities and appends what is left to the log.
func (c *commit) store() error {
	var events []lead.Event
	var origin []int
	for i, r := range c.reqs {
		c.receipts[i].Rejected = len(r.batch.Rejected)
		c.rejected = append(c.rejected, r.batch.Rejected...)
		for j := range r.batch.Events {
			events = append(events, r.batch.Events[j])
			origin = append(origin, i)
		}
	}
	duplicate, err := c.engine.store.Dedupe(c.tx, events)
	if err != nil {
		return err
	}
	fresh, freshOrigin := events[:0:0], origin[:0:0]
	for i := range events {
		if duplicate[i] {
			c.receipts[origin[i]].Duplicate++
			continue
		}
		fresh, freshOrigin = append(fresh, events[i]), append(freshOrigin, origin[i])
	}
	return c.place(fresh, freshOrigin)
}

// place resolves new events and appends those that belong to somebody.
func (c *commit) place(fresh []lead.Event, origin []int) (err error) {
	if len(fresh) == 0 {
		return nil
	}
	if c.where, err = c.engine.resolve(c.tx, fresh); err != nil {
		return err
	}
	c.person = make(map[lead.ProfileID]identity.Placement, len(fresh))
	placed := make([]ingest.Placed, 0, len(fresh))
	for i := range fresh {
		at := c.where.Events[i]
		if at.Refused != "" {
			c.receipts[origin[i]].Rejected++
			c.rejected = append(c.rejected, refused(&fresh[i], at.Refused))
			continue
		}
		c.receipts[origin[i]].Accepted++
		c.whose[origin[i]] = at.Person
		c.person[at.Profile] = at
		placed = append(placed, ingest.Placed{Profile: at.Profile, Event: fresh[i]})
	}
	c.stored, err = c.engine.store.Append(c.tx, placed)
	return err
}

func (e *Engine) resolve(tx *db.Tx, events []lead.Event) (identity.Resolution, error) {
	if e.known != nil {
		return e.known.Resolve(tx, events)
	}
	return identity.Resolve(tx, events)
}

func refused(e *lead.Event, code string) ingest.Rejected {
	r := ingest.NewRejected(ingest.Code(code), refusals[code], e.Body)
	r.Source, r.ReceivedAt, r.Trusted = e.Source, e.ReceivedAt, e.Flags.Has(lead.Trusted)
	return r
}

// fold brings every touched lead up to date.
func (c *commit) fold(w *work) error {
	if err := c.forget(); err != nil {
		return err
	}
	tasks := map[lead.PersonID]*task{}
	need := func(id lead.PersonID) *task {
		if tasks[id] == nil {
			tasks[id] = &task{person: id}
		}
		return tasks[id]
	}
	for i := range c.stored {
		at := c.person[c.stored[i].Profile]
		if at.Person == 0 {
			continue
		}
		t := need(at.Person)
		t.whole = at.New
		t.events = append(t.events, c.stored[i])
	}
	colleagues, err := c.colleagues(w)
	if err != nil {
		return err
	}
	for _, id := range append(colleagues, c.where.Refold...) {
		need(id).refold = true
	}
	list := make([]task, 0, len(tasks))
	for _, t := range tasks {
		t.whole = t.whole && !t.refold
		slices.SortFunc(t.events, func(a, b ingest.Stored) int { return a.Event.Compare(&b.Event) })
		list = append(list, *t)
	}
	if err := w.fold(list); err != nil {
		return err
	}
	return w.finish()
}

// forget drops the states of people who are part of others now.
func (c *commit) forget() error {
	for _, gone := range c.where.Gone {
		id := lead.PersonID(gone.From)
		if _, err := c.tx.Exec(deleteState, int64(id)); err != nil {
			return fmt.Errorf("forget merged person: %w", err)
		}
		c.tx.OnCommit(func() { c.engine.shelf.drop(id) })
		if c.engine.merged == nil {
			continue
		}
		if err := c.engine.merged(c.tx, id, lead.PersonID(gone.Into), c.now); err != nil {
			return err
		}
	}
	return nil
}

// colleagues are the people of the accounts of which something new is known: they are folded again with
// the event that said it. Of very large accounts the others follow as soon as the wake loop finds them.
func (c *commit) colleagues(w *work) ([]lead.PersonID, error) {
	accounts := slices.Clone(c.where.Accounts)
	for _, gone := range c.where.GoneAccounts {
		accounts = append(accounts, lead.AccountID(gone.From))
	}
	var out []lead.PersonID
	for _, id := range accounts {
		people, err := c.engine.shelf.peopleOf(c.tx, id)
		if err != nil {
			return nil, err
		}
		now := min(len(people), colleaguesAtOnce)
		out = append(out, people[:now]...)
		if err := w.later(people[now:]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// along does what callers want done with their facts.
func (c *commit) along(w *work) error {
	for i, r := range c.reqs {
		if r.with != nil {
			if err := r.with(c.tx); err != nil {
				return err
			}
		}
		if r.look != nil {
			if err := r.look(c, w, i); err != nil {
				return err
			}
		}
	}
	return nil
}

// account adds what came of the requests to the accounts of their sources and keeps what was rejected.
func (c *commit) account() error {
	if err := ingest.Reject(c.tx, c.rejected); err != nil {
		return err
	}
	counts := map[lead.SourceID]ingest.Counts{}
	for i, r := range c.reqs {
		n, got := counts[r.batch.Source], c.receipts[i]
		n.At = max(n.At, r.batch.ReceivedAt)
		n.Accepted += int64(got.Accepted)
		n.Duplicate += int64(got.Duplicate)
		n.Rejected += int64(got.Rejected)
		n.Received = n.Accepted + n.Duplicate + n.Rejected
		counts[r.batch.Source] = n
	}
	sources := make([]lead.SourceID, 0, len(counts))
	for id := range counts {
		sources = append(sources, id)
	}
	slices.Sort(sources)
	for _, id := range sources {
		if err := ingest.Count(c.tx, id, counts[id]); err != nil {
			return fmt.Errorf("count events: %w", err)
		}
	}
	return nil
}
