package queue_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"cusp/internal/db"
	"cusp/internal/db/dbtest"
	"cusp/internal/db/migrate"
	"cusp/internal/lead"
	"cusp/internal/queue"
)

// bubble runs a test in fake time, with a queue whose wall clock may jump. While the database works, no
// time passes.
func bubble(t *testing.T, dialect db.Dialect, f func(t *testing.T, s *sleeper)) {
	t.Helper()
	dsn := dbtest.DSN(t, dialect)
	synctest.Test(t, func(t *testing.T) {
		d, err := db.Open(t.Context(), dsn, db.Options{MaxReaders: 4})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		}()
		if _, err := migrate.Run(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		f(t, newSleeper(t, d))
	})
}

// sleeper is a queue that runs by itself in fake time.
type sleeper struct {
	*rig
	jumped atomic.Int64
	stop   func()
}

func newSleeper(t *testing.T, d *db.DB) *sleeper {
	s := &sleeper{rig: &rig{T: t, d: d}}
	s.q = queue.New(d, queue.Options{Now: s.now, Elapsed: sinceThen(), Parallel: 2, MaxRunning: 20})
	return s
}

func sinceThen() func() time.Duration {
	begin := time.Now()
	return func() time.Duration { return time.Since(begin) }
}

func (s *sleeper) now() time.Time {
	return start.Add(time.Since(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)) + time.Duration(s.jumped.Load()))
}

func (s *sleeper) run() {
	ctx, cancel := context.WithCancel(s.Context())
	done := make(chan error, 1)
	go func() { done <- s.q.Run(ctx) }()
	time.Sleep(time.Millisecond) // until it has taken over what is there
	s.stop = func() {
		cancel()
		if err := <-done; err != nil {
			s.Error(err)
		}
	}
}

// TestDestinations is D12: of ten destinations one always fails, one hangs and one gets a message that
// makes its handler panic. The others are served as if these were not there.
func TestDestinations_doNotWaitForEachOther(t *testing.T) {
	t.Parallel()
	serve := func(t *testing.T, s *sleeper, sick bool) map[string][]time.Duration {
		var mu sync.Mutex
		took := map[string][]time.Duration{}
		s.handle("hook", queue.Policy{MaxAge: 72 * time.Hour}, func(ctx context.Context, c *queue.Claim) error {
			switch {
			case sick && c.Destination == "fails":
				return errors.New("503")
			case sick && c.Destination == "hangs":
				<-ctx.Done()
				return ctx.Err()
			case sick && c.Destination == "poison" && c.Key == "poison 3":
				panic("poison")
			}
			time.Sleep(100 * time.Millisecond)
			mu.Lock()
			defer mu.Unlock()
			took[c.Destination] = append(took[c.Destination], s.now().Sub(c.RunAt.Time()))
			return nil
		})
		s.run()
		for i := range 30 {
			s.write(func(tx *db.Tx) error {
				var jobs []queue.Job
				for _, to := range []string{"a", "b", "c", "d", "e", "f", "g", "fails", "hangs", "poison"} {
					jobs = append(jobs, queue.Job{Kind: "hook", Key: fmt.Sprint(to, " ", i), Destination: to, RunAt: lead.At(s.now())})
				}
				return queue.EnqueueAll(tx, jobs)
			})
			time.Sleep(70 * time.Millisecond)
		}
		time.Sleep(time.Minute)
		mu.Lock()
		defer mu.Unlock()
		return took
	}
	bubble(t, db.SQLite, func(t *testing.T, s *sleeper) {
		healthy := serve(t, s, false)
		s.stop()
		sick := newSleeper(t, s.d)
		sick.write(func(tx *db.Tx) error { _, err := queue.Purge(tx, lead.Never); return err })
		got := serve(t, sick, true)
		for _, to := range []string{"a", "b", "c", "d", "e", "f", "g"} {
			slices.Sort(got[to])
			slices.Sort(healthy[to])
			if len(got[to]) != 30 || got[to][29] > healthy[to][29]*12/10 {
				t.Errorf("%s: %d served, slowest %v, healthy %v", to, len(got[to]), got[to][29], healthy[to][29])
			}
		}
		if len(got["poison"]) != 29 {
			t.Errorf("%d beside the poison were served", len(got["poison"]))
		}
		time.Sleep(71 * time.Hour)
		sick.state("hook", "fails 0", queue.Waiting)
		time.Sleep(14 * time.Hour) // the hanging one's queue is long: two at a time, twenty seconds each
		for _, key := range []string{"fails 0", "fails 29", "poison 3", "hangs 0"} {
			rec := sick.state("hook", key, queue.Dead)
			if age := rec.FinishedAt.Sub(rec.FirstAt); age < 72*time.Hour || age > 73*time.Hour {
				t.Errorf("%s was given up after %v", key, age)
			}
		}
		sick.stop()
	})
}

