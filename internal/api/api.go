// Package api is the JSON API under /api/v1 with its OpenAPI document, and the probes beside it.
//
// Operations are declared once, with their policy: the types of a handler are the schema, and the router
// refuses whoever the policy does not allow. Handlers hold no rules of their own: they read the request,
// call the engine or a store, and name what comes back. Answers are checked against the served document
// in the tests.
//
// Begin reading at [New] and register.
package api

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"cusp/internal/access"
	"cusp/internal/alert"
	"cusp/internal/db"
	"cusp/internal/fault"
	"cusp/internal/flow"
	"cusp/internal/handoff"
	"cusp/internal/handoff/route"
	"cusp/internal/respond"
)

// Options is what the API stands on. All are required unless they say otherwise.
type Options struct {
	DB      *db.DB
	Engine  *flow.Engine
	Keys    *access.Keys
	Staff   *access.Staff
	Log     *slog.Logger
	Now     func() time.Time
	Version string
	Metrics http.Handler                // answers /metrics
	Ready   func(context.Context) error // why the process cannot serve now; nil when it can
	Desk    *handoff.Desk               // nil: there are no handoffs
	Alerts  *alert.Alerts               // nil: nobody is told
	// Host is what a visitor may know of the rep who has their lead: a name and where to book, both empty
	// when there is nobody to show. Nil for nobody ever.
	Host func(tx *db.Tx, rep route.RepID) (name, bookingURL string, err error)
	// ClientIP is the address of the visitor's device; nil means the other end of the connection.
	ClientIP func(*http.Request) string
	Meetings Meetings // secrets of booking services
}

// API serves the routes. Make one with [New].
type API struct {
	o      Options
	router *respond.Router
	huma   huma.API
	began  time.Time
}

// New registers every route of the API on a router.
func New(router *respond.Router, o Options) (*API, error) {
	if o.ClientIP == nil {
		o.ClientIP = respond.ClientIP(nil)
	}
	a := &API{o: o, router: router, began: o.Now()}
	a.huma = huma.NewAPI(config(o.Version), adapter{a})
	a.routePeople()
	a.routeAccounts()
	a.routePlaybooks()
	a.routeLedger()
	a.routeEvents()
	a.routeImport()
	a.routeKeys()
	a.routeSession()
	a.routeUsers()
	a.routeTeams()
	a.routeAudit()
	a.routeHandoffs()
	a.routePack()
	a.routeQualify()
	a.routeMeetings()
	a.routeDestinations()
	a.routeStream()
	a.routeStatus()
	a.routeProbes()
	if err := a.serveSpec(); err != nil {
		return nil, err
	}
	return a, nil
}

// Authenticate finds who makes a request: the owner over the socket and inside the process, else the
// holder of the key in the Authorization header, else whoever is signed in with the session cookie. A
// cookie that is worth nothing makes nobody, so that one can sign in again.
func Authenticate(keys *access.Keys, staff *access.Staff) respond.Authenticate {
	return func(r *http.Request) (access.Principal, error) {
		if p := access.From(r.Context()); p.Kind == access.Owner {
			return p, nil
		}
		header := r.Header.Get("Authorization")
		if header == "" {
			return signedIn(r, staff)
		}
		scheme, secret, _ := strings.Cut(header, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return access.Principal{}, fault.New(fault.Unauthentic, "the API takes keys as Authorization: Bearer KEY").
				WithCode("wrong_scheme")
		}
		return keys.Lookup(r.Context(), strings.TrimSpace(secret))
	}
}

func signedIn(r *http.Request, staff *access.Staff) (access.Principal, error) {
	c, err := r.Cookie(sessionCookie)
	if err != nil {
		return access.Principal{}, nil //nolint:nilerr // no cookie is no fault
	}
	p, err := staff.Session(r.Context(), c.Value)
	if fault.Is(err, fault.Unauthentic) {
		return access.Principal{}, nil
	}
	return p, err
}

// routeProbes registers what load balancers and Prometheus ask.
func (a *API) routeProbes() {
	a.router.Handle("GET /healthz", access.ProbeHealth, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		respond.JSON(w, http.StatusOK, map[string]string{"status": "ok"})
	}))
	a.router.Handle("GET /readyz", access.ProbeHealth, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := a.o.Ready(r.Context()); err != nil {
			respond.Fail(w, r, fault.New(fault.Unavailable, "not ready").WithCode("not_ready").WithCause(err))
			return
		}
		respond.JSON(w, http.StatusOK, map[string]string{"status": "ok"})
	}))
	who := Authenticate(a.o.Keys, a.o.Staff)
	a.router.HandleOwn("GET /metrics", access.ReadMetrics, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !nearby(r) {
			p, err := who(r)
			if err == nil {
				err = access.Allow(p, access.ReadMetrics)
			}
			if err != nil {
				respond.Fail(w, r, err)
				return
			}
		}
		a.o.Metrics.ServeHTTP(w, r)
	}))
}

// nearby reports whether a request comes from this machine itself, and not through a proxy on it.
func nearby(r *http.Request) bool {
	for _, header := range []string{"Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via"} {
		if r.Header.Get(header) != "" {
			return false
		}
	}
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !from.Addr().Unmap().IsLoopback() {
		return false
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(r.Host); err == nil {
		host = h
	}
	to, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return host == "localhost" || err == nil && to.IsLoopback()
}
