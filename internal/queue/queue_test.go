package queue_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"cusp/internal/db"
	"cusp/internal/db/dbtest"
	"cusp/internal/queue"
	"time"
)

func TestSmoke(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		q := queue.New(d, queue.Options{Now: time.Now})
		var mu sync.Mutex
		n := 0
		ctx, cancel := context.WithCancel(t.Context())
		all := make(chan int, 100)
		err := q.Handle("a.b", queue.Policy{First: time.Millisecond}, func(ctx context.Context, c *queue.Claim) error {
			if c.Attempt == 1 {
				return errors.New("not yet")
			}
			mu.Lock()
			defer mu.Unlock()
			n++
			all <- n
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error)
		go func() { done <- q.Run(ctx) }()
		for i := range 10 {
			err := d.Write(ctx, func(tx *db.Tx) error {
				_, err := queue.Enqueue(tx, queue.Job{Kind: "a.b", Key: string(rune('a' + i)), Destination: "x"})
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		for range 10 {
			<-all
		}
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		t.Logf("%+v", q.Counts())
	})
}
