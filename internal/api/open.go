package api

import (
	"net/http"
	"strings"

	"cusp/internal/access"
	"cusp/internal/fault"
	"cusp/internal/respond"
)

// handleOpen registers a route that the pages of every web site may use: browsers send forms to it. Only
// a key in the Authorization header counts, so that no other site can act for whoever is signed in here.
func (a *API) handleOpen(method, path string, action access.Action, h http.Handler) {
	a.router.HandleOwn(method+" "+path, action, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		allowOrigins(w.Header())
		p, err := a.keyHolder(r)
		if err == nil {
			err = access.Allow(p, action)
		}
		if err != nil {
			respond.Fail(w, r, err)
			return
		}
		h.ServeHTTP(w, r.WithContext(access.With(r.Context(), p)))
	}))
	a.router.HandleOwn(http.MethodOptions+" "+path, action, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		allowOrigins(w.Header())
		w.Header().Set("Access-Control-Allow-Methods", method)
		w.Header().Set("Access-Control-Allow-Headers", "authorization, content-type, "+strings.ToLower(idempotencyHeader))
		w.Header().Set("Access-Control-Max-Age", "600")
		w.WriteHeader(http.StatusNoContent)
	}))
}

// allowOrigins lets pages of every site read the answer. It never allows credentials: cookies mean nothing
// to these routes.
func allowOrigins(h http.Header) {
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Expose-Headers", "Retry-After, X-Request-Id")
}

// keyHolder is who shows a key: as a bearer token or, as the tracking libraries do, as the user name of
// basic authentication.
func (a *API) keyHolder(r *http.Request) (access.Principal, error) {
	if p := access.From(r.Context()); p.Kind == access.Owner {
		return p, nil
	}
	if user, _, ok := r.BasicAuth(); ok {
		return a.o.Keys.Lookup(r.Context(), user)
	}
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return access.Principal{}, fault.New(fault.Unauthentic, "this needs a key").WithCode("unauthenticated").
			WithHint("send the header Authorization: Bearer KEY; a write key will do: cusp key create --kind write --name NAME")
	}
	return a.o.Keys.Lookup(r.Context(), strings.TrimSpace(secret))
}
