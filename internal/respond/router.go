package respond

import (
	"log/slog"
	"net/http"
	"path"
	"strings"
	"time"

	"cusp/internal/access"
	"cusp/internal/fault"
)

// Authenticate finds who makes a request; anonymous when it carries no credential.
type Authenticate func(r *http.Request) (access.Principal, error)

// Route is one route as it was registered.
type Route struct {
	Pattern string // "GET /api/v1/people", as [http.ServeMux] has it
	Action  access.Action
	Own     bool // the handler authenticates, because the credential is in the body
}

// Router is a mux in which every route has a policy. Routes are registered before it serves.
type Router struct {
	mux    *http.ServeMux
	routes []Route
	who    Authenticate
	cross  *http.CrossOriginProtection
}

// NewRouter makes a router that authenticates requests by who.
func NewRouter(who Authenticate) *Router {
	return &Router{mux: http.NewServeMux(), who: who, cross: http.NewCrossOriginProtection()}
}

// Handle registers a route that only those may use who are allowed the action. The handler finds the
// principal by [access.From]. A route that changes something cannot be used from another web site.
func (rt *Router) Handle(pattern string, action access.Action, h http.Handler) {
	rt.add(Route{Pattern: pattern, Action: action}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := rt.cross.Check(r); err != nil {
			Fail(w, r, fault.New(fault.Denied, "this request comes from another web site").WithCode("cross_origin"))
			return
		}
		p, err := rt.who(r)
		if err == nil {
			err = access.Allow(p, action)
		}
		if err != nil {
			Fail(w, r, err)
			return
		}
		if rec := recordOf(r.Context()); rec != nil {
			rec.principal = p.String()
		}
		h.ServeHTTP(w, r.WithContext(access.With(r.Context(), p)))
	}))
}

// HandleOwn registers a route whose handler authenticates and calls [access.Allow] itself: the tracking
// API may have its write key in the body. Any web site may call it.
func (rt *Router) HandleOwn(pattern string, action access.Action, h http.Handler) {
	rt.add(Route{Pattern: pattern, Action: action, Own: true}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
		h.ServeHTTP(w, r)
	}))
}

func (rt *Router) add(route Route, h http.Handler) {
	rt.routes = append(rt.routes, route)
	rt.mux.HandleFunc(route.Pattern, func(w http.ResponseWriter, r *http.Request) {
		if rec := recordOf(r.Context()); rec != nil {
			rec.pattern = route.Pattern
		}
		h.ServeHTTP(w, r)
	})
}

// Routes are all routes, in the order in which they were registered.
func (rt *Router) Routes() []Route { return rt.routes }

// ServeHTTP answers by the route that matches; what matches none is a problem document too.
func (rt *Router) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	Headers(w.Header())
	NameRoute(r.Context(), "none") // until one matches
	if !clean(r.URL.EscapedPath()) {
		noRoute(w, r)
		return
	}
	h, pattern := rt.mux.Handler(r)
	if pattern != "" {
		rt.mux.ServeHTTP(w, r)
		return
	}
	refused := &discard{header: http.Header{}}
	h.ServeHTTP(refused, r)
	if refused.status != http.StatusMethodNotAllowed {
		noRoute(w, r)
		return
	}
	w.Header().Set("Allow", refused.header.Get("Allow"))
	p := NewProblem(refused.status, "method_not_allowed", "this address does not answer to "+method(r))
	p.Hint = "use " + refused.header.Get("Allow")
	p.RequestID = RequestID(r.Context())
	writeProblem(w, p)
}

// method is the request's method, unless it is something that nobody should repeat.
func method(r *http.Request) string {
	if len(r.Method) > 16 {
		return "this method"
	}
	return r.Method
}

// clean reports whether the path means the same to every program that reads it: the mux would answer
// others with a redirect, and two readers may disagree on where "/v1/../admin" leads.
func clean(escaped string) bool {
	if escaped == "" || escaped == "/" {
		return true
	}
	return path.Clean(escaped) == strings.TrimSuffix(escaped, "/")
}

func noRoute(w http.ResponseWriter, r *http.Request) {
	Fail(w, r, fault.New(fault.NotFound, "there is nothing at this address").WithCode("no_route").
		WithHint("GET /api/openapi.json lists every address"))
}

// discard takes the answer that the mux would give, so that a problem document can be given instead.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
func (d *discard) WriteHeader(status int)      { d.status = status }

// Chain is what stands around a router.
type Chain struct {
	Log     *slog.Logger                                               // required
	Measure func(route, method string, status int, took time.Duration) // told of every answer; may be nil
	Before  func(next http.Handler) http.Handler                       // may answer instead of the router; may be nil
}

// Handler is the router inside the chain of middleware that every request goes through.
func (rt *Router) Handler(c Chain) http.Handler {
	var h http.Handler = rt
	if c.Before != nil {
		h = c.Before(h)
	}
	return observe(c, h)
}
