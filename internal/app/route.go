package app

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"cusp/internal/access"
	"cusp/internal/api"
	"cusp/internal/db"
	"cusp/internal/fault"
	"cusp/internal/handoff/route"
	"cusp/internal/lead"
	"cusp/internal/respond"
	"cusp/internal/track"
)

// route builds the handler of every route.
func (a *App) route() error {
	m := newMeters(a.db, a.o.Version, a.o.Commit)
	metrics := http.NotFoundHandler()
	if a.o.Metrics {
		metrics = m.handler()
	}
	router := respond.NewRouter(api.Authenticate(a.keys, a.staff))
	var err error
	a.api, err = api.New(router, api.Options{
		DB: a.db, Engine: a.engine, Keys: a.keys, Staff: a.staff, Log: a.o.Log, Now: a.o.Now, Version: a.o.Version,
		Metrics: metrics, Ready: a.ready, Desk: a.desk, Alerts: a.alerts, Host: host, ClientIP: respond.ClientIP(a.o.Proxies), Meetings: a.o.Meetings,
	})
	if err != nil {
		return err
	}
	events := track.New(track.Options{
		Lookup: a.source, Submit: a.engine.Submit, Now: a.o.Now, NewID: uuid.NewString,
		Logger: a.o.Log, PublicURL: a.o.PublicURL, ClientIP: respond.ClientIP(a.o.Proxies),
	})
	a.http = router.Handler(respond.Chain{Log: a.o.Log, Measure: m.answered, Before: func(next http.Handler) http.Handler {
		tracking := events.Wrap(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			respond.NameRoute(r.Context(), "tracking") // the router renames what is its own
			tracking.ServeHTTP(w, r)
		})
	}})
	return nil
}

// source is who sends events with a write key. Keys of other kinds send none.
func (a *App) source(ctx context.Context, secret string) (track.Source, error) {
	k, err := a.keys.Find(ctx, secret)
	if err != nil {
		return track.Source{}, err
	}
	if err := access.Allow(k.Principal(), access.SendEvents); err != nil {
		return track.Source{}, fault.New(fault.Unauthentic, "This key does not send events.").WithCode("wrong_key_kind").
			WithHint("make a write key: cusp key create --kind write --name NAME")
	}
	return track.Source{ID: lead.SourceID(k.ID), Trusted: k.Trusted, Disabled: k.DisabledAt != 0}, nil
}

// host is what a visitor may know of the rep who has their lead.
func host(tx *db.Tx, rep route.RepID) (name, bookingURL string, err error) {
	user, err := access.FindUser(tx, string(rep))
	if fault.Is(err, fault.NotFound) || err == nil && !user.Active {
		return "", "", nil
	}
	if err != nil {
		return "", "", err
	}
	return user.Name, user.Attributes.BookingURL, nil
}

var pingSQL = db.SQL("app.ping", `select 1`)

// ready asks the database for a sign of life. Migrations ran before there was a handler.
func (a *App) ready(ctx context.Context) error {
	var one int
	return a.db.Read(ctx, func(tx *db.Tx) error { return tx.QueryRow(pingSQL, nil, &one) })
}
