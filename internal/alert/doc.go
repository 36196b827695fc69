// Package alert tells people and programs what happened: by e-mail, in Slack, by signed webhook, and to
// whoever watches the product at the moment.
//
// In: a [Message], within the transaction that made it true. Out: one delivery for each destination, done
// by a job of the queue. What is kept: a message exists exactly if what it tells of does; a destination
// gets it once, and when it gets it again it can tell by the id; a destination that is slow or dead holds
// up no other; quiet hours hold back everything but raised hands; what a destination finally refused stays
// to be seen and sent again. Addresses and secrets are sealed where they are stored.
//
// It stands after flow, since it tells of handoffs and decisions; handoff calls it through a func value.
// Begin reading at [Alerts.Send] and [Alerts.deliver]; notice.go words what the desk tells.
package alert

import (
	"context"
	"io"
	"log/slog"
	"time"

	"cusp/internal/access"
	"cusp/internal/db"
	"cusp/internal/fetch"
	"cusp/internal/handoff"
	"cusp/internal/lead"
	"cusp/internal/mail"
	"cusp/internal/queue"
	"cusp/internal/seal"
)

// Kinds of jobs in the queue.
const (
	DeliverKind = "alert.deliver"
	ReplyKind   = "alert.reply"
)

// rotateFor is how long a replaced signing secret still signs.
const rotateFor = 24 * time.Hour

// keepFor is how long the log of deliveries goes back.
const keepFor = 90 * 24 * time.Hour

// Options are what [Alerts] needs to know. All but the last block are required.
type Options struct {
	DB     *db.DB
	Queue  *queue.Queue
	Fetch  *fetch.Client
	Box    *seal.Box
	Now    func() time.Time
	Random io.Reader // crypto/rand.Reader
	Log    *slog.Logger

	Mail      *mail.Sender // nil: no mail server is configured, and nothing goes to bare addresses
	PublicURL string       // for links; empty for none
	// SlackSecret signs what comes from the Slack app; empty: no clicks are taken and no buttons shown.
	SlackSecret string
	// Plan is the handoff section in force.
	Plan func() (plan *handoff.Plan, version int)
	// Zone is the time zone of a user; empty when it is not known.
	Zone func(tx *db.Tx, email string) (string, error)
	// User finds who a person in Slack is here.
	User func(ctx context.Context, email string) (access.Principal, error)
	// Answer passes an answer from Slack on.
	Answer func(ctx context.Context, id handoff.ID, a handoff.Answer, by access.Principal) (handoff.Handoff, error)
}

// Alerts sends messages and keeps their destinations. It is safe for concurrent use.
type Alerts struct {
	o    Options
	feed *Feed
}

// New makes the alerts of a process and registers its jobs.
func New(o Options) (*Alerts, error) {
	feed, err := NewFeed(o.Random)
	if err != nil {
		return nil, err
	}
	a := &Alerts{o: o, feed: feed}
	if err := o.Queue.Handle(DeliverKind, queue.Policy{Buried: a.buried}, a.deliver); err != nil {
		return nil, err
	}
	// Slack takes replies for half an hour, so later ones are of no use.
	return a, o.Queue.Handle(ReplyKind, queue.Policy{MaxAttempts: 4, First: 2 * time.Second}, a.reply)
}

// Feed is what happens at the moment.
func (a *Alerts) Feed() *Feed { return a.feed }

func (a *Alerts) now() lead.Instant { return lead.At(a.o.Now()) }

// Sweep forgets old deliveries and requests.
func (a *Alerts) Sweep(ctx context.Context) error {
	return a.o.DB.Write(ctx, func(tx *db.Tx) error {
		now := a.now()
		if _, err := tx.Exec(forgetSeen, int64(now.Add(-time.Hour))); err != nil {
			return err
		}
		_, err := tx.Exec(forgetDeliveries, int64(now.Add(-keepFor)))
		return err
	})
}
