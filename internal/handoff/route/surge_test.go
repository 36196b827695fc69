package route

import (
	"fmt"
	"testing"
	"time"

	"cusp/internal/lead"
)

// floor is a day on which reps work through a surge: whoever is full waits for room, first come first
// served, as the engine does with queued leads.
type floor struct {
	book  *Book
	reps  Reps
	pools Pools
	queue []HandoffID
	busy  map[RepID][]lead.Instant // ends of open handoffs
	had   map[RepID]int
	wait  map[HandoffID]lead.Instant // since when a lead waits
	worst time.Duration
}

func newFloor(weights []int, capacity int) *floor {
	f := &floor{
		book: &Book{Teams: []Team{{ID: "team", Fallback: true}}}, reps: Reps{}, pools: Pools{},
		busy: map[RepID][]lead.Instant{}, had: map[RepID]int{}, wait: map[HandoffID]lead.Instant{},
	}
	for i, w := range weights {
		id := RepID(fmt.Sprintf("r%d", i))
		f.reps[id] = Rep{ID: id, Active: true, Weight: w, Capacity: capacity, OpenNow: true}
		f.book.Teams[0].Members = append(f.book.Teams[0].Members, id)
	}
	return f
}

// minute ends handoffs, then offers the oldest waiting leads.
func (f *floor) minute(now lead.Instant, work time.Duration) {
	for id := range f.reps {
		open := f.busy[id][:0]
		for _, end := range f.busy[id] {
			if end > now {
				open = append(open, end)
			}
		}
		f.busy[id] = open
		edit(f.reps, func(r *Rep) { r.Open = len(open) }, id)
	}
	for len(f.queue) > 0 {
		h := f.queue[0]
		pools, a, _ := Assign(f.book, f.reps, f.pools, &Lead{Handoff: h}, now)
		if a.Outcome != ToRep {
			return
		}
		f.pools, f.queue = pools, f.queue[1:]
		f.had[a.Rep]++
		f.busy[a.Rep] = append(f.busy[a.Rep], now.Add(work))
		edit(f.reps, func(r *Rep) { r.Open++ }, a.Rep)
		f.worst = max(f.worst, now.Sub(f.wait[h]))
	}
}

// Ten times the leads for two hours: every lead gets a rep, none waits longer than the backlog takes,
// nobody is over capacity or idle, and the load stays shared.
func TestAssign_surgeStarvesNobody(t *testing.T) {
	t.Parallel()
	f := newFloor([]int{2, 2, 1, 1}, 5)
	const work = 20 * time.Minute // 4 reps × 5 handoffs: one lead a minute is the most they can do
	next, arrived := HandoffID(1), 0
	for minute := range 12 * 60 {
		now := monday.Add(time.Duration(minute) * time.Minute)
		arrivals := 0
		switch {
		case minute >= 60 && minute < 180:
			arrivals = 2 + minute%2 // ten times
		case minute < 480 && minute%4 == 0:
			arrivals = 1
		}
		for range arrivals {
			f.queue, f.wait[next] = append(f.queue, next), now
			next, arrived = next+1, arrived+1
		}
		f.minute(now, work)
		for id, r := range f.reps {
			if r.Open > r.Capacity {
				t.Fatalf("minute %d: %s has %d of %d", minute, id, r.Open, r.Capacity)
			}
			if len(f.queue) > 0 && r.Open < r.Capacity {
				t.Fatalf("minute %d: %d leads wait while %s has room", minute, len(f.queue), id)
			}
		}
	}
	total := 0
	for _, n := range f.had {
		total += n
	}
	if total != arrived || len(f.queue) > 0 {
		t.Errorf("%d leads came, %d were assigned, %d wait", arrived, total, len(f.queue))
	}
	if limit := 5 * time.Hour; f.worst > limit {
		t.Errorf("a lead waited %s", f.worst)
	}
	for id := range f.reps {
		if share := float64(f.had[id]) / float64(arrived); share < 0.15 || share > 0.36 {
			t.Errorf("%s got %.0f %% of the leads: %v", id, 100*share, f.had)
		}
	}
	t.Logf("%d leads, longest wait %s, %v", arrived, f.worst, f.had)
}
