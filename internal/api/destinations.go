package api

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"cusp/internal/access"
	"cusp/internal/alert"
	"cusp/internal/fault"
	"cusp/internal/respond"
)

// DestinationItem is where messages go, without what is secret of it.
type DestinationItem struct {
	ID        string            `json:"id" doc:"The playbook names it."`
	Kind      string            `json:"kind" enum:"email,slack,webhook"`
	Name      string            `json:"name"`
	Address   string            `json:"address" doc:"What may be seen of it."`
	Types     []string          `json:"types" doc:"Messages that come here in any case."`
	Zone      string            `json:"zone" doc:"IANA time zone; empty: the recipient's."`
	Quiet     string            `json:"quiet" doc:"Hours in which messages wait, 20:00-07:00; empty: the playbook's."`
	People    map[string]string `json:"people" doc:"Slack's user ids with the e-mail addresses of users."`
	Enabled   bool              `json:"enabled"`
	Reason    string            `json:"reason" doc:"Why it is not enabled."`
	CreatedAt string            `json:"created_at" format:"date-time"`
	TestedAt  *string           `json:"tested_at" format:"date-time"`
	LastAt    *string           `json:"last_at" format:"date-time" doc:"The last attempt."`
	LastError string            `json:"last_error" doc:"Of that attempt; empty: it succeeded."`
	Sent      int64             `json:"sent"`
	Failed    int64             `json:"failed" doc:"Attempts."`
}

// NewDestinationRequest says which destination to make.
type NewDestinationRequest struct {
	ID      string   `json:"id" minLength:"1" maxLength:"64"`
	Kind    string   `json:"kind" enum:"email,slack,webhook"`
	Name    string   `json:"name,omitempty" maxLength:"100"`
	Address string   `json:"address" minLength:"1" maxLength:"2000" doc:"An e-mail address, the address of an incoming webhook of Slack, or a URL."`
	Types   []string `json:"types,omitempty" doc:"As handoff.assigned, handoff.* or *."`
	Zone    string   `json:"zone,omitempty" maxLength:"100"`
	Quiet   string   `json:"quiet,omitempty" maxLength:"20" doc:"As 20:00-07:00."`
}

// MadeDestinationItem is a destination with the signing secret of a webhook.
type MadeDestinationItem struct {
	DestinationItem
	Secret string `json:"secret" doc:"Verifies what is sent; shown this once. Empty but for webhooks."`
}

// TestedItem is what came of a test.
type TestedItem struct {
	OK     bool   `json:"ok"`
	Status int    `json:"status" doc:"Of HTTP; 0 without an answer."`
	Error  string `json:"error"`
}

// LinkRequest says who in Slack is which user.
type LinkRequest struct {
	SlackUser string `json:"slack_user" minLength:"1" maxLength:"40" doc:"U… as Slack shows it in the profile."`
	Email     string `json:"email,omitempty" maxLength:"320" doc:"Of the user; absent to end it."`
}

// DisableRequest says why.
type DisableRequest struct {
	Reason string `json:"reason,omitempty" maxLength:"200"`
}

// DeliveryItem is one message at one destination.
type DeliveryItem struct {
	ID          int64   `json:"id"`
	Message     string  `json:"message" doc:"The id that the receiver sees."`
	Destination string  `json:"destination" doc:"Its id, or an e-mail address."`
	Type        string  `json:"type"`
	Title       string  `json:"title"`
	State       string  `json:"state" enum:"waiting,sent,dead,cancelled"`
	Status      int     `json:"status" doc:"Of HTTP, of the last attempt; 0 for none."`
	Error       string  `json:"error"`
	Attempts    int     `json:"attempts"`
	CreatedAt   string  `json:"created_at" format:"date-time"`
	NotBefore   *string `json:"not_before" format:"date-time" doc:"Held back until then."`
	FinishedAt  *string `json:"finished_at" format:"date-time"`
}

type destinationIn struct {
	ID string `path:"id" maxLength:"64"`
}

type newDestinationIn struct{ Body NewDestinationRequest }

type disableIn struct {
	ID   string `path:"id" maxLength:"64"`
	Body *DisableRequest
}

type linkIn struct {
	ID   string `path:"id" maxLength:"64"`
	Body LinkRequest
}

