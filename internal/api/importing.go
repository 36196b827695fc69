package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"cusp/internal/access"
	"cusp/internal/canon"
	"cusp/internal/db"
	"cusp/internal/domains"
	"cusp/internal/fault"
	"cusp/internal/identity"
	"cusp/internal/ingest"
	"cusp/internal/ingest/table"
	"cusp/internal/lead"
)

type importIn struct {
	Kind string `path:"kind" maxLength:"40" doc:"people, accounts or events."`
	Body table.Request
}

type importOut struct{ Body table.Result }

func (a *API) routeImport() {
	register(a, operation{
		id: "importRows", method: http.MethodPost, path: "/import/{kind}", action: access.ImportData, tag: "import",
		summary: "Store the rows of a table, at most 500; rows that were stored before change nothing", maxBody: table.MaxBytes,
	}, a.importRows)
}

func (a *API) importRows(ctx context.Context, in *importIn) (*importOut, error) {
	kind, err := table.ParseKind(in.Kind)
	if err != nil {
		return nil, err
	}
	if n := len(in.Body.Rows); n > table.MaxRows {
		return nil, fault.New(fault.TooLarge, "%d rows are more than the %d of one request", n, table.MaxRows).
			WithCode("too_many_rows").WithField("body.rows").WithHint("send them in smaller batches")
	}
	im := newImporting(kind, lead.At(a.o.Now()))
	for _, row := range in.Body.Rows {
		im.row(row)
	}
	if err := a.store(ctx, im); err != nil {
		return nil, err
	}
	return &importOut{im.result}, nil
}

// importing is one request's rows on their way into the log.
type importing struct {
	kind   table.Kind
	now    lead.Instant
	mains  ingest.Batch // one event a row
	also   ingest.Batch // what else the rows tell
	lines  []int        // of mains
	result table.Result
}

func newImporting(kind table.Kind, now lead.Instant) *importing {
	empty := ingest.Batch{Source: access.SourceImport, ReceivedAt: now}
	return &importing{kind: kind, now: now, mains: empty, also: empty, result: table.Result{Rejected: []table.Rejection{}}}
}

// row reads a row: all of it is good, or it is rejected.
func (im *importing) row(row table.Row) {
	im.result.Read++
	reject := func(code, reason string) {
		im.result.Rejected = append(im.result.Rejected, table.Rejection{Line: row.Line, Code: code, Reason: reason})
	}
	main, code, reason := im.message(row.Message)
	if code != "" {
		reject(code, reason)
		return
	}
	var also []lead.Event
	for _, m := range row.Also {
		e, code, reason := im.message(m)
		if code != "" {
			reject(code, reason)
			return
		}
		also = append(also, e)
	}
	im.mains.Events = append(im.mains.Events, main)
	im.lines = append(im.lines, row.Line)
	im.also.Events = append(im.also.Events, also...)
}

// message reads one message as the tracking API would read it from a server.
func (im *importing) message(raw []byte) (e lead.Event, code, reason string) {
	var tree canon.Tree
	root, err := tree.Parse(raw)
	if err != nil {
		return e, "bad_json", "The message is not JSON."
	}
	r := ingest.Reader{
		Batch: ingest.Batch{Source: access.SourceImport, ReceivedAt: im.now}, Trusted: true, Tree: &tree,
		NewID: func() string { return "" },
	}
	r.Message(root, 0)
	if len(r.Rejected) > 0 {
		return e, string(r.Rejected[0].Code), r.Rejected[0].Reason
	}
	e = r.Events[0]
	if e.MessageID == "" {
		return e, string(ingest.BadMessageID), "A row needs a messageId, so that importing it again changes nothing."
	}
	if !belongs(&e) {
		return e, string(ingest.NoIdentity), "The e-mail address cannot be one, and there is no other identifier."
	}
	return e, "", ""
}

// belongs reports whether the event names somebody, or a company, beyond doubt.
func belongs(e *lead.Event) bool {
	if e.UserID != "" || e.AnonymousID != "" || e.GroupID != "" {
		return true
	}
	_, err := domains.Normalize(addressIn(e))
	return err == nil
}

// addressIn is the e-mail address by which an event names its person.
func addressIn(e *lead.Event) string {
	body, err := canon.Decode(e.Body)
	if err != nil {
		return ""
	}
	traits, _ := body["traits"].(map[string]any)
	email, _ := traits["email"].(string)
	if email == "" {
		context, _ := body["context"].(map[string]any)
		traits, _ = context["traits"].(map[string]any)
		email, _ = traits["email"].(string)
	}
	return email
}

// store commits the rows, then what else they tell, and counts what became of them.
func (a *API) store(ctx context.Context, im *importing) error {
	if len(im.mains.Events) == 0 {
		return nil
	}
	unknown, err := a.unknown(ctx, im)
	if err != nil {
		return err
	}
	receipt, err := a.o.Engine.Submit(ctx, im.mains)
	if err != nil {
		return fmt.Errorf("import rows: %w", err)
	}
	if receipt.Rejected > 0 {
		// The reader accepts what identity resolution can place; what is refused there all the same is
		// stored as a rejected event with its reason.
		line := im.lines[len(im.lines)-1]
		for range receipt.Rejected {
			im.result.Rejected = append(im.result.Rejected, table.Rejection{
				Line: line, Code: "refused", Reason: "A row up to this line was refused; GET /api/v1/events/rejected says why.",
			})
		}
	}
	im.count(receipt, unknown)
	if len(im.also.Events) == 0 {
		return nil
	}
	_, err = a.o.Engine.Submit(ctx, im.also)
	return err
}

// count turns a receipt into the words of imports. A row about somebody unknown is new and cannot have
// been stored before; every other row that was accepted changes somebody known.
func (im *importing) count(receipt ingest.Receipt, unknown int) {
	if im.kind == table.Events {
		im.result.New, im.result.Duplicate = receipt.Accepted, receipt.Duplicate
		return
	}
	im.result.New = min(unknown, receipt.Accepted)
	im.result.Updated = receipt.Accepted - im.result.New
	im.result.Unchanged = receipt.Duplicate
}

// unknown counts the people (or accounts) of the rows of whom nothing is known yet.
func (a *API) unknown(ctx context.Context, im *importing) (int, error) {
	if im.kind == table.Events {
		return 0, nil
	}
	seen := map[string]bool{}
	count := 0
	err := a.o.DB.Read(ctx, func(tx *db.Tx) error {
		count = 0
		clear(seen)
		for i := range im.mains.Events {
			ref := im.named(&im.mains.Events[i])
			if seen[ref] {
				continue
			}
			seen[ref] = true
			known, err := im.known(tx, ref)
			if err != nil {
				return err
			}
			if !known {
				count++
			}
		}
		return nil
	})
	return count, err
}

func (im *importing) known(tx *db.Tx, ref string) (bool, error) {
	var err error
	if im.kind == table.Accounts {
		_, err = identity.FindAccount(tx, ref)
	} else {
		_, err = identity.Find(tx, ref)
	}
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	return err == nil, err
}

// named is what an event calls its person or account by.
func (im *importing) named(e *lead.Event) string {
	if im.kind == table.Accounts {
		return e.GroupID
	}
	for _, ref := range []string{e.UserID, strings.ToLower(addressIn(e)), e.AnonymousID} {
		if ref != "" {
			return ref
		}
	}
	return ""
}
