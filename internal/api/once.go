package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"cusp/internal/access"
	"cusp/internal/fault"
	"cusp/internal/lead"
	"cusp/internal/respond"
)

const (
	idempotencyHeader = "Idempotency-Key"
	idempotencyMax    = 255              // characters of a key
	idempotencyFor    = 24 * time.Hour   // how long an answer is kept
	abandonedAfter    = 90 * time.Second // longer than any request may take
	defaultBody       = 1 << 20          // bytes of a request body where the route names none
)

// once makes a POST that carries an Idempotency-Key happen once: the answer to the first is kept for a
// day and given again to whoever repeats the same request with the same key.
func (a *API) once(op *huma.Operation, next http.Handler) http.Handler {
	secret, _ := op.Metadata[metaSecret].(bool)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := r.Header.Get(idempotencyHeader)
		if key == "" {
			next.ServeHTTP(w, r)
			return
		}
		if len(key) > idempotencyMax {
			respond.FailWith(w, r, http.StatusBadRequest, fault.New(fault.Invalid, "an Idempotency-Key has at most %d characters", idempotencyMax).
				WithCode("idempotency_key_too_long").WithField("header.Idempotency-Key"))
			return
		}
		body, err := readAll(w, r, op.MaxBodyBytes)
		if err != nil {
			respond.Fail(w, r, err)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		c := claim{
			key:     digest(access.From(r.Context()).String(), key),
			request: digest(r.Method, r.URL.RequestURI(), string(body)),
			at:      lead.At(a.o.Now()),
		}
		a.answerOnce(w, r, c, secret, next)
	})
}

func (a *API) answerOnce(w http.ResponseWriter, r *http.Request, c claim, secret bool, next http.Handler) {
	before, err := a.claim(r.Context(), c)
	switch {
	case err != nil:
		respond.Fail(w, r, err)
		return
	case before != nil:
		before.replay(w, r)
		return
	}
	done := false
	defer func() {
		if !done { // the handler panicked: whoever repeats the request shall not wait for it
			a.release(r.Context(), c)
		}
	}()
	rec := &recording{ResponseWriter: w}
	next.ServeHTTP(rec, r)
	done = true
	if rec.status >= http.StatusInternalServerError || rec.status == http.StatusTooManyRequests {
		a.release(r.Context(), c)
		return
	}
	kept := kept{status: rec.status, contentType: w.Header().Get("Content-Type"), body: rec.body.Bytes()}
	if secret && rec.status < http.StatusMultipleChoices {
		kept.status, kept.contentType, kept.body = secretShown, "", nil
	}
	a.keep(context.WithoutCancel(r.Context()), c, kept)
}

// secretShown stands in the place of an answer that must not be kept.
const secretShown = 1

// replay gives a kept answer again.
func (k *kept) replay(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Idempotency-Replayed", "true")
	if k.status == secretShown {
		respond.Fail(w, r, fault.New(fault.Conflict, "this key was made by an earlier request with the same Idempotency-Key").
			WithCode("secret_shown_once").WithHint("a secret is shown once: revoke that key and make another with a new Idempotency-Key"))
		return
	}
	w.Header().Set("Content-Type", k.contentType)
	w.WriteHeader(k.status)
	_, _ = w.Write(k.body) // the client may be gone
}

// readAll reads a body up to its limit.
func readAll(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if limit == 0 {
		limit = defaultBody
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return nil, fault.New(fault.TooLarge, "the request has more than %d bytes", limit).WithCode("body_too_large").
			WithHint("send it in smaller parts")
	}
	if err != nil {
		return nil, fault.New(fault.Invalid, "the request ended early").WithCause(err)
	}
	return body, nil
}

func digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		sum := sha256.Sum256([]byte(p)) // of each part, so that their borders count
		h.Write(sum[:])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// recording passes an answer on and keeps a copy.
type recording struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

// WriteHeader notes the status.
func (rec *recording) WriteHeader(status int) {
	rec.status = status
	rec.ResponseWriter.WriteHeader(status)
}

// Write keeps a copy.
func (rec *recording) Write(b []byte) (int, error) {
	if rec.status == 0 {
		rec.status = http.StatusOK
	}
	rec.body.Write(b)
	return rec.ResponseWriter.Write(b)
}

// Unwrap lets [http.ResponseController] reach the connection.
func (rec *recording) Unwrap() http.ResponseWriter { return rec.ResponseWriter }