// TestTimers is D15: ten thousand timers, while the wall clock is set back an hour and forward a day, ten
// years, and by a leap second; in Berlin, summer time begins. Each fires once, never early, and not late either.
func TestTimers_keepToElapsedTime(t *testing.T) {
	t.Parallel()
	const timers = 10_000
	bubble(t, db.SQLite, func(t *testing.T, s *sleeper) {
		fired := make([]atomic.Int64, timers)
		var early, late atomic.Int64
		begin := time.Now()
		s.handle("timer", queue.Policy{Parallel: 64}, func(_ context.Context, c *queue.Claim) error {
			var n int
			var after time.Duration
			if _, err := fmt.Sscan(string(c.Payload), &n, &after); err != nil {
				return err
			}
			fired[n].Add(1)
			switch off := time.Since(begin) - after; {
			case off < 0:
				early.Add(1)
			case off > time.Second || c.Lateness > time.Second:
				late.Add(1)
			}
			return nil
		})
		s.run()
		jumps := []time.Duration{0, -time.Hour, 24 * time.Hour, -time.Second, 10 * 8766 * time.Hour, -48 * time.Hour}
		for i, jump := range jumps {
			s.jumped.Add(int64(jump))
			s.write(func(tx *db.Tx) error { return queue.EnqueueAll(tx, someTimers(s, begin, i, len(jumps), timers)) })
			time.Sleep(5 * time.Hour)
		}
		time.Sleep(50 * time.Hour)
		s.stop()
		for n := range fired {
			if got := fired[n].Load(); got != 1 {
				t.Fatalf("timer %d fired %d times", n, got)
			}
		}
		if early.Load() != 0 || late.Load() != 0 {
			t.Errorf("%d fired early, %d late", early.Load(), late.Load())
		}
		if c := s.q.Counts(); c.Jumps != int64(len(jumps)-1) || c.Done != timers {
			t.Errorf("%+v", c)
		}
	})
}

// someTimers are a share of all timers, over the next fifty hours, set by the wall clock as it is.
func someTimers(s *sleeper, begin time.Time, share, of, timers int) []queue.Job {
	berlin, _ := time.LoadLocation("Europe/Berlin")
	var jobs []queue.Job
	for n := share; n < timers; n += of {
		after := time.Duration(n%200) * 900 * time.Second
		at := s.now().In(berlin).Add(after) // through the night in which clocks change
		jobs = append(jobs, queue.Job{
			Kind: "timer", Key: fmt.Sprint(n), RunAt: lead.At(at),
			Payload: fmt.Appendf(nil, "%d %d", n, after+time.Since(begin)),
		})
	}
	return jobs
}

// TestRestart: what fell due while nobody ran is done at once and says how late it is, once; a jump
// of the wall clock before the restart does not shift what is left.
func TestRestart_doesWhatWasMissed(t *testing.T) {
	t.Parallel()
	bubble(t, db.SQLite, func(t *testing.T, s *sleeper) {
		s.handle("timer", queue.Policy{}, nothing)
		s.run()
		s.jumped.Add(int64(24 * time.Hour))
		for h := range 4 {
			at := s.now().Add(time.Duration(h+1) * time.Hour)
			s.enqueue(queue.Job{Kind: "timer", Key: fmt.Sprint(h + 1), RunAt: lead.At(at)})
		}
		time.Sleep(90 * time.Minute)
		s.stop()
		s.state("timer", "1", queue.Done)
		time.Sleep(time.Hour)
		s.state("timer", "2", queue.Waiting)

		next := newSleeper(t, s.d)
		next.jumped.Store(s.jumped.Load())
		var did sync.Map
		next.handle("timer", queue.Policy{}, func(_ context.Context, c *queue.Claim) error {
			did.Store(c.Key, c.Lateness)
			return nil
		})
		next.run()
		time.Sleep(time.Second)
		if late, _ := did.Load("2"); late != 30*time.Minute {
			t.Errorf("timer 2 is late by %v", late)
		}
		time.Sleep(29 * time.Minute)
		if _, ok := did.Load("3"); ok {
			t.Error("timer 3 fired early")
		}
		time.Sleep(time.Minute)
		if late, ok := did.Load("3"); !ok || late.(time.Duration) > time.Second {
			t.Errorf("timer 3 is late by %v", late)
		}
		next.stop()
		if c := next.q.Counts(); c.Late != 1 {
			t.Errorf("%+v", c)
		}
	})
}

