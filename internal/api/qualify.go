package api

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"cusp/internal/access"
	"cusp/internal/canon"
	"cusp/internal/db"
	"cusp/internal/decide"
	"cusp/internal/fault"
	"cusp/internal/flow"
	"cusp/internal/handoff"
	"cusp/internal/ingest"
	"cusp/internal/lead"
)

// qualifyBody is how many bytes a form may have.
const qualifyBody = 64 << 10

// QualifyRequest is a form that a visitor sent.
type QualifyRequest struct {
	MessageID   string         `json:"message_id,omitempty" maxLength:"200" doc:"Sent again with the same id, the form counts once."`
	AnonymousID string         `json:"anonymous_id,omitempty" maxLength:"512" doc:"The visitor's id in the tracking script, so that what they read before counts."`
	UserID      string         `json:"user_id,omitempty" maxLength:"512"`
	Email       string         `json:"email,omitempty" maxLength:"320" doc:"The same as the trait email."`
	Event       string         `json:"event,omitempty" maxLength:"200" doc:"What the form stands for, such as Demo Requested; absent: Form Submitted."`
	Form        string         `json:"form,omitempty" maxLength:"200" doc:"The form's name, for signals on {form: name}."`
	Traits      map[string]any `json:"traits,omitempty" doc:"Who the visitor is: name, title, company, phone…"`
	Properties  map[string]any `json:"properties,omitempty" doc:"What they wrote: message, budget, timeline…"`
	Context     map[string]any `json:"context,omitempty" doc:"As in the tracking API: page, campaign, userAgent…"`
}

// HostItem is the rep with whom a visitor may book.
type HostItem struct {
	Name       string `json:"name"`
	BookingURL string `json:"booking_url" doc:"Where the rep's calendar can be booked; empty when the rep has none."`
}

// AskItem is a question that would help to decide.
type AskItem struct {
	ID   string `json:"id"`
	Text string `json:"text"`
}

// QualifyItem is what to show the visitor.
type QualifyItem struct {
	Decision decide.Decision `json:"decision" enum:"engage,review,nurture" doc:"What is done about this form. What excludes a lead, and what is not an ideal customer, is nurture here."`
	Show     string          `json:"show" enum:"book,in_touch,content" doc:"book: this rep, now; in_touch: somebody will get in touch; content: something to read."`
	Reasons  []string        `json:"reasons" doc:"For the visitor's eyes."`
	Host     *HostItem       `json:"host" doc:"With book only."`
	DueAt    *string         `json:"due_at" format:"date-time" doc:"By when the first contact is promised, when a rep has the lead."`
	Person   *string         `json:"person" doc:"The lead's id; only for keys that are kept secret."`
	Ask      *AskItem        `json:"ask" doc:"What to ask next; only for keys that are kept secret."`
}

type qualifyIn struct {
	Body    QualifyRequest
	request *http.Request
}

type qualifyOut struct{ Body QualifyItem }

// Resolve keeps the request, which shows whose connection it is.
func (in *qualifyIn) Resolve(ctx huma.Context) []error {
	in.request, _ = humago.Unwrap(ctx)
	return nil
}

func (a *API) routeQualify() {
	register(a, operation{
		id: "qualify", method: http.MethodPost, path: "/qualify", action: access.QualifyForms, tag: "forms", open: true,
		summary: "Take a form in and say what to show the visitor; a write key may do it", maxBody: qualifyBody,
	}, a.qualify)
}

func (a *API) qualify(ctx context.Context, in *qualifyIn) (*qualifyOut, error) {
	by := access.From(ctx)
	batch, err := a.formBatch(in, by)
	if err != nil {
		return nil, err
	}
	var h handoff.Handoff
	var host *HostItem
	q, err := a.o.Engine.Qualify(ctx, batch, func(tx *db.Tx, q *flow.Qualification) (err error) {
		h, host, err = a.opened(tx, q)
		return err
	})
	if err != nil {
		return nil, err
	}
	item := shown(&q, &h, host)
	if by.Trusted {
		id := q.Person.String()
		item.Person = &id
		if q.Question != nil {
			item.Ask = &AskItem{q.Question.ID, q.Question.Text}
		}
	}
	return &qualifyOut{item}, nil
}

