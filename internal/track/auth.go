package track

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"

	"cusp/internal/fault"
	"cusp/internal/ingest"
)

// credential is the write key that a request shows outside of its body.
type credential struct {
	key    string
	bearer bool // perhaps an OAuth token, beside which the key is in the body
}

// credentialOf finds the key in the headers, else in the query.
func credentialOf(r *http.Request) (credential, error) {
	c := headerCredential(r)
	if r.URL.RawQuery == "" {
		return c, nil
	}
	query := r.URL.Query().Get("writeKey")
	switch {
	case query == "" || same(c.key, query):
		return c, nil
	case c.key == "" || c.bearer:
		return credential{key: query}, nil
	}
	return c, ambiguous()
}

func headerCredential(r *http.Request) credential {
	if key := r.Header.Get("X-Write-Key"); key != "" {
		return credential{key: key}
	}
	scheme, rest, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	rest = strings.TrimSpace(rest)
	switch strings.ToLower(scheme) {
	case "basic":
		plain, err := base64.StdEncoding.DecodeString(rest)
		if err != nil {
			plain, err = base64.RawStdEncoding.DecodeString(rest)
		}
		if err == nil {
			key, _, _ := strings.Cut(string(plain), ":") // old callers leave the colon out
			return credential{key: key}
		}
	case "bearer":
		return credential{key: rest, bearer: rest != ""}
	}
	return credential{}
}

// same reports whether two ways to write a key mean the same one: Jitsu sends "key:secret" in a header
// and "key:***" in the body.
func same(a, b string) bool {
	if a == b {
		return true
	}
	a, _, _ = strings.Cut(a, ":")
	b, _, _ = strings.Cut(b, ":")
	return a == b
}

// identify settles who sends, now that the key in the body is known too.
func (h *Handler) identify(ctx context.Context, q *request, shown credential, inBody string) error {
	switch {
	case shown.key == "" && inBody == "":
		return fault.New(fault.Unauthentic, "The request has no write key.").WithCode("missing_key").
			WithHint("Send it as the user name of HTTP Basic authentication, or as writeKey in the body.")
	case shown.key == "":
		return h.lookup(ctx, q, inBody)
	case inBody == "" || same(shown.key, inBody):
		if q.known {
			return nil
		}
		return h.lookup(ctx, q, shown.key)
	case !shown.bearer:
		return ambiguous()
	}
	err := h.lookup(ctx, q, shown.key)
	switch {
	case err == nil:
		return ambiguous()
	case !fault.Is(err, fault.Unauthentic):
		return err
	}
	return h.lookup(ctx, q, inBody)
}

func (h *Handler) lookup(ctx context.Context, q *request, key string) (err error) {
	q.source, err = h.o.Lookup(ctx, key)
	if name, _, ok := strings.Cut(key, ":"); ok && fault.Is(err, fault.Unauthentic) {
		q.source, err = h.o.Lookup(ctx, name)
	}
	q.known = err == nil
	return err
}

func ambiguous() error {
	return fault.New(fault.Invalid, "The request shows two different write keys.").WithCode("ambiguous_key").
		WithHint("Send one key, in the header or in the body.")
}

// codeOf is the code under which a body that could not be read is kept.
func codeOf(err error) ingest.Code {
	if e, ok := errors.AsType[*fault.Error](err); ok && e.Code != "" {
		return ingest.Code(e.Code)
	}
	return ingest.BadBody
}