type deliveriesIn struct {
	Paging
	Destination string `query:"destination" maxLength:"320"`
	State       string `query:"state" enum:"waiting,sent,dead,cancelled"`
}

type deliveryIn struct {
	ID int64 `path:"id" minimum:"1"`
}

type (
	destinationsOut    struct{ Body Page[DestinationItem] }
	destinationOut     struct{ Body DestinationItem }
	madeDestinationOut struct{ Body MadeDestinationItem }
	testedOut          struct{ Body TestedItem }
	deliveriesOut      struct{ Body Page[DeliveryItem] }
)

func (a *API) routeDestinations() {
	if a.o.Alerts == nil {
		return
	}
	op := func(id, method, path, summary string) operation {
		return operation{id: id, method: method, path: path, action: access.ManageDestinations, tag: "alerts", summary: summary}
	}
	register(a, op("listDestinations", http.MethodGet, "/destinations", "Where messages go"), a.listDestinations)
	made := op("createDestination", http.MethodPost, "/destinations", "Make a destination; a webhook's signing secret is in this answer and nowhere else")
	made.secret, made.status = true, http.StatusCreated
	register(a, made, a.createDestination)
	register(a, op("deleteDestination", http.MethodDelete, "/destinations/{id}", "Forget a destination; what waits for it is called off"), a.deleteDestination)
	register(a, op("testDestination", http.MethodPost, "/destinations/{id}/test", "Send a message there now"), a.testDestination)
	register(a, op("enableDestination", http.MethodPost, "/destinations/{id}/enable", "Switch a destination on"), a.enableDestination)
	register(a, op("disableDestination", http.MethodPost, "/destinations/{id}/disable", "Switch a destination off; what waits for it is called off"), a.disableDestination)
	rotated := op("rotateSecret", http.MethodPost, "/destinations/{id}/rotate", "Replace a webhook's signing secret; for a day both sign")
	rotated.secret = true
	register(a, rotated, a.rotateSecret)
	register(a, op("linkSlackUser", http.MethodPost, "/destinations/{id}/link", "Say who in Slack is which user, so that buttons work"), a.linkSlackUser)
	register(a, op("listDeliveries", http.MethodGet, "/deliveries", "What was sent where, the newest first"), a.listDeliveries)
	register(a, op("replayDelivery", http.MethodPost, "/deliveries/{id}/replay", "Send again what was given up or called off, with the same id"), a.replayDelivery)
	a.router.HandleOwn("POST /hooks/slack", access.ReceiveHooks, a.o.Alerts.SlackHandler(respond.Fail))
}

func (a *API) listDestinations(ctx context.Context, _ *nothing) (*destinationsOut, error) {
	all, err := a.o.Alerts.List(ctx)
	if err != nil {
		return nil, err
	}
	out := &destinationsOut{Body: Page[DestinationItem]{Items: []DestinationItem{}}}
	for i := range all {
		out.Body.Items = append(out.Body.Items, destinationItem(&all[i]))
	}
	return out, nil
}

func (a *API) createDestination(ctx context.Context, in *newDestinationIn) (*madeDestinationOut, error) {
	quiet, err := parseQuiet(in.Body.Quiet)
	if err != nil {
		return nil, err
	}
	d, secret, err := a.o.Alerts.Create(ctx, alert.NewDestination{
		ID: in.Body.ID, Kind: alert.Kind(in.Body.Kind), Name: in.Body.Name, Address: in.Body.Address, Types: in.Body.Types,
		Zone: in.Body.Zone, Quiet: quiet,
	})
	if err != nil {
		return nil, err
	}
	return &madeDestinationOut{MadeDestinationItem{DestinationItem: destinationItem(&d), Secret: secret}}, nil
}

func (a *API) deleteDestination(ctx context.Context, in *destinationIn) (*nothing, error) {
	return nil, a.o.Alerts.Delete(ctx, in.ID)
}

