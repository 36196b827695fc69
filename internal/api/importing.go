package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"cusp/internal/access"
	"cusp/internal/canon"
	"cusp/internal/db"
	"cusp/internal/domains"
	"cusp/internal/fault"
	"cusp/internal/ingest"
	"cusp/internal/ingest/table"
	"cusp/internal/lead"
	"cusp/internal/respond"
)

type importIn struct {
	Kind        string `path:"kind" maxLength:"40" doc:"people, accounts or events."`
	ContentType string `header:"Content-Type" maxLength:"100"`
	RawBody     []byte `contentType:"application/json"`
}

// rows reads the body. Messages stay as they are, so that one that cannot be read costs only its row.
func (in *importIn) rows() ([]table.Row, error) {
	if media, _, err := mime.ParseMediaType(in.ContentType); err != nil || media != "application/json" {
		return nil, fault.New(fault.Unsupported, "rows are sent as JSON").WithCode("unsupported_media_type").
			WithHint("send the header Content-Type: application/json")
	}
	var req table.Request
	dec := json.NewDecoder(bytes.NewReader(in.RawBody))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&req); err != nil {
		p := respond.NewProblem(http.StatusBadRequest, "invalid_request", "the body is not a list of rows")
		p.Errors = []respond.Detail{{Location: "body", Message: err.Error()}}
		return nil, p
	}
	if n := len(req.Rows); n > table.MaxRows {
		return nil, fault.New(fault.TooLarge, "%d rows are more than the %d of one request", n, table.MaxRows).
			WithCode("too_many_rows").WithField("body.rows").WithHint("send them in smaller batches")
	}
	return req.Rows, nil
}

type importOut struct{ Body table.Result }

func (a *API) routeImport() {
	register(a, operation{
		id: "importRows", method: http.MethodPost, path: "/import/{kind}", action: access.ImportData, tag: "import",
		summary: "Store the rows of a table, at most 500; rows that were stored before change nothing", maxBody: table.MaxBytes, raw: true,
	}, a.importRows)
	doc := a.huma.OpenAPI()
	doc.Paths["/api/v1/import/{kind}"].Post.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
		"application/json": {Schema: doc.Components.Schemas.Schema(reflect.TypeFor[table.Request](), true, "")},
	}}
}

func (a *API) importRows(ctx context.Context, in *importIn) (*importOut, error) {
	kind, err := table.ParseKind(in.Kind)
	if err != nil {
		return nil, err
	}
	all, err := in.rows()
	if err != nil {
		return nil, err
	}
	im := &importing{kind: kind, now: lead.At(a.o.Now()), result: table.Result{Rejected: []table.Rejection{}}}
	// Rows without a time of their own happen in the order of the table, ending now.
	im.now -= lead.Instant(len(all))
	for _, row := range all {
		im.now++
		im.read(row)
	}
	if err := a.store(ctx, im); err != nil {
		return nil, fmt.Errorf("import %s: %w", kind, err)
	}
	return &importOut{im.result}, nil
}

// importing is one request's rows on their way into the log.
type importing struct {
	kind   table.Kind
	now    lead.Instant
	rows   []imported
	result table.Result
}

// imported is a good row.
type imported struct {
	line  int
	event lead.Event
	timed bool         // the row says when it was so
	also  []lead.Event // what else the row tells
}

// read takes a row in: all of it is good, or it is rejected.
func (im *importing) read(row table.Row) {
	im.result.Read++
	in := imported{line: row.Line}
	var bad *ingest.Rejected
	if in.event, in.timed, bad = im.message(row.Message); bad != nil {
		im.reject(row.Line, bad)
		return
	}
	for _, m := range row.Also {
		e, _, bad := im.message(m)
		if bad != nil {
			im.reject(row.Line, bad)
			return
		}
		in.also = append(in.also, e)
	}
	im.rows = append(im.rows, in)
}

func (im *importing) reject(line int, r *ingest.Rejected) {
	im.result.Rejected = append(im.result.Rejected, table.Rejection{Line: line, Code: string(r.Code), Reason: r.Reason})
}

