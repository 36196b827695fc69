package alert

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"

	"cusp/internal/flow"
)

const (
	feedKeeps = 1024 // events that somebody who comes back can still get
	feedLag   = 64   // events that a watcher may be behind
)

// Event is something that just happened.
type Event struct {
	ID   string // of this process only
	Type string // decision, handoff
	Data json.RawMessage
}

// Feed hands on what happens to whoever watches. Nobody holds it up: a watcher that does not keep up is
// let go, comes back, and gets what it missed. It knows what happens in this process, and forgets it with
// the process.
type Feed struct {
	boot string // in front of every id, so that ids of another process are not mistaken

	mu       sync.Mutex
	ring     []Event
	no       int64
	watchers map[*Watcher]struct{}
	closed   bool
}

// Watcher is one who watches.
type Watcher struct {
	C      <-chan Event // closed when the watcher fell behind or the feed ended
	Missed bool         // events may be missing between the last one seen and the first of C

	c    chan Event
	feed *Feed
}

// NewFeed makes an empty feed.
func NewFeed(random io.Reader) (*Feed, error) {
	raw := make([]byte, 4)
	if _, err := io.ReadFull(random, raw); err != nil {
		return nil, fmt.Errorf("name the feed: %w", err)
	}
	return &Feed{boot: hex.EncodeToString(raw), watchers: map[*Watcher]struct{}{}}, nil
}

// Publish tells all watchers. It never waits.
func (f *Feed) Publish(kind string, data json.RawMessage) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.no++
	e := Event{ID: f.boot + "-" + strconv.FormatInt(f.no, 10), Type: kind, Data: data}
	if len(f.ring) == feedKeeps {
		f.ring = append(f.ring[:0:0], f.ring[feedKeeps/4:]...)
	}
	f.ring = append(f.ring, e)
	for w := range f.watchers {
		select {
		case w.c <- e:
		default:
			f.drop(w)
		}
	}
}

func (f *Feed) drop(w *Watcher) {
	if _, ok := f.watchers[w]; ok {
		delete(f.watchers, w)
		close(w.c)
	}
}

// Watch begins after the event with an id; empty for what happens from now on.
func (f *Feed) Watch(after string) *Watcher {
	f.mu.Lock()
	defer f.mu.Unlock()
	missed, backlog := f.since(after)
	c := make(chan Event, len(backlog)+feedLag)
	for _, e := range backlog {
		c <- e
	}
	w := &Watcher{C: c, Missed: missed, c: c, feed: f}
	f.watchers[w] = struct{}{}
	if f.closed {
		f.drop(w)
	}
	return w
}

// since is what happened after an event, and whether that is not all.
func (f *Feed) since(after string) (missed bool, events []Event) {
	if after == "" {
		return false, nil
	}
	boot, text, _ := strings.Cut(after, "-")
	no, err := strconv.ParseInt(text, 10, 64)
	behind := f.no - no
	if err != nil || boot != f.boot || behind < 0 || behind > int64(len(f.ring)) {
		return true, nil
	}
	return false, f.ring[int64(len(f.ring))-behind:]
}

// Stop ends watching. It may be called twice.
func (w *Watcher) Stop() {
	w.feed.mu.Lock()
	defer w.feed.mu.Unlock()
	w.feed.drop(w)
}

// Close lets every watcher go, so that a server can stop.
func (f *Feed) Close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	for w := range f.watchers {
		f.drop(w)
	}
}

// Decided is a decision as watchers get it. It is part of the public contract.
type Decided struct {
	Person      string  `json:"person"`
	At          string  `json:"at"`
	From        string  `json:"from"`
	Decision    string  `json:"decision"`
	Track       string  `json:"track"`
	StageBefore string  `json:"stage_before"`
	Stage       string  `json:"stage"`
	Intent      float64 `json:"intent"`
}

// Follow publishes decisions until ctx ends.
func (f *Feed) Follow(ctx context.Context, changes <-chan flow.Announced) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case x := <-changes:
			before, stage := x.Change.Stages()
			data, err := json.Marshal(Decided{
				Person: x.Person, At: x.Change.At.String(), From: string(x.Change.From.Decision), Decision: string(x.Change.To.Decision),
				Track: string(x.Change.To.Track), StageBefore: string(before), Stage: string(stage), Intent: x.Change.Intent,
			})
			if err != nil {
				return fmt.Errorf("tell of a decision: %w", err)
			}
			f.Publish("decision", data)
		}
	}
}
