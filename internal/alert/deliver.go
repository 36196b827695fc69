package alert

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"cusp/internal/db"
	"cusp/internal/fault"
	"cusp/internal/fetch"
	"cusp/internal/hook"
	"cusp/internal/lead"
	"cusp/internal/mail"
	"cusp/internal/queue"
	"cusp/internal/slack"
)

// noteFor is what storing the outcome of an attempt may take, also when the attempt used up its time.
const noteFor = 5 * time.Second

// slowDown is the pause that is kept when a receiver asks for one without saying how long.
const slowDown = time.Minute

// outcome is what came of one attempt.
type outcome struct {
	status int           // of HTTP; 0: none
	err    error         // nil: it was taken
	final  bool          // another attempt cannot help
	gone   bool          // the receiver wants nothing more, ever
	pause  time.Duration // that it asks for
}

// deliver makes one attempt.
func (a *Alerts) deliver(ctx context.Context, c *queue.Claim) error {
	var j job
	if err := json.Unmarshal(c.Payload, &j); err != nil {
		return queue.Permanent(fmt.Errorf("read message: %w", err))
	}
	d, off, err := a.target(ctx, j.To)
	if err != nil {
		return err
	}
	if off {
		return a.o.DB.Write(ctx, func(tx *db.Tx) error {
			if _, err := tx.Exec(updateDelivery, j.ID, string(Cancelled), 0, "", 0, int64(a.now())); err != nil {
				return err
			}
			return c.Complete(tx)
		})
	}
	if !j.Message.Urgent {
		if open := j.Quiet.until(a.now(), j.Zone); open > a.now() { // a retry that fell into the night
			return a.o.DB.Write(ctx, func(tx *db.Tx) error {
				if _, err := tx.Exec(holdDelivery, j.ID, int64(open)); err != nil {
					return err
				}
				return c.Reschedule(tx, open)
			})
		}
	}
	return a.note(ctx, c, &d, &j, a.transmit(ctx, &d, &j))
}

// target is the destination, or one that stands for a bare address; off when it gets nothing any more.
func (a *Alerts) target(ctx context.Context, to string) (d Destination, off bool, err error) {
	if strings.Contains(to, "@") {
		return Destination{Kind: Email, Shown: to}, false, nil
	}
	d, err = a.Find(ctx, to)
	if fault.Is(err, fault.NotFound) {
		return d, true, nil
	}
	return d, !d.Enabled, err
}

// transmit sends one message and says what came of it.
func (a *Alerts) transmit(ctx context.Context, d *Destination, j *job) outcome {
	s := secrets{Address: d.Shown}
	if d.ID != "" {
		var err error
		if s, err = a.open(d); err != nil {
			return outcome{err: err} // the key file can come back
		}
	}
	switch d.Kind {
	case Email:
		return a.mail(ctx, s, j)
	case Slack:
		body, err := slack.Compose(a.card(d, j))
		if err != nil {
			return outcome{err: err, final: true}
		}
		return a.post(ctx, d.Kind, fetch.Request{URL: s.Address, Header: jsonHeader(), Body: body})
	case Webhook:
		return a.webhook(ctx, s, j)
	}
	return outcome{err: fault.New(fault.Internal, "a destination has the kind %q", d.Kind), final: true}
}

func jsonHeader() http.Header {
	return http.Header{"Content-Type": {"application/json; charset=utf-8"}}
}

func (a *Alerts) mail(ctx context.Context, s secrets, j *job) outcome {
	if a.o.Mail == nil {
		return outcome{err: fault.New(fault.Unavailable, "no mail server is configured").WithHint("set smtp_host and smtp_from, and restart")}
	}
	text, html, err := a.letter(j)
	if err != nil {
		return outcome{err: err, final: true}
	}
	err = a.o.Mail.Send(ctx, mail.Message{
		ID: j.ID, To: s.Address, Subject: j.Message.Title, Text: text, HTML: html, Date: j.Message.At.Time(),
	})
	return outcome{err: err, final: fault.Is(err, fault.Invalid) || fault.Is(err, fault.Internal)}
}

func (a *Alerts) webhook(ctx context.Context, s secrets, j *job) outcome {
	m := hook.Message{Type: j.Message.Type, Time: j.Message.At.Time(), Data: j.Message.Data}
	body, err := hook.Compose(m)
	if err != nil {
		return outcome{err: err, final: true}
	}
	signing := s.Signing
	if len(signing) > 1 && a.now() >= s.OldTo {
		signing = signing[:1]
	}
	header, err := hook.Sign(signing, j.ID, a.o.Now(), body)
	if err != nil {
		return outcome{err: err, final: true}
	}
	return a.post(ctx, Webhook, fetch.Request{URL: s.Address, Header: header, Body: body})
}

// post sends a request and reads from its status whether to try again.
func (a *Alerts) post(ctx context.Context, k Kind, r fetch.Request) outcome {
	res, err := a.o.Fetch.Do(ctx, r)
	if err != nil {
		return outcome{err: err, final: fault.Is(err, fault.Invalid)}
	}
	if res.OK() {
		return outcome{status: res.Status}
	}
	o := outcome{status: res.Status, pause: res.RetryAfter(a.o.Now()), err: fault.New(fault.Unavailable, "it answered %d", res.Status)}
	switch res.Status {
	case http.StatusGone:
		o.gone = true
	case http.StatusNotFound:
		o.gone = k == Slack // the channel's address was revoked
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		o.pause = max(o.pause, slowDown)
		if res.Header.Get("Retry-After") != "" {
			o.pause = res.RetryAfter(a.o.Now())
		}
	case http.StatusBadRequest, http.StatusForbidden:
		o.final = k == Slack // the message or the channel: neither changes by itself
	}
	o.final = o.final || o.gone
	return o
}

