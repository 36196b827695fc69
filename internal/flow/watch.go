package flow

import "sync"

// watchBuffer is how many changes a slow watcher may lag behind before it misses some.
const watchBuffer = 256

// Announced is a change of outcome with the person it is about, as watchers see it.
type Announced struct {
	Person string
	Change Change
}

// watchers are those who want to hear of changes as they are committed.
type watchers struct {
	mu   sync.Mutex
	all  map[int]chan Announced
	next int
}

// Watch returns a channel of changes, told after they are durable, and the function that ends it. A
// watcher that does not keep up misses changes; it never holds up a commit.
func (e *Engine) Watch() (changes <-chan Announced, stop func()) {
	w := &e.watch
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.all == nil {
		w.all = map[int]chan Announced{}
	}
	id, ch := w.next, make(chan Announced, watchBuffer)
	w.next++
	w.all[id] = ch
	return ch, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.all, id)
	}
}

func (w *watchers) tell(entries []entry) {
	if len(entries) == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, ch := range w.all {
		for _, x := range entries {
			select {
			case ch <- Announced{Person: x.person.String(), Change: x.change}:
			default:
			}
		}
	}
}
