package queue_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"cusp/internal/db"
	"cusp/internal/db/dbtest"
	"cusp/internal/lead"
	"cusp/internal/queue"
)

// model is what the test knows of the jobs, whatever the database says.
type model struct {
	mu        sync.Mutex
	due       map[string]time.Duration // on the elapsed clock
	seen      map[string]queue.State   // the state, as last seen
	effects   map[string]int           // how often a handler's transaction committed
	active    map[string]int           // attempts at work on servers that live
	wrong     []string
	mood      string        // what handlers do at the moment
	release   chan struct{} // ends those that hang
	hung      int           // how many of them hang
	destroyed int           // servers up to here are gone
}

func (m *model) fault(format string, args ...any) {
	m.wrong = append(m.wrong, fmt.Sprintf(format, args...))
}

// handler does what the mood says and checks what may be asked of an attempt.
func (m *model) handler(d *db.DB, clock *hands, server int) queue.Handler {
	return func(ctx context.Context, c *queue.Claim) error {
		m.mu.Lock()
		if early := m.due[c.Key] - clock.elapsed(); early > 0 {
			m.fault("%s began %v early", c.Key, early)
		}
		if m.effects[c.Key] > 0 {
			m.fault("%s ran after it was done", c.Key)
		}
		if m.active[c.Key]++; m.active[c.Key] > 1 {
			m.fault("%s is run by two", c.Key)
		}
		mood, release := m.mood, m.release
		m.mu.Unlock()
		defer func() {
			m.mu.Lock()
			defer m.mu.Unlock()
			if server >= m.destroyed {
				m.active[c.Key]--
			}
		}()
		switch mood {
		case "fail":
			return errors.New("no")
		case "permanent":
			return queue.Permanent(errors.New("never"))
		case "panic":
			panic("oh")
		case "hang":
			m.hang(+1)
			<-release
			m.hang(-1)
		}
		err := d.Write(context.WithoutCancel(ctx), c.Complete)
		m.mu.Lock()
		defer m.mu.Unlock()
		if err == nil {
			m.effects[c.Key]++
		}
		return err
	}
}

func (m *model) hang(n int) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hung += n
	return m.hung
}

// reach says which states may be seen after which, by the arrows.
func reach() map[queue.State]map[queue.State]bool {
	to := map[queue.State]map[queue.State]bool{}
	all := []queue.State{queue.Waiting, queue.Running, queue.Done, queue.Dead, queue.Cancelled}
	for _, s := range all {
		to[s] = map[queue.State]bool{s: true}
	}
	for _, a := range queue.Arrows() {
		from, rest, _ := strings.Cut(a, " --> ")
		next, action, _ := strings.Cut(rest, ": ")
		if action != "replay" { // it is in the test's hands
			to[queue.State(from)][queue.State(next)] = true
		}
	}
	for _, via := range all {
		for _, from := range all {
			for next := range to[via] {
				if to[from][via] {
					to[from][next] = true
				}
			}
		}
	}
	return to
}

// TestMachine lets anything happen to a few jobs: failures, crashes, jumps of the clock, people who cancel
// and replay. None is lost, none runs twice at once, early, or after it took effect, and in the end every one
// is over.
func TestMachine(t *testing.T) {
	t.Parallel()
	possible := reach()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		rapid.Check(t, func(rt *rapid.T) { play(t, rt, d, possible) })
	})
}

type game struct {
	*rig
	*model
	rt      *rapid.T
	servers int
	leaps   bool // the clock jumps and nothing crashes: across a restart the wall clock counts
}

func play(t *testing.T, rt *rapid.T, d *db.DB, possible map[queue.State]map[queue.State]bool) {
	g := &game{rt: rt, rig: &rig{T: t, d: d, clock: &hands{}}, model: &model{
		due: map[string]time.Duration{}, seen: map[string]queue.State{}, effects: map[string]int{}, active: map[string]int{}, release: make(chan struct{}),
	}}
	g.write(func(tx *db.Tx) error { return tx.Script("test.clean", "delete from job; delete from queue_pause") })
	g.leaps = rapid.Bool().Draw(rt, "leaps")
	g.serve()
	actions := []func(){g.ask, g.ask, g.turn, g.turn, g.turn, g.elapse, g.elapse, g.leap, g.crash, g.cancelOne, g.moveOne, g.replayOne, g.holdOrResume}
	for range rapid.IntRange(1, 14).Draw(rt, "steps") {
		rapid.SampledFrom(actions).Draw(rt, "action")()
		g.check(possible)
	}
	g.finish(possible)
}

// serve begins a new server; on SQLite there is one at a time.
func (g *game) serve() {
	g.rig = g.beside(g.d)
	g.handle("k", queue.Policy{MaxAttempts: 6, First: time.Second}, g.handler(g.d, g.clock, g.servers))
	if err := g.q.Start(g.Context()); err != nil {
		g.rt.Fatal(err)
	}
}

