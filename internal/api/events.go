package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"cusp/internal/access"
	"cusp/internal/db"
	"cusp/internal/ingest"
	"cusp/internal/lead"
	"cusp/internal/respond"
)

// SourceItem is where events come from, with its account: received = accepted + duplicate + rejected.
type SourceItem struct {
	ID        int64   `json:"id"`
	Kind      string  `json:"kind" enum:"write,internal" doc:"A write key, or the product itself."`
	Name      string  `json:"name"`
	Trusted   bool    `json:"trusted"`
	Received  int64   `json:"received"`
	Accepted  int64   `json:"accepted"`
	Duplicate int64   `json:"duplicate" doc:"Message ids that had been stored before."`
	Rejected  int64   `json:"rejected"`
	Dropped   int64   `json:"rejected_dropped" doc:"Rejected events that are counted and no longer kept: the oldest make room."`
	Conflict  int64   `json:"conflict" doc:"Duplicates that said something else than the first."`
	LastAt    *string `json:"last_at" format:"date-time"`
	RevokedAt *string `json:"revoked_at" format:"date-time"`
}

// RejectedItem is an event that was not accepted.
type RejectedItem struct {
	ID         int64   `json:"id"`
	Source     int64   `json:"source"`
	ReceivedAt string  `json:"received_at" format:"date-time"`
	Code       string  `json:"code"`
	Reason     string  `json:"reason"`
	Size       int     `json:"size" doc:"Bytes as sent."`
	Raw        string  `json:"raw" doc:"As sent; bytes that are no text are replaced."`
	ReplayedAt *string `json:"replayed_at" format:"date-time"`
}

// ExportedEvent is one line of the export of events.
type ExportedEvent struct {
	MessageID   string          `json:"message_id"`
	Type        string          `json:"type"`
	UserID      string          `json:"user_id"`
	AnonymousID string          `json:"anonymous_id"`
	GroupID     string          `json:"group_id"`
	Time        string          `json:"time"`
	ReceivedAt  string          `json:"received_at"`
	Source      int64           `json:"source"`
	Trusted     bool            `json:"trusted"`
	Name        string          `json:"name"`
	Path        string          `json:"path"`
	Message     json.RawMessage `json:"message"`
}

type sourcesOut struct{ Body Page[SourceItem] }

type rejectedIn struct {
	Paging
	Source int64  `query:"source" minimum:"0" doc:"Only from this source."`
	Code   string `query:"code" maxLength:"40" doc:"Only with this code."`
}

type rejectedOut struct{ Body Page[RejectedItem] }

func (a *API) routeEvents() {
	register(a, operation{
		id: "listSources", method: http.MethodGet, path: "/sources", action: access.ReadEvents, tag: "events",
		summary: "Where events come from, and what became of them",
	}, a.listSources)
	register(a, operation{
		id: "listRejected", method: http.MethodGet, path: "/events/rejected", action: access.ReadEvents, tag: "events",
		summary: "Events that were not accepted, with the reason, newest first",
	}, a.listRejected)
	register(a, operation{
		id: "exportEvents", method: http.MethodGet, path: "/events/export", action: access.ExportData, tag: "events",
		summary: "Every stored event", stream: "application/x-ndjson",
	}, a.exportEvents)
	a.routeStatements()
}

func (a *API) listSources(ctx context.Context, _ *nothing) (*sourcesOut, error) {
	keys, err := a.o.Keys.List(ctx)
	if err != nil {
		return nil, err
	}
	var counts map[lead.SourceID]ingest.Counts
	var dropped map[lead.SourceID]int64
	err = a.o.Engine.Read(ctx, func(tx *db.Tx) (err error) {
		if counts, err = ingest.Accounts(tx); err != nil {
			return err
		}
		dropped, err = ingest.Dropped(tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &sourcesOut{Page[SourceItem]{Items: []SourceItem{}}}
	for _, k := range keys {
		if k.Kind == access.API {
			continue
		}
		c := counts[lead.SourceID(k.ID)]
		out.Body.Items = append(out.Body.Items, SourceItem{
			ID: k.ID, Kind: string(k.Kind), Name: k.Name, Trusted: k.Trusted,
			Received: c.Received, Accepted: c.Accepted, Duplicate: c.Duplicate, Rejected: c.Rejected, Conflict: c.Conflict,
			Dropped: dropped[lead.SourceID(k.ID)],
			LastAt:  stamp(c.At), RevokedAt: stamp(k.RevokedAt),
		})
	}
	return out, nil
}

func (a *API) listRejected(ctx context.Context, in *rejectedIn) (*rejectedOut, error) {
	of := list("rejected", strconv.FormatInt(in.Source, 10), in.Code)
	before, err := readNumber(of, in.Cursor, math.MaxInt64)
	if err != nil {
		return nil, err
	}
	var rejected []ingest.Rejected
	err = a.o.Engine.Read(ctx, func(tx *db.Tx) error {
		rejected, err = ingest.ListRejected(tx, ingest.RejectedFilter{
			Source: lead.SourceID(in.Source), Code: ingest.Code(in.Code), Before: before, Limit: in.Limit + 1,
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	items := make([]RejectedItem, len(rejected))
	for i := range rejected {
		items[i] = rejectedItem(&rejected[i])
	}
	return &rejectedOut{page(items, in.Limit, of, func(r RejectedItem) string { return strconv.FormatInt(r.ID, 10) })}, nil
}

func rejectedItem(r *ingest.Rejected) RejectedItem {
	return RejectedItem{
		ID: r.ID, Source: int64(r.Source), ReceivedAt: r.ReceivedAt.String(), Code: string(r.Code), Reason: r.Reason,
		Size: r.Size, Raw: string(bytes.ToValidUTF8(r.Raw, []byte("\uFFFD"))), ReplayedAt: stamp(r.ReplayedAt),
	}
}

// exportProfiles is how many histories are read at a time: what is read is sent after its transaction
// has ended, so that a slow client holds none open.
const exportProfiles = 64

func (a *API) exportEvents(ctx context.Context, _ *nothing) (*huma.StreamResponse, error) {
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		_, w := humago.Unwrap(hc)
		out := respond.NewNDJSON(w)
		out.Close(a.streamEvents(ctx, out))
	}}, nil
}

func (a *API) streamEvents(ctx context.Context, out *respond.NDJSON) error {
	if err := a.o.Engine.Settle(ctx); err != nil {
		return fmt.Errorf("export events: %w", err)
	}
	var batch []ingest.Stored
	for from := lead.ProfileID(0); ; {
		batch = batch[:0]
		profiles := 0
		err := ingest.Scan(ctx, a.o.DB, from, exportProfiles, func(p lead.ProfileID, events []ingest.Stored) error {
			batch = append(batch, events...)
			from = p + 1
			profiles++
			return nil
		})
		if err != nil {
			return fmt.Errorf("export events: %w", err)
		}
		for i := range batch {
			if err := out.Write(exported(&batch[i].Event)); err != nil {
				return err
			}
		}
		if profiles < exportProfiles {
			return nil
		}
	}
}

func exported(e *lead.Event) ExportedEvent {
	return ExportedEvent{
		MessageID: e.MessageID, Type: e.Type.String(), UserID: e.UserID, AnonymousID: e.AnonymousID, GroupID: e.GroupID,
		Time: e.Time.String(), ReceivedAt: e.ReceivedAt.String(), Source: int64(e.Source), Trusted: e.Flags.Has(lead.Trusted),
		Name: e.Name, Path: e.Path, Message: json.RawMessage(e.Body),
	}
}
