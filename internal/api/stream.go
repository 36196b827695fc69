package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"cusp/internal/access"
	"cusp/internal/alert"
	"cusp/internal/respond"
)

const (
	heartbeat = 15 * time.Second
	comeBack  = 3 * time.Second
)

type watchIn struct {
	LastEventID string `header:"Last-Event-ID" maxLength:"100" doc:"What was seen last; browsers send it when they come back."`
}

func (a *API) routeStream() {
	if a.o.Alerts == nil {
		return
	}
	register(a, operation{
		id: "watch", method: http.MethodGet, path: "/events/stream", action: access.ReadLeads, tag: "events",
		stream:  "text/event-stream",
		summary: "What happens now: events named decision and handoff, and reset when some were missed and lists should be read anew",
	}, a.watch)
}

func (a *API) watch(ctx context.Context, in *watchIn) (*huma.StreamResponse, error) {
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		r, w := humago.Unwrap(hc)
		watcher := a.o.Alerts.Feed().Watch(in.LastEventID)
		defer watcher.Stop()
		stream, err := respond.NewEventStream(w, comeBack)
		if err == nil {
			a.pump(ctx, r, stream, watcher)
		}
	}}, nil
}

// pump sends until the client is gone, falls behind, or may not read any more. An error means that the
// client is gone: there is nobody to tell.
func (a *API) pump(ctx context.Context, r *http.Request, stream *respond.EventStream, watcher *alert.Watcher) {
	if watcher.Missed && stream.Send("", "reset", []byte("{}")) != nil {
		return
	}
	who := Authenticate(a.o.Keys, a.o.Staff)
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case e, ok := <-watcher.C:
			if !ok {
				return
			}
			err = stream.Send(e.ID, e.Type, e.Data)
		case <-beat.C:
			p, lookup := who(r)
			if lookup != nil || access.Allow(p, access.ReadLeads) != nil {
				return // the key was revoked, or the session ended
			}
			err = stream.Beat()
		}
		if err != nil {
			return
		}
	}
}
