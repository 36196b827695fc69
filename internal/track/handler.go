package track

import (
	"context"
	"log/slog"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"cusp/internal/fault"
	"cusp/internal/ingest"
	"cusp/internal/lead"
	"cusp/internal/respond"
)

// Source is who sends: what a write key stands for.
type Source struct {
	ID       lead.SourceID
	Trusted  bool // a server's key, kept secret by its owner
	Disabled bool // events are dropped and counted: refusing them can crash old SDKs
}

// Options are what a handler needs. Lookup, Submit, Now and NewID are required.
type Options struct {
	// Lookup finds the source of a write key; Unauthentic when the key is unknown or revoked.
	Lookup func(ctx context.Context, key string) (Source, error)
	// Submit stores a batch and returns when it is durable. TooMany and Unavailable tell the sender to
	// come back.
	Submit func(ctx context.Context, b ingest.Batch) (ingest.Receipt, error)
	Now    func() time.Time
	NewID  func() string // a new, unique message id
	Logger *slog.Logger  // nil for none

	// PublicURL is where browsers reach this server, such as https://cusp.example/t; "" means the address
	// that they used.
	PublicURL string
	// ClientIP is the address of the visitor's device; nil means the other end of the connection.
	ClientIP func(*http.Request) string
}

// Handler serves the tracking API. It is safe for concurrent use.
type Handler struct {
	o      Options
	log    *slog.Logger
	routes map[string]route
	pool   sync.Pool // of *request

	// parsing bounds how many bodies are taken apart at once: that is work of the processor, and a body
	// made for it takes eighty times its size in memory.
	parsing chan struct{}
}

// route is what happens at an address.
type route struct {
	serve   func(*Handler, http.ResponseWriter, *http.Request, route)
	methods []string
	read    func(*request) error // puts the messages of a body into the batch
	kind    lead.EventType       // that the address names; 0: the message does
	key     string               // the member of the body that holds the write key
	device  bool                 // it is the visitor's program that asks
}

// New makes a handler.
func New(o Options) *Handler {
	h := &Handler{o: o, log: o.Logger, routes: map[string]route{}, parsing: make(chan struct{}, 2*runtime.GOMAXPROCS(0))}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	if h.o.ClientIP == nil {
		h.o.ClientIP = respond.ClientIP(nil)
	}
	h.pool.New = func() any { return &request{} }
	h.register()
	return h
}

func (h *Handler) register() {
	post := []string{http.MethodPost, http.MethodOptions}
	get := []string{http.MethodGet, http.MethodHead, http.MethodOptions}
	for kind := lead.Track; kind <= lead.Alias; kind++ {
		name := kind.String()
		single := route{serve: (*Handler).take, methods: post, read: readSingle, kind: kind, key: "writeKey"}
		for _, path := range []string{"/v1/" + name, "/v1/" + name[:1], "/api/s/" + name, "/api/s/s2s/" + name} {
			h.routes[path] = single
		}
		h.routes["/v1/pixel/"+name] = route{serve: (*Handler).pixel, methods: get, read: readSingle, kind: kind, key: "writeKey", device: true}
	}
	for _, path := range []string{"/v1/batch", "/v1/b", "/v1/import", "/beacon/v1/batch"} {
		h.routes[path] = route{serve: (*Handler).take, methods: post, read: readBatch, key: "writeKey"}
	}
	h.routes["/batch"] = route{serve: (*Handler).take, methods: post, read: readPostHog, key: "api_key"}
	h.routes["/v1/m"] = route{serve: (*Handler).metrics, methods: post}
	h.routes["/v1/projects/{key}/settings"] = route{serve: (*Handler).settings, methods: get}
	h.routes["/sourceConfig"] = route{serve: (*Handler).sourceConfig, methods: get}
}

// Patterns are the addresses as [http.ServeMux] has them, each also with a slash at its end. They answer
// to every method, because refusals need the CORS headers too.
func (h *Handler) Patterns() []string {
	var all []string
	for path := range h.routes {
		all = append(all, path, path+"/{$}")
	}
	slices.Sort(all)
	return all
}

// Wrap serves the tracking API's addresses and leaves all others to next. It belongs outside of whatever
// redirects or refuses unclean paths: some SDKs ask for "//v1/batch".
func (h *Handler) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, ok := h.find(r); ok {
			h.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// find is the route of a request. Paths are compared as they were sent: nothing in them is decoded, so
// that no proxy in front can read another address than this server.
func (h *Handler) find(r *http.Request) (route, bool) {
	path := r.URL.EscapedPath()
	if strings.HasPrefix(path, "//") {
		path = path[1:]
	}
	path = strings.TrimSuffix(path, "/")
	if _, ok := settingsKey(path); ok {
		path = "/v1/projects/{key}/settings"
	} else if strings.Contains(path, "{") {
		return route{}, false
	}
	rt, ok := h.routes[path]
	return rt, ok
}

// ServeHTTP answers a request to one of the tracking API's addresses.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	allowOrigins(w.Header())
	rt, ok := h.find(r)
	switch {
	case !ok:
		h.fail(w, r, fault.New(fault.NotFound, "There is nothing at this address.").WithCode("no_route").
			WithHint("Events go to /v1/track, /v1/identify, /v1/page, /v1/group, /v1/alias or /v1/batch."))
	case !slices.Contains(rt.methods, r.Method):
		w.Header().Set("Allow", strings.Join(rt.methods, ", "))
		h.answer(w, http.StatusMethodNotAllowed, failure{Code: "method_not_allowed",
			Message: "This address does not take this method.", Hint: "Use " + rt.methods[0] + "."})
	case r.Method == http.MethodOptions:
		preflight(w, r)
	default:
		rt.serve(h, w, r, rt)
	}
}

// metrics takes what SDKs measure about themselves, and keeps nothing of it.
func (h *Handler) metrics(w http.ResponseWriter, _ *http.Request, _ route) { h.success(w) }