// TestStop gives back what is not finished, without a mark against it.
func TestStop_givesBack(t *testing.T) {
	t.Parallel()
	for _, dialect := range dbtest.Dialects() {
		t.Run(dialect.String(), func(t *testing.T) {
			t.Parallel()
			bubble(t, dialect, func(t *testing.T, s *sleeper) {
				s.handle("quick", queue.Policy{}, func(context.Context, *queue.Claim) error { time.Sleep(time.Second); return nil })
				s.handle("slow", queue.Policy{}, func(ctx context.Context, _ *queue.Claim) error { <-ctx.Done(); return ctx.Err() })
				s.run()
				s.enqueue(queue.Job{Kind: "quick", Key: "k"})
				s.enqueue(queue.Job{Kind: "slow", Key: "k"})
				time.Sleep(500 * time.Millisecond)
				begin := time.Now()
				s.stop()
				if took := time.Since(begin); took > 4*time.Second {
					t.Errorf("the stop took %v", took)
				}
				s.state("quick", "k", queue.Done)
				if rec := s.state("slow", "k", queue.Waiting); rec.Failed != 0 || rec.Attempt != 1 {
					t.Errorf("%+v", rec)
				}
			})
		})
	}
}

// TestHandlers_thatIgnoreTheirTimeout lose their lease within a minute, and their late report counts for
// nothing.
func TestHandlers_thatDoNotComeBack(t *testing.T) {
	t.Parallel()
	bubble(t, db.SQLite, func(t *testing.T, s *sleeper) {
		var second time.Duration
		begin := time.Now()
		s.handle("deaf", queue.Policy{Timeout: queue.MaxTimeout}, func(_ context.Context, c *queue.Claim) error {
			if c.Attempt == 1 {
				time.Sleep(5 * time.Minute)
				return errors.New("late")
			}
			second = time.Since(begin)
			return nil
		})
		s.run()
		id := s.enqueue(queue.Job{Kind: "deaf", Key: "k"})
		time.Sleep(10 * time.Minute)
		s.stop()
		if rec := s.state("deaf", "k", queue.Done); rec.Attempt != 2 || rec.ID != id || second > time.Minute || second < queue.MaxTimeout {
			t.Errorf("%+v, second attempt after %v", rec, second)
		}
	})
}

// TestRun_wakesForWhatIsEarlier: the loop sleeps until the next job and is woken by commits only if they
// need it.
func TestRun_wakesForWhatIsEarlier(t *testing.T) {
	t.Parallel()
	for _, dialect := range dbtest.Dialects() {
		t.Run(dialect.String(), func(t *testing.T) {
			t.Parallel()
			bubble(t, dialect, func(t *testing.T, s *sleeper) {
				s.handle("timer", queue.Policy{}, func(_ context.Context, c *queue.Claim) error {
					if off := s.now().Sub(c.RunAt.Time()); off < 0 || off > 10*time.Millisecond {
						t.Errorf("timer %s fired after %v", c.Key, off)
					}
					return nil
				})
				s.run()
				synctest.Wait()
				begin := s.now()
				for _, sec := range []int{50, 10, 30, 0} {
					s.enqueue(queue.Job{Kind: "timer", Key: fmt.Sprint(sec), RunAt: lead.At(begin.Add(time.Duration(sec) * time.Second))})
				}
				time.Sleep(time.Minute)
				s.stop()
				if c := s.q.Counts(); c.Done != 4 || c.Late != 0 {
					t.Errorf("%+v", c)
				}
			})
		})
	}
}