func (a *API) testDestination(ctx context.Context, in *destinationIn) (*testedOut, error) {
	t, err := a.o.Alerts.Test(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &testedOut{TestedItem{OK: t.OK, Status: t.Status, Error: t.Error}}, nil
}

func (a *API) enableDestination(ctx context.Context, in *destinationIn) (*destinationOut, error) {
	d, err := a.o.Alerts.Enable(ctx, in.ID)
	return &destinationOut{destinationItem(&d)}, err
}

func (a *API) disableDestination(ctx context.Context, in *disableIn) (*destinationOut, error) {
	reason := "by hand"
	if in.Body != nil && in.Body.Reason != "" {
		reason = in.Body.Reason
	}
	d, err := a.o.Alerts.Disable(ctx, in.ID, reason)
	return &destinationOut{destinationItem(&d)}, err
}

func (a *API) rotateSecret(ctx context.Context, in *destinationIn) (*madeDestinationOut, error) {
	d, secret, err := a.o.Alerts.Rotate(ctx, in.ID)
	return &madeDestinationOut{MadeDestinationItem{DestinationItem: destinationItem(&d), Secret: secret}}, err
}

func (a *API) linkSlackUser(ctx context.Context, in *linkIn) (*destinationOut, error) {
	d, err := a.o.Alerts.Link(ctx, in.ID, in.Body.SlackUser, in.Body.Email)
	return &destinationOut{destinationItem(&d)}, err
}

func (a *API) listDeliveries(ctx context.Context, in *deliveriesIn) (*deliveriesOut, error) {
	of := list("deliveries", in.Destination, in.State)
	key, err := readCursor(of, in.Cursor)
	if err != nil {
		return nil, err
	}
	f := alert.Filter{Destination: in.Destination, State: alert.DeliveryState(in.State), Limit: in.Limit + 1}
	if key != "" {
		if f.Before, err = strconv.ParseInt(key, 10, 64); err != nil {
			return nil, fault.New(fault.Invalid, "this cursor is not one of this list").WithCode("foreign_cursor")
		}
	}
	all, err := a.o.Alerts.Deliveries(ctx, f)
	if err != nil {
		return nil, err
	}
	items := make([]DeliveryItem, len(all))
	for i := range all {
		items[i] = deliveryItem(&all[i])
	}
	return &deliveriesOut{page(items, in.Limit, of, func(d DeliveryItem) string { return strconv.FormatInt(d.ID, 10) })}, nil
}

func (a *API) replayDelivery(ctx context.Context, in *deliveryIn) (*nothing, error) {
	return nil, a.o.Alerts.Replay(ctx, in.ID)
}

func destinationItem(d *alert.Destination) DestinationItem {
	item := DestinationItem{
		ID: d.ID, Kind: string(d.Kind), Name: d.Name, Address: d.Shown, Types: d.Types, Zone: d.Zone, Quiet: quietText(d.Quiet),
		People: d.People, Enabled: d.Enabled, Reason: d.Reason, CreatedAt: d.CreatedAt.String(), TestedAt: stamp(d.TestedAt),
		LastAt: stamp(d.LastAt), LastError: d.LastError, Sent: d.Sent, Failed: d.Failed,
	}
	if item.Types == nil {
		item.Types = []string{}
	}
	if item.People == nil {
		item.People = map[string]string{}
	}
	return item
}

func deliveryItem(d *alert.Delivery) DeliveryItem {
	return DeliveryItem{
		ID: d.ID, Message: d.Message, Destination: d.Destination, Type: d.Type, Title: d.Title, State: string(d.State), Status: d.Status,
		Error: d.Error, Attempts: d.Attempts, CreatedAt: d.CreatedAt.String(), NotBefore: stamp(d.NotBefore), FinishedAt: stamp(d.FinishedAt),
	}
}

// parseQuiet reads hours such as 20:00-07:00; empty gives none.
func parseQuiet(s string) (q alert.Quiet, err error) {
	if s == "" {
		return q, nil
	}
	var h1, m1, h2, m2 int
	n, err := fmt.Sscanf(s, "%2d:%2d-%2d:%2d", &h1, &m1, &h2, &m2)
	q = alert.Quiet{From: h1*60 + m1, To: h2*60 + m2}
	if err != nil || n != 4 || m1 > 59 || m2 > 59 || h1 > 23 || h2 > 23 || quietText(q) != s {
		return alert.Quiet{}, fault.New(fault.Invalid, "%q are no hours of a day", s).WithCode("bad_quiet").WithField("body.quiet").
			WithHint("write them as 20:00-07:00")
	}
	return q, nil
}

func quietText(q alert.Quiet) string {
	if q.From == q.To {
		return ""
	}
	return fmt.Sprintf("%02d:%02d-%02d:%02d", q.From/60, q.From%60, q.To/60, q.To%60)
}
