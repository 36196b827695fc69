package alert

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"cusp/internal/db"
	"cusp/internal/fault"
	"cusp/internal/fetch"
	"cusp/internal/handoff"
	"cusp/internal/queue"
	"cusp/internal/slack"
)

const (
	actionAccept = "accept"
	actionReject = "reject"
)

// replyJob is what is said to a click.
type replyJob struct {
	URL     string `json:"url"`
	Text    string `json:"text"`
	Replace bool   `json:"replace"`
}

// SlackHandler takes the clicks in Slack, at POST /hooks/slack. Fail answers a request with an error.
func (a *Alerts) SlackHandler(fail func(http.ResponseWriter, *http.Request, error)) http.Handler {
	return slack.Handler(slack.Options{
		Secret: func() string { return a.o.SlackSecret }, Now: a.o.Now, Fresh: a.fresh, Answer: a.click, Fail: fail,
	})
}

// fresh notes a request and says whether it is new, on whichever server it arrives.
func (a *Alerts) fresh(ctx context.Context, signature string) (fresh bool, err error) {
	err = a.o.DB.Write(ctx, func(tx *db.Tx) error {
		n, err := tx.Exec(insertSeen, "slack:"+signature, int64(a.now()))
		fresh = n > 0
		return err
	})
	return fresh, err
}

// click answers a handoff for whoever pressed the button. What goes wrong is told to them in Slack; an
// error means that nothing could be told either.
func (a *Alerts) click(ctx context.Context, c slack.Click) error {
	if c.Action != actionAccept && c.Action != actionReject {
		return nil // a button that opens a page reports as well
	}
	text, err := a.answer(ctx, c)
	replace := err == nil
	if err != nil {
		var f *fault.Error
		if !errors.As(err, &f) || fault.KindOf(err) == fault.Internal {
			return err
		}
		text = f.Error()
		if f.Hint != "" {
			text += " " + f.Hint
		}
	}
	payload, err := json.Marshal(replyJob{URL: c.ResponseURL, Text: text, Replace: replace})
	if err != nil {
		return fmt.Errorf("write reply: %w", err)
	}
	return a.o.DB.Write(ctx, func(tx *db.Tx) error {
		_, err := queue.Enqueue(tx, queue.Job{
			Kind: ReplyKind, Key: messageID(c.ResponseURL, c.User+" "+c.Action+" "+c.Value+" "+a.now().String()), Destination: ReplyKind, Payload: payload,
		})
		return err
	})
}

// answer finds who clicked on what, and passes it on.
func (a *Alerts) answer(ctx context.Context, c slack.Click) (said string, err error) {
	parts := strings.Fields(c.Value)
	if len(parts) < 2 {
		return "", fault.New(fault.Invalid, "this button is of an older version")
	}
	id, err := strconv.ParseInt(parts[0], 10, 64)
	if err != nil {
		return "", fault.New(fault.Invalid, "this button is of an older version")
	}
	d, err := a.Find(ctx, parts[1])
	if err != nil {
		return "", err
	}
	email, ok := d.People[c.User]
	if !ok || a.o.User == nil || a.o.Answer == nil {
		return "", fault.New(fault.Denied, "Cusp does not know who you are in Slack.").
			WithHint("Ask for: cusp destination link %s %s you@company.example", d.ID, c.User)
	}
	by, err := a.o.User(ctx, email)
	if err != nil {
		return "", err
	}
	answer := handoff.Answer{Action: handoff.Accept}
	if c.Action == actionReject {
		if len(parts) != 3 {
			return "", fault.New(fault.Invalid, "choose one reason")
		}
		answer = handoff.Answer{Action: handoff.Reject, Reason: parts[2]}
	}
	h, err := a.o.Answer(ctx, handoff.ID(id), answer, by)
	if err != nil {
		return "", err
	}
	n := handoff.Notice{Handoff: h}
	if h.State == handoff.Rejected {
		return fmt.Sprintf("%s: rejected by %s (%s)", who(&n), email, h.Reason), nil
	}
	return fmt.Sprintf("%s: %s by %s", who(&n), h.State, email), nil
}

// reply says to a click what came of it.
func (a *Alerts) reply(ctx context.Context, c *queue.Claim) error {
	var r replyJob
	if err := json.Unmarshal(c.Payload, &r); err != nil {
		return queue.Permanent(fmt.Errorf("read reply: %w", err))
	}
	body, err := slack.ComposeReply(r.Text, r.Replace)
	if err != nil {
		return queue.Permanent(err)
	}
	res, err := a.o.Fetch.Do(ctx, fetch.Request{URL: r.URL, Header: jsonHeader(), Body: body})
	switch {
	case fault.Is(err, fault.Invalid):
		return queue.Permanent(err)
	case err != nil:
		return err
	case !res.OK():
		return fault.New(fault.Unavailable, "Slack answered %d", res.Status)
	}
	return nil
}