// message reads one message as the tracking API would read it from a server.
func (im *importing) message(raw []byte) (e lead.Event, timed bool, bad *ingest.Rejected) {
	var tree canon.Tree
	root, err := tree.Parse(raw)
	if err != nil {
		return e, false, &ingest.Rejected{Code: ingest.BadBody, Reason: "The message is not JSON."}
	}
	r := ingest.Reader{
		Batch: ingest.Batch{Source: access.SourceImport, ReceivedAt: im.now}, Trusted: true, Tree: &tree,
		NewID: func() string { return "" },
	}
	r.Message(root, 0)
	if len(r.Rejected) > 0 {
		return e, false, &r.Rejected[0]
	}
	e = r.Events[0]
	switch {
	case e.MessageID == "":
		bad = &ingest.Rejected{Code: ingest.BadMessageID, Reason: "A row needs a messageId, so that importing it again changes nothing."}
	case !belongs(&e):
		bad = &ingest.Rejected{Code: ingest.NoIdentity, Reason: "What names the person or company cannot be an identifier."}
	}
	timed = root.Get("timestamp").Kind() > canon.Null || root.Get("originalTimestamp").Kind() > canon.Null
	return e, timed, bad
}

// belongs reports whether an event names somebody, or a company, beyond doubt: what identity resolution
// would refuse later is a rejected row now.
func belongs(e *lead.Event) bool {
	if e.UserID != "" || e.AnonymousID != "" || e.GroupID != "" {
		return true
	}
	if e.Type == lead.Group {
		_, ok := domains.Company(domainIn(e))
		return ok
	}
	_, err := domains.Normalize(addressIn(e))
	return err == nil
}

// traitsIn are the traits of an event as its sender wrote them.
func traitsIn(e *lead.Event) map[string]any {
	body, err := canon.Decode(e.Body)
	if err != nil {
		return nil
	}
	if traits, ok := body["traits"].(map[string]any); ok && len(traits) > 0 {
		return traits
	}
	within, _ := body["context"].(map[string]any)
	traits, _ := within["traits"].(map[string]any)
	return traits
}

func addressIn(e *lead.Event) string {
	email, _ := traitsIn(e)["email"].(string)
	return email
}

// store decides which rows say something new, commits them, and counts.
func (a *API) store(ctx context.Context, im *importing) error {
	var p plan
	err := a.o.Engine.Read(ctx, func(tx *db.Tx) (err error) {
		p, err = planImport(tx, im)
		return err
	})
	if err != nil {
		return err
	}
	im.result.New += p.fresh
	im.result.Updated += p.changed
	im.result.Unchanged += p.same
	timed, err := a.submit(ctx, im, p.timed)
	if err != nil {
		return err
	}
	im.count(timed, p.unknown)
	now, err := a.submit(ctx, im, p.now)
	if err != nil {
		return err
	}
	// Somebody else may have imported the same rows since they were planned.
	lost := now.Duplicate + now.Rejected
	fromFresh := min(lost, im.result.New)
	im.result.New -= fromFresh
	im.result.Updated -= lost - fromFresh
	im.result.Unchanged += now.Duplicate
	_, err = a.submit(ctx, im, p.also)
	return err
}

// submit commits events of the import; what identity resolution refuses all the same is reported.
func (a *API) submit(ctx context.Context, im *importing, events []lead.Event) (ingest.Receipt, error) {
	if len(events) == 0 {
		return ingest.Receipt{}, nil
	}
	receipt, err := a.o.Engine.Submit(ctx, ingest.Batch{Source: access.SourceImport, ReceivedAt: im.now, Events: events})
	for range receipt.Rejected {
		im.result.Rejected = append(im.result.Rejected, table.Rejection{
			Line: im.rows[len(im.rows)-1].line, Code: "refused",
			Reason: "A row up to this line was refused; GET /api/v1/events/rejected says why.",
		})
	}
	return receipt, err
}

// count turns the receipt of rows with a time of their own into the words of imports. Somebody unknown
// cannot have been stored before; every other row that was accepted says something new.
func (im *importing) count(receipt ingest.Receipt, unknown int) {
	if im.kind == table.Events {
		im.result.New += receipt.Accepted
		im.result.Duplicate += receipt.Duplicate
		return
	}
	fresh := min(unknown, receipt.Accepted)
	im.result.New += fresh
	im.result.Updated += receipt.Accepted - fresh
	im.result.Unchanged += receipt.Duplicate
}
