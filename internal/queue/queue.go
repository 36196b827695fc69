package queue

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"cusp/internal/db"
	"cusp/internal/lead"
)

// Options are what a [Queue] needs to know.
type Options struct {
	Now    func() time.Time // the wall clock
	Logger *slog.Logger     // nil for none
	// Elapsed is time that nobody sets: since boot, sleep included, see [SinceBoot]. A timer that was set
	// for five minutes from now fires when five minutes have elapsed, whatever happened to the wall clock
	// in between; across a restart the wall clock counts. Nil for the monotonic reading of Now.
	Elapsed func() time.Duration
	// Parallel is how many jobs run at once for one destination; 0 for four.
	Parallel int
	// MaxRunning is how many run at once in all; 0 for 256. It bounds memory, not load: it is far above
	// what the destinations that answer can use, so that those that hang do not eat it up.
	MaxRunning int
}

// Handler does a job. Its error means another attempt or the end, as the kind's [Policy] says; so does a
// panic. ctx ends with the policy's timeout, and when the queue stops.
type Handler func(ctx context.Context, c *Claim) error

type kind struct {
	policy  Policy
	handler Handler
}

// Queue runs the jobs of a database. Any number of processes may run one on the same PostgreSQL; a SQLite
// file has one.
type Queue struct {
	db    *db.DB
	o     Options
	log   *slog.Logger
	clock *clock
	wake  chan struct{}
	work  context.Context // of handlers; ends when they must
	// fruitless counts the turns in a row that found something due and could not have it.
	fruitless int
	group     sync.WaitGroup

	mu       sync.Mutex
	kinds    map[string]kind
	running  map[string]int // handlers that have not returned, by destination
	finished []outcome      // what handlers reported, not yet stored
	sleeping lead.Instant   // until when the loop sleeps; 0 while it does not
	counts   Counts
}

// New makes the queue of this process and puts it beside the database, where [Enqueue] finds it. It does
// nothing before [Queue.Run].
func New(d *db.DB, o Options) *Queue {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Parallel == 0 {
		o.Parallel = 4
	}
	if o.MaxRunning == 0 {
		o.MaxRunning = 256
	}
	q := &Queue{
		db: d, o: o, log: o.Logger, wake: make(chan struct{}, 1),
		kinds: map[string]kind{}, running: map[string]int{},
	}
	q.clock = newClock(o.Now, o.Elapsed, func(by time.Duration) {
		q.count(func(c *Counts) { c.Jumps++ })
		level := slog.LevelWarn
		if by.Abs() < smallestWarning {
			level = slog.LevelInfo // virtual machines step their clocks so all day
		}
		q.log.Log(context.Background(), level, //nolint:forbidigo // a clock has no request
			"the wall clock jumped; timers keep to elapsed time", slog.Duration("by", by))
	})
	d.Attach(attachment{}, q)
	return q
}

// Handle registers the handler of a kind. Jobs of kinds without one wait for a process that has it.
func (q *Queue) Handle(name string, p Policy, h Handler) error {
	p = p.withDefaults()
	if err := p.check(); err != nil {
		return fmt.Errorf("handle %s: %w", name, err)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if _, ok := q.kinds[name]; ok {
		return fmt.Errorf("handle %s: it has a handler already", name)
	}
	q.kinds[name] = kind{p, h}
	return nil
}

// names are the kinds that are handled here.
func (q *Queue) names() []any {
	q.mu.Lock()
	defer q.mu.Unlock()
	all := make([]string, 0, len(q.kinds))
	for name := range q.kinds {
		all = append(all, name)
	}
	slices.Sort(all)
	keys := make([]any, len(all))
	for i, name := range all {
		keys[i] = name
	}
	return keys
}

func (q *Queue) kind(name string) kind {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.kinds[name]
}

const (
	stopGrace = 2 * time.Second // for handlers to finish by themselves when the queue stops
	stopLimit = 2 * time.Second // for handlers to notice that their context has ended
	storeFor  = 5 * time.Second // for the last outcomes to be stored
)

// Run runs jobs until ctx ends, then lets the handlers finish and gives back what they did not get done.
func (q *Queue) Run(ctx context.Context) error {
	if err := q.start(ctx); err != nil {
		return err
	}
	work, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	q.work = work
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-timer.C:
			timer.Reset(q.turn(ctx))
		case <-q.wake:
			timer.Reset(q.turn(ctx))
		}
	}
	return q.stop(ctx, end)
}

// start takes over what an earlier process left behind. Only one process has a SQLite file, so whatever
// runs in it has lost its worker; on PostgreSQL the leases tell.
func (q *Queue) start(ctx context.Context) error {
	err := q.db.Write(ctx, func(tx *db.Tx) error {
		if tx.Dialect() == db.SQLite {
			if _, err := tx.Exec(strand); err != nil {
				return err
			}
		}
		q.clock.restart()
		_, err := tx.Exec(unskew)
		return err
	})
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("start the queue: %w", err)
	}
	return nil
}

func (q *Queue) stop(ctx context.Context, end context.CancelFunc) error {
	idle := make(chan struct{})
	go func() { q.group.Wait(); close(idle) }()
	timer := time.NewTimer(stopGrace)
	defer timer.Stop()
	select {
	case <-idle:
	case <-timer.C:
		end()
		timer.Reset(stopLimit)
		select {
		case <-idle:
		case <-timer.C:
			q.log.LogAttrs(ctx, slog.LevelWarn, "handlers do not stop; their jobs are taken up when their leases end")
		}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeFor)
	defer cancel()
	done, err := q.fails(ctx)
	if err != nil {
		return err
	}
	_, err = q.claim(ctx, done, nil)
	return err
}

// nudge wakes the loop when it sleeps longer than until due.
func (q *Queue) nudge(due lead.Instant) {
	q.mu.Lock()
	soon := due < q.sleeping
	q.mu.Unlock()
	if soon {
		q.now()
	}
}

// now makes the loop turn once more.
func (q *Queue) now() {
	select {
	case q.wake <- struct{}{}:
	default: // it will turn anyway
	}
}