// opened is the handoff that waits for an answer, and the rep who has it.
func (a *API) opened(tx *db.Tx, q *flow.Qualification) (handoff.Handoff, *HostItem, error) {
	if a.o.Desk == nil || !q.Heard {
		return handoff.Handoff{}, nil, nil
	}
	h, ok, err := handoff.Last(tx, q.Person)
	if err != nil || !ok || !h.State.Pending() || h.Owner == "" || a.o.Host == nil {
		return h, nil, err
	}
	name, url, err := a.o.Host(tx, h.Owner)
	if err != nil || name == "" {
		return h, nil, err
	}
	return h, &HostItem{name, url}, nil
}

// shown is what the visitor may see. It says nothing of what is stored: not why somebody is no customer,
// and for what was not heard not even what was decided before.
func shown(q *flow.Qualification, h *handoff.Handoff, host *HostItem) QualifyItem {
	wanted := q.Outcome.Decision == decide.Engage || q.Outcome.Decision == decide.Review
	switch {
	case !q.Heard || !wanted:
		return QualifyItem{Decision: decide.Nurture, Show: "content", Reasons: []string{"Thank you. Here is something that may help."}}
	case host == nil:
		return QualifyItem{Decision: q.Outcome.Decision, Show: "in_touch", Reasons: []string{"Thank you. We will be in touch."}}
	}
	item := QualifyItem{Decision: q.Outcome.Decision, Show: "book", Host: host, Reasons: []string{"Thank you. " + host.Name + " looks after your request."}}
	if h.DueAt != 0 {
		item.DueAt = stamp(h.DueAt)
	}
	return item
}

// formBatch makes events of a form: who the visitor is, then what they sent.
func (a *API) formBatch(in *qualifyIn, by access.Principal) (ingest.Batch, error) {
	id := in.Body.MessageID
	if id == "" {
		id = "form-" + strings.ToLower(rand.Text())
	}
	source, err := json.Marshal(in.Body.messages(id, by.Trusted))
	if err != nil {
		return ingest.Batch{}, fmt.Errorf("write form: %w", err)
	}
	var tree canon.Tree
	list, err := tree.Parse(source)
	if err != nil {
		return ingest.Batch{}, fault.New(fault.Invalid, "the form cannot be read").WithCode("invalid_form").WithCause(err)
	}
	r := ingest.Reader{
		Batch: ingest.Batch{Source: by.Source(), ReceivedAt: lead.At(a.o.Now())}, Trusted: by.Trusted, Tree: &tree, NewID: func() string { return id },
	}
	if !by.Trusted {
		r.Device, r.Agent, r.IP = true, in.request.UserAgent(), a.o.ClientIP(in.request)
	}
	for i := range list.Len() {
		r.Message(list.At(i), 0)
	}
	if len(r.Rejected) > 0 {
		return ingest.Batch{}, fault.New(fault.Invalid, "%s", strings.TrimSuffix(r.Rejected[0].Reason, ".")).WithCode(string(r.Rejected[0].Code))
	}
	return r.Batch, nil
}

// messages are the form as messages of the tracking API. Their ids put who before what.
func (q *QualifyRequest) messages(id string, trusted bool) []map[string]any {
	traits, properties, about := copied(q.Traits), copied(q.Properties), copied(q.Context)
	if q.Email != "" {
		traits["email"] = q.Email
	}
	if q.Form != "" {
		properties["form"] = q.Form
	}
	if !trusted {
		delete(about, "ip") // the connection shows it
	}
	event, anonymous := q.Event, q.AnonymousID
	if event == "" {
		event = "Form Submitted"
	}
	if anonymous == "" && q.UserID == "" {
		anonymous = "form-" + id
	}
	message := func(kind, suffix, part string, value map[string]any) map[string]any {
		m := map[string]any{"type": kind, "messageId": id + suffix, part: value, "context": about}
		if anonymous != "" {
			m["anonymousId"] = anonymous
		}
		if q.UserID != "" {
			m["userId"] = q.UserID
		}
		return m
	}
	sent := message("track", ".2", "properties", properties)
	sent["event"] = event
	if len(traits) == 0 {
		return []map[string]any{sent}
	}
	return []map[string]any{message("identify", ".1", "traits", traits), sent}
}

func copied(m map[string]any) map[string]any {
	out := make(map[string]any, len(m)+1)
	maps.Copy(out, m)
	return out
}