// note stores what came of an attempt and says to the queue how to go on.
func (a *Alerts) note(ctx context.Context, c *queue.Claim, d *Destination, j *job, o outcome) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteFor)
	defer cancel()
	if o.err == nil {
		return a.o.DB.Write(ctx, func(tx *db.Tx) error {
			if _, err := tx.Exec(updateDelivery, j.ID, string(Sent), o.status, "", 1, int64(a.now())); err != nil {
				return err
			}
			if _, err := tx.Exec(noteAttempt, d.ID, int64(a.now()), "", 1, 0); err != nil {
				return err
			}
			return c.Complete(tx)
		})
	}
	err := a.o.DB.Write(ctx, func(tx *db.Tx) error { return a.noteFailure(tx, d, j, o) })
	if err != nil {
		return errors.Join(o.err, err)
	}
	switch {
	case o.final:
		return queue.Permanent(o.err)
	case o.pause > 0:
		return queue.After(o.err, o.pause)
	}
	return o.err
}

func (a *Alerts) noteFailure(tx *db.Tx, d *Destination, j *job, o outcome) error {
	why, now := o.err.Error(), a.now()
	if _, err := tx.Exec(updateDelivery, j.ID, string(Waiting), o.status, why, 1, int64(0)); err != nil {
		return err
	}
	if _, err := tx.Exec(noteAttempt, d.ID, int64(now), why, 0, 1); err != nil || !o.gone {
		return err
	}
	fresh, err := lockDestination(tx, d.ID)
	if err != nil || !fresh.Enabled {
		return err
	}
	if err := a.switchOff(tx, &fresh, "the receiver said that it is gone", j.ID); err != nil {
		return err
	}
	if err := updateDestination(tx, &fresh); err != nil {
		return err
	}
	return a.Send(tx, a.trouble("destination.disabled", fresh.ID, fresh.Name+" was switched off",
		"It said that it is gone. Nothing is sent there until it is enabled again.", now))
}

// buried is called when the queue gives a delivery up.
func (a *Alerts) buried(tx *db.Tx, r queue.Record) error {
	now := a.now()
	if _, err := tx.Exec(buryDelivery, r.Key, int64(now)); err != nil {
		return err
	}
	id, ok := strings.CutPrefix(r.Destination, "hook/")
	if !ok {
		return nil
	}
	d, err := findDestination(tx, id)
	if fault.Is(err, fault.NotFound) || err == nil && !d.Enabled { // it was told already why nothing arrives
		return nil
	}
	if err != nil {
		return err
	}
	return a.Send(tx, a.trouble("destination.failing", id, "A message to "+d.Name+" was given up", r.Error, now))
}

// trouble tells the other destinations that want to know, once a day.
func (a *Alerts) trouble(kind, id, title, why string, now lead.Instant) Message {
	data, err := json.Marshal(map[string]string{"destination": id, "error": why})
	if err != nil {
		data = nil // strings always can be written
	}
	return Message{
		Key: kind + "/" + id + "/" + now.Time().Format(time.DateOnly), Type: kind, At: now, Title: title, Lines: []string{why}, Data: data,
	}
}

// Tested is what came of a test.
type Tested struct {
	OK     bool
	Status int // of HTTP; 0: none
	Error  string
}

// Test sends a message now, once, whatever the hour, and says what came of it.
func (a *Alerts) Test(ctx context.Context, id string) (Tested, error) {
	d, err := a.Find(ctx, id)
	if err != nil {
		return Tested{}, err
	}
	now := a.now()
	m := Message{
		Key: "test/" + now.String(), Type: "test", At: now, Title: "Cusp can reach you here",
		Lines: []string{"This is a test. Messages about leads will look like it."}, Data: json.RawMessage(`{"test":true}`),
	}
	o := a.transmit(ctx, &d, &job{ID: messageID(m.Key, id), To: id, Zone: d.Zone, Message: m})
	t := Tested{OK: o.err == nil, Status: o.status}
	if o.err != nil {
		t.Error = o.err.Error()
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteFor)
	defer cancel()
	return t, a.o.DB.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(noteTest, id, int64(a.now()), t.Error)
		return err
	})
}

// Deliveries lists what went where, the newest first.
func (a *Alerts) Deliveries(ctx context.Context, f Filter) (all []Delivery, err error) {
	err = a.o.DB.Read(ctx, func(tx *db.Tx) error {
		all, err = listDeliveries(tx, f)
		return err
	})
	return all, err
}

// Replay sends a dead or cancelled delivery again, with the same id.
func (a *Alerts) Replay(ctx context.Context, id int64) error {
	return a.o.DB.Write(ctx, func(tx *db.Tx) error {
		d, err := findDelivery(tx, id)
		if err != nil {
			return err
		}
		if d.State != Dead && d.State != Cancelled {
			return fault.New(fault.Conflict, "this delivery is %s", d.State).WithCode("not_dead").
				WithHint("only what was given up or cancelled can be sent again")
		}
		r, err := queue.Find(tx, DeliverKind, d.Message)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(reviveDelivery, d.Message); err != nil {
			return err
		}
		if err := queue.Replay(tx, r.ID); err != nil {
			return err
		}
		return a.record(tx, "delivery.replayed", d.Destination, nil, d.Message)
	})
}
