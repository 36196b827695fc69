package handoff_test

import (
	"context"
	"testing"
	"time"

	"cusp/internal/db"
	"cusp/internal/handoff"
	"cusp/internal/lead"
	"cusp/internal/queue"
)

// The queue of a server that comes up later fires what is due, and completes the job with its effect.
func TestFire_throughTheQueueAfterARestart(t *testing.T) {
	t.Parallel()
	on(t, func(r *rig) {
		h := r.raise(1)
		r.now.Store(int64(start.Add(3*time.Minute + time.Second)))
		q := queue.New(r.d, queue.Options{
			Now:     func() time.Time { return lead.Instant(r.now.Load()).Time() },
			Elapsed: func() time.Duration { return lead.Instant(r.now.Load()).Sub(start) },
		})
		ctx, stop := context.WithCancel(r.Context())
		fired := make(chan error, 1)
		err := q.Handle(handoff.ClockKind, queue.Policy{}, func(ctx context.Context, c *queue.Claim) error {
			err := r.desk.Fire(ctx, c)
			fired <- err
			return err
		})
		if err != nil {
			r.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- q.Run(ctx) }()
		if err := <-fired; err != nil {
			r.Error(err)
		}
		stop()
		if err := <-ended; err != nil {
			r.Error(err)
		}
		if now := r.last(1); now.Step != handoff.StepContact || now.Late || now.ID != h.ID {
			r.Errorf("got %+v", now)
		}
		var rec queue.Record
		err = r.d.Read(r.Context(), func(tx *db.Tx) (err error) {
			rec, err = queue.Find(tx, handoff.ClockKind, "1/1/warn")
			return err
		})
		if err != nil || rec.State != queue.Done {
			r.Errorf("the job is %s, %v", rec.State, err)
		}
		r.check()
	})
}
