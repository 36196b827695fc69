package api

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"cusp/internal/access"
	"cusp/internal/canon"
	"cusp/internal/db"
	"cusp/internal/fault"
	"cusp/internal/flow"
	"cusp/internal/handoff"
	"cusp/internal/handoff/route"
	"cusp/internal/ingest"
	"cusp/internal/lead"
	"cusp/internal/meeting"
	"cusp/internal/respond"
)

// Meetings are the secrets of the services that tell of booked meetings; an empty one closes its address.
type Meetings struct {
	Calcom   string
	Calendly string
}

// lateHandoff is how much later than the booking a handoff may have been opened that the booking answers,
// when the news comes a second time: the first time may have ended halfway.
const lateHandoff = 5 * time.Minute

// routeMeetings registers the addresses that booking services call. Their signature is the credential.
func (a *API) routeMeetings() {
	a.hook("POST /hooks/calcom", meeting.ParseCalcom, func(r *http.Request, body []byte) error {
		return meeting.VerifyCalcom(a.o.Meetings.Calcom, r.Header.Get("X-Cal-Signature-256"), body)
	})
	a.hook("POST /hooks/calendly", meeting.ParseCalendly, func(r *http.Request, body []byte) error {
		return meeting.VerifyCalendly(a.o.Meetings.Calendly, r.Header.Get("Calendly-Webhook-Signature"), body, a.o.Now())
	})
}

// hook registers an address: the size is limited, then the signature checked, then the body read.
func (a *API) hook(pattern string, parse func([]byte) ([]meeting.Meeting, error), verify func(*http.Request, []byte) error) {
	a.router.HandleOwn(pattern, access.ReceiveHooks, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := readAll(w, r, meeting.MaxBody)
		if err == nil {
			err = verify(r, body)
		}
		var meetings []meeting.Meeting
		if err == nil {
			meetings, err = parse(body)
		}
		for i := 0; i < len(meetings) && err == nil; i++ {
			err = a.meet(r.Context(), &meetings[i])
		}
		if err != nil {
			respond.Fail(w, r, err)
			return
		}
		respond.JSON(w, http.StatusOK, map[string]int{"meetings": len(meetings)})
	}))
}

// meet stores what is told of a meeting. A booked one is the first contact of the handoff that waits for
// one.
func (a *API) meet(ctx context.Context, m *meeting.Meeting) error {
	batch, err := a.meetingBatch(m)
	if err != nil {
		return err
	}
	if a.o.Engine.Current() == nil { // nothing is decided, so that nothing waits
		_, err := a.o.Engine.Submit(ctx, batch)
		return err
	}
	var h handoff.Handoff
	q, err := a.o.Engine.Qualify(ctx, batch, func(tx *db.Tx, q *flow.Qualification) (err error) {
		h, _, err = handoff.Last(tx, q.Person)
		return err
	})
	if err != nil || a.o.Desk == nil || m.Kind != meeting.Booked || !h.State.Pending() || h.ContactedAt != 0 {
		return err
	}
	if q.Receipt.Accepted == 0 && h.OpenedAt.Sub(lead.At(m.At)) > lateHandoff {
		return nil // told before, of an earlier handoff
	}
	return a.contact(ctx, &h, m)
}

// contact counts a booked meeting as the first contact, by the owner, or by the host when a team's queue
// has the handoff.
func (a *API) contact(ctx context.Context, h *handoff.Handoff, m *meeting.Meeting) error {
	answer := handoff.Answer{Action: handoff.Contact, Reached: true, Note: "Meeting booked"}
	if !m.Start.IsZero() {
		answer.Note += " for " + m.Start.Format(time.RFC3339)
	}
	if h.Owner == "" {
		answer.As = route.RepID(strings.ToLower(m.Host))
	}
	by := access.Machine()
	by.Name = m.Provider
	_, err := a.o.Desk.Answer(ctx, h.ID, answer, by)
	switch fault.KindOf(err) {
	case fault.Conflict, fault.Invalid, fault.NotFound: // somebody was first, or the host is nobody here
		a.o.Log.LogAttrs(ctx, slog.LevelInfo, "booked meeting is no first contact", slog.Int64("handoff", int64(h.ID)), slog.Any("error", err))
		return nil
	default:
		return err
	}
}

// meetingBatch makes events of a meeting: who is coming, and what became of it.
func (a *API) meetingBatch(m *meeting.Meeting) (ingest.Batch, error) {
	traits := map[string]any{"email": m.Email}
	about := map[string]any{"traits": traits}
	who := map[string]any{"email": m.Email}
	if m.Name != "" {
		who["name"] = m.Name
	}
	properties := map[string]any{"provider": m.Provider, "meeting_id": m.ID, "title": m.Title, "host": m.Host, "answers": m.Answers}
	if !m.Start.IsZero() {
		properties["start"] = m.Start.Format(time.RFC3339)
	}
	if !m.End.IsZero() {
		properties["end"] = m.End.Format(time.RFC3339)
	}
	messages := []map[string]any{
		{"type": "identify", "messageId": m.Key + ".1", "traits": who},
		{"type": "track", "messageId": m.Key + ".2", "event": string(m.Kind), "properties": properties, "context": about},
	}
	if m.Anonymous != "" { // the visitor says so, and not the service
		messages = append([]map[string]any{{"type": "identify", "messageId": m.Key + ".0", "anonymousId": m.Anonymous, "traits": traits}}, messages...)
	}
	for _, msg := range messages {
		if !m.At.IsZero() {
			msg["timestamp"] = m.At.Format(time.RFC3339Nano)
		}
	}
	return a.readMessages(messages)
}

// readMessages takes messages in as those of the product. The ones with a visitor's id are the visitor's.
func (a *API) readMessages(messages []map[string]any) (ingest.Batch, error) {
	source, err := json.Marshal(messages)
	if err != nil {
		return ingest.Batch{}, fmt.Errorf("write meeting: %w", err)
	}
	var tree canon.Tree
	list, err := tree.Parse(source)
	if err != nil {
		return ingest.Batch{}, fault.New(fault.Invalid, "the meeting cannot be read").WithCode("bad_payload").WithCause(err)
	}
	r := ingest.Reader{
		Batch: ingest.Batch{Source: access.SourceProduct, ReceivedAt: lead.At(a.o.Now())}, Tree: &tree,
		NewID: func() string { return "" }, // all have theirs
	}
	for i := range list.Len() {
		r.Trusted = messages[i]["anonymousId"] == nil
		r.Message(list.At(i), 0)
	}
	if len(r.Rejected) > 0 {
		return ingest.Batch{}, fault.New(fault.Invalid, "%s", strings.TrimSuffix(r.Rejected[0].Reason, ".")).WithCode(string(r.Rejected[0].Code))
	}
	return r.Batch, nil
}
