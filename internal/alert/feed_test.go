package alert_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cusp/internal/alert"
)

func newFeed(t *testing.T) *alert.Feed {
	t.Helper()
	f, err := alert.NewFeed(bytes.NewReader([]byte{1, 2, 3, 4}))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func publish(f *alert.Feed, from, to int) {
	for i := from; i <= to; i++ {
		f.Publish("decision", []byte(fmt.Sprint(i)))
	}
}

// read takes what is there.
func read(w *alert.Watcher) (ids []string, ended bool) {
	for {
		select {
		case e, ok := <-w.C:
			if !ok {
				return ids, true
			}
			ids = append(ids, e.ID)
		default:
			return ids, false
		}
	}
}

func TestFeed_comesBackWhereItLeft(t *testing.T) {
	t.Parallel()
	f := newFeed(t)
	publish(f, 1, 3)
	w := f.Watch("")
	publish(f, 4, 5)
	ids, ended := read(w)
	if diff := cmp.Diff([]string{"01020304-4", "01020304-5"}, ids); diff != "" || ended || w.Missed {
		t.Error(diff, ended, w.Missed)
	}
	w.Stop()
	w.Stop()
	publish(f, 6, 7)
	again := f.Watch("01020304-5")
	ids, _ = read(again)
	if diff := cmp.Diff([]string{"01020304-6", "01020304-7"}, ids); diff != "" || again.Missed {
		t.Error(diff, again.Missed)
	}
	for _, id := range []string{"ffffffff-5", "01020304-99", "01020304", "x", "01020304--1"} {
		if w := f.Watch(id); !w.Missed {
			t.Errorf("%s: nothing missed", id)
		}
	}
	if w := f.Watch("01020304-7"); w.Missed {
		t.Error("up to date, and yet missed something")
	}
	if w := f.Watch("01020304-0"); w.Missed {
		t.Error("the whole ring is missed")
	}
}

func TestFeed_letsTheSlowGo(t *testing.T) {
	t.Parallel()
	f := newFeed(t)
	slow, quick := f.Watch(""), f.Watch("")
	var got int
	for i := range 5000 {
		publish(f, i, i)
		ids, _ := read(quick)
		got += len(ids)
	}
	if got != 5000 {
		t.Errorf("the quick one got %d", got)
	}
	ids, ended := read(slow)
	if len(ids) == 0 || !ended {
		t.Errorf("the slow one got %d and goes on", len(ids))
	}
	if w := f.Watch(ids[len(ids)-1]); !w.Missed {
		t.Error("what the ring has forgotten is not missed")
	}
}

func TestFeed_ends(t *testing.T) {
	t.Parallel()
	f := newFeed(t)
	w := f.Watch("")
	f.Close()
	f.Close()
	if _, ended := read(w); !ended {
		t.Error("a watcher goes on after the end")
	}
	if _, ended := read(f.Watch("")); !ended {
		t.Error("a watcher begins after the end")
	}
	publish(f, 1, 2)
}