func (g *game) key() string { return rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(g.rt, "key") }

func (g *game) when() lead.Instant {
	return g.clock.at().Add(time.Duration(rapid.IntRange(-2, 20).Draw(g.rt, "in")) * 100 * time.Millisecond)
}

func (g *game) setDue(key string, at lead.Instant) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.due[key] = g.clock.elapsed() + at.Sub(g.clock.at())
}

func (g *game) ask() {
	key, at := g.key(), g.when()
	if _, known := g.seen[key]; !known {
		g.setDue(key, at)
		g.seen[key] = queue.Waiting
	}
	g.enqueue(queue.Job{Kind: "k", Key: key, Destination: "one for all", RunAt: at})
}

func (g *game) turn() {
	mood := rapid.SampledFrom([]string{"work", "fail", "permanent", "panic", "hang"}).Draw(g.rt, "mood")
	g.mu.Lock()
	g.mood = mood
	g.mu.Unlock()
	g.q.Turn(g.Context())
	for g.q.Counts().Running != int64(g.hang(0)) { // the others come back by themselves
		runtime.Gosched()
	}
}

func (g *game) elapse() {
	g.letGo() // a handler that outlives its lease may run beside the next one: TestLease_… has that
	g.clock.pass(rapid.SampledFrom([]time.Duration{100 * time.Millisecond, time.Second, time.Minute, time.Hour}).Draw(g.rt, "pass"))
}

func (g *game) leap() {
	if !g.leaps {
		return
	}
	g.clock.jump(rapid.SampledFrom([]time.Duration{-time.Hour, 24 * time.Hour, time.Second, -time.Second}).Draw(g.rt, "jump"))
}

// letGo ends the handlers that hang.
func (g *game) letGo() {
	g.mu.Lock()
	close(g.release)
	g.release = make(chan struct{})
	g.mu.Unlock()
	g.q.Wait()
}

// crash loses a server with what it has in its hands; what it has not reported is gone.
func (g *game) crash() {
	if g.leaps {
		return
	}
	g.mu.Lock()
	g.servers++
	g.destroyed = g.servers
	clear(g.active)
	g.mu.Unlock()
	g.letGo() // its handlers may still get through, or not
	g.clock.pass(time.Minute)
	g.serve()
}

func (g *game) cancelOne() {
	key := g.key()
	_ = g.d.Write(g.Context(), func(tx *db.Tx) error { return queue.Cancel(tx, "k", key) }) // it may be over or unknown
}

func (g *game) moveOne() {
	key, at := g.key(), g.when()
	if g.d.Write(g.Context(), func(tx *db.Tx) error { return queue.Reschedule(tx, "k", key, at) }) != nil {
		return
	}
	g.setDue(key, at)
	g.letGo() // an attempt at work has lost it
}

func (g *game) replayOne() {
	key := g.key()
	if _, known := g.seen[key]; !known {
		return
	}
	g.letGo()
	id := g.find("k", key).ID
	if g.d.Write(g.Context(), func(tx *db.Tx) error { return queue.Replay(tx, id) }) == nil {
		g.setDue(key, g.clock.at())
		g.seen[key] = queue.Waiting
	}
}

func (g *game) holdOrResume() {
	g.write(func(tx *db.Tx) error {
		if rapid.Bool().Draw(g.rt, "hold") {
			return queue.Hold(tx, g.clock.at(), "test")
		}
		return queue.Resume(tx)
	})
}

// check compares what is stored with what can be.
func (g *game) check(possible map[queue.State]map[queue.State]bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for key, was := range g.seen {
		rec := g.find("k", key)
		if !possible[was][rec.State] {
			g.rt.Fatalf("%s went from %s to %s", key, was, rec.State)
		}
		if n := g.effects[key]; n > 1 || rec.State == queue.Done && n == 0 || rec.State != queue.Done && n > 0 {
			g.rt.Fatalf("%s is %s and took effect %d times", key, rec.State, n)
		}
		if (rec.LeaseUntil != 0) != (rec.State == queue.Running) || (rec.FinishedAt != 0) != (rec.State != queue.Running && rec.State != queue.Waiting) {
			g.rt.Fatalf("%+v", rec)
		}
		g.seen[key] = rec.State
	}
	if len(g.wrong) > 0 {
		g.rt.Fatal(strings.Join(g.wrong, "; "))
	}
}

// finish lets everything go well: then every job is over.
func (g *game) finish(possible map[queue.State]map[queue.State]bool) {
	g.letGo()
	g.mu.Lock()
	g.mood = "work"
	g.mu.Unlock()
	g.write(queue.Resume)
	for range 3 {
		g.clock.pass(3 * time.Hour)
		g.settle()
	}
	g.check(possible)
	for key, s := range g.seen {
		if s == queue.Waiting || s == queue.Running {
			g.rt.Fatalf("%s is left %s", key, s)
		}
	}
}
