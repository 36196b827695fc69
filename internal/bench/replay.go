package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"cusp/internal/canon"
	"cusp/internal/db"
	"cusp/internal/db/migrate"
	"cusp/internal/decide"
	"cusp/internal/flow"
	"cusp/internal/ingest"
	"cusp/internal/lead"
	"cusp/internal/playbook"
)

const (
	historyDays  = 180
	pieceEvents  = 2_000 // events stored in one transaction when a history is made
	ranges       = 64    // pieces of the log that the workers share
	benchSource  = lead.SourceID(1)
	mebibyte     = 1 << 20
	resetPeakRSS = "5" // what Linux wants written to clear_refs
)

// Replay measures the fold of a whole history from the log under the playbook in force. Raw is the same
// fold of the same events from memory; both must decide the same.
func Replay(ctx context.Context, o Options) (report *Report, err error) {
	r, err := start(ctx, "replay", o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	p, problems := playbook.Parse("playbook.yaml", playbookText)
	if err := problems.Err(); err != nil {
		return nil, fmt.Errorf("read the benchmark's playbook: %w", err)
	}
	d, err := db.Open(ctx, filepath.Join(r.dir, "history.db"), db.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	if err := r.makeHistory(ctx, d, p); err != nil {
		return nil, fmt.Errorf("make a history: %w", err)
	}
	if err := r.replay(ctx, d, p); err != nil {
		return nil, fmt.Errorf("measure replay: %w", err)
	}
	return &r.report, nil
}

// makeHistory stores the events as an import would, lead by lead.
func (r *rig) makeHistory(ctx context.Context, d *db.DB, p *playbook.Playbook) error {
	if _, err := migrate.Run(ctx, d); err != nil {
		return err
	}
	engine, err := flow.NewEngine(ctx, d, flow.Options{Now: time.Now, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	if _, err := engine.Publish(ctx, p, "bench", ""); err != nil {
		return err
	}
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- engine.Run(running) }()
	err = r.tellHistory(ctx, engine)
	stop()
	return errors.Join(err, <-ended)
}

func (r *rig) tellHistory(ctx context.Context, engine *flow.Engine) error {
	r.Say(fmt.Sprintf("replay: storing %d events of %d leads", r.Events, r.Leads))
	var tree canon.Tree
	each := max(r.Events/r.Leads, 1)
	l := newLoad(r.Seed, "h-", r.Leads)
	begin := time.Now().AddDate(0, 0, -historyDays)
	for first := 0; first < r.Leads; first += max(pieceEvents/each, 1) {
		in := ingest.Reader{Trusted: true, Tree: &tree}
		in.Source, in.ReceivedAt = benchSource, lead.At(time.Now())
		for who := first; who < min(first+max(pieceEvents/each, 1), r.Leads); who++ {
			for i := range each {
				at := begin.Add(time.Duration(who%1440)*time.Minute + time.Duration(i)*historyDays*24*time.Hour/time.Duration(each+1))
				node, err := tree.Parse(l.eventOf(nil, who, at.UTC()))
				if err != nil {
					return err
				}
				in.Message(node, 0)
			}
		}
		if len(in.Rejected) > 0 {
			return fmt.Errorf("an event of the benchmark was rejected: %s", in.Rejected[0].Reason)
		}
		if _, err := engine.Submit(ctx, in.Batch); err != nil {
			return err
		}
	}
	return nil
}

// folded is what a replay comes to: it must not depend on where the events come from.
type folded struct {
	events    int
	decisions map[decide.Decision]int
}

func (f *folded) take(o folded) {
	f.events += o.events
	for d, n := range o.decisions {
		f.decisions[d] += n
	}
}

// eventSource hands one range of all profiles to fn, profile by profile.
type eventSource func(ctx context.Context, part int, fn func([]ingest.Stored) error) error

// foldAll folds everything of a source with as many workers as there are cores.
func foldAll(ctx context.Context, p *playbook.Playbook, src eventSource, now lead.Instant, into *series) (result folded, err error) {
	result.decisions = map[decide.Decision]int{}
	var mu sync.Mutex
	var next atomic.Int64
	var workers sync.WaitGroup
	begin, before := time.Now(), ownCPU()
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			part, failed := foldParts(ctx, p, src, &next, now)
			mu.Lock()
			defer mu.Unlock()
			result.take(part)
			err = errors.Join(err, failed)
		})
	}
	workers.Wait()
	into.add(result.events, time.Since(begin), ownCPU()-before, nil)
	return result, err
}

// foldParts is one worker: it takes the next range that nobody has taken.
func foldParts(ctx context.Context, p *playbook.Playbook, src eventSource, next *atomic.Int64, now lead.Instant) (folded, error) {
	out := folded{decisions: map[decide.Decision]int{}}
	f, l := flow.NewFolder(p), flow.NewLead(p)
	for {
		part := int(next.Add(1)) - 1
		if part >= ranges {
			return out, nil
		}
		err := src(ctx, part, func(timeline []ingest.Stored) error {
			l.Reset()
			f.Fold(l, timeline, nil, lead.Never)
			f.Advance(l, now)
			out.events += len(timeline)
			out.decisions[l.Outcome.Decision]++
			return nil
		})
		if err != nil {
			return out, err
		}
	}
}

// fromLog reads the ranges from the database.
func fromLog(ctx context.Context, d *db.DB) (eventSource, error) {
	var last lead.ProfileID
	err := d.Read(ctx, func(tx *db.Tx) (err error) {
		last, err = ingest.LastProfile(tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	edge := func(part int) lead.ProfileID { return lead.ProfileID(int64(part) * int64(last+1) / ranges) }
	return func(ctx context.Context, part int, fn func([]ingest.Stored) error) error {
		return ingest.ScanRange(ctx, d, edge(part), edge(part+1), func(_ lead.ProfileID, timeline []ingest.Stored) error {
			return fn(timeline)
		})
	}, nil
}

// fromMemory reads a source once and gives it again from memory.
func fromMemory(ctx context.Context, src eventSource) (eventSource, error) {
	var parts [ranges][][]ingest.Stored
	for part := range parts {
		err := src(ctx, part, func(timeline []ingest.Stored) error {
			parts[part] = append(parts[part], append([]ingest.Stored(nil), timeline...))
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return func(_ context.Context, part int, fn func([]ingest.Stored) error) error {
		for _, timeline := range parts[part] {
			if err := fn(timeline); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

func (r *rig) replay(ctx context.Context, d *db.DB, p *playbook.Playbook) error {
	log, err := fromLog(ctx, d)
	if err != nil {
		return err
	}
	now := lead.At(time.Now()) // one instant for all folds: a decision may change with time alone
	r.Say("replay: memory")
	peak, err := peakMemory(func() error {
		_, err := foldAll(ctx, p, log, now, &series{})
		return err
	})
	if err != nil {
		return err
	}
	memory, err := fromMemory(ctx, log)
	if err != nil {
		return err
	}
	var product, raw series
	for round := range r.Rounds {
		r.Say(fmt.Sprintf("replay, round %d of %d", round+1, r.Rounds))
		want, err := foldAll(ctx, p, memory, now, &raw)
		if err != nil {
			return err
		}
		got, err := foldAll(ctx, p, log, now, &product)
		if err != nil {
			return err
		}
		if got.events != want.events || !maps.Equal(got.decisions, want.decisions) {
			return fmt.Errorf("the log and memory disagree: %d events and %v, %d and %v", got.events, got.decisions, want.events, want.decisions)
		}
	}
	r.report.Results = append(r.report.Results,
		product.result("replay", raw.rates, "the same fold of the same events from memory"),
		Result{Name: "memory-replay", Rate: peak, Unit: "MiB", Note: "resident set at its peak, goal 1024"})
	return nil
}

// ownCPU is how long this process has computed.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// peakMemory is the largest resident set of this process while fn runs, in MiB; where the system does
// not tell, what the Go runtime holds afterwards.
func peakMemory(fn func() error) (float64, error) {
	debug.FreeOSMemory()
	reset := os.WriteFile("/proc/self/clear_refs", []byte(resetPeakRSS), 0)
	if err := fn(); err != nil {
		return 0, err
	}
	if reset == nil {
		if peak := mebibytes(procField("/proc/self/status", "VmHWM")); peak > 0 {
			return peak, nil
		}
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.Sys-m.HeapReleased) / mebibyte, nil
}
