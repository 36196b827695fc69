package respond

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"

	"cusp/internal/fault"
)

// Problem is an error as RFC 9457 has it, with what a program and a person need beyond that.
type Problem struct { //nolint:errname // RFC 9457 calls it so
	Type      string          `json:"type" doc:"A URI that names the sort of problem."`
	Title     string          `json:"title" doc:"The HTTP status in words."`
	Status    int             `json:"status" doc:"The HTTP status."`
	Detail    string          `json:"detail" doc:"What happened, for people."`
	Code      string          `json:"code" doc:"Stable and machine-readable."`
	Hint      string          `json:"hint,omitempty" doc:"What to do next."`
	RequestID string          `json:"request_id,omitempty" doc:"Names this request in the server's log."`
	Errors    []Detail        `json:"errors,omitempty" doc:"Every finding in the input."`
	Problems  []fault.Problem `json:"problems,omitempty" doc:"Every finding in a document, with its position."`
}

// Detail is one finding in the input.
type Detail struct {
	Location string `json:"location" doc:"Where, as in body.rows[3].message."`
	Message  string `json:"message"`
}

// Error is what happened.
func (p *Problem) Error() string { return p.Detail }

// GetStatus is the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders are the headers that the status calls for.
func (p *Problem) GetHeaders() http.Header {
	h := http.Header{}
	problemHeaders(h, p.Status)
	return h
}

// ContentType is the media type of problem documents, whatever was asked for.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// NewProblem makes a problem of a status and a sentence.
func NewProblem(status int, code, detail string) *Problem {
	return &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Code: code, Detail: detail}
}

// ProblemOf tells an error without what is ours alone: of an error that nobody classified only the
// request id is shown.
func ProblemOf(err error, requestID string) *Problem {
	if ready, ok := errors.AsType[*Problem](err); ok {
		p := *ready
		p.RequestID = requestID
		return &p
	}
	kind := fault.KindOf(err)
	p := NewProblem(kind.Status(), kind.String(), "")
	p.RequestID = requestID
	if findings, ok := errors.AsType[fault.Problems](err); ok {
		p.Detail, p.Code, p.Problems = "the document has mistakes", "document_invalid", findings
		return p
	}
	if e, ok := errors.AsType[*fault.Error](err); ok && kind != fault.Internal {
		p.describe(e)
		return p
	}
	p.Detail = "something went wrong on our side; nothing was changed by this request unless it says so elsewhere"
	p.Hint = "try again; if it happens again, report the request id"
	return p
}

func (p *Problem) describe(e *fault.Error) {
	p.Detail, p.Hint = e.Message, e.Hint
	if e.Code != "" {
		p.Code = e.Code
	}
	if e.Field != "" {
		p.Errors = []Detail{{Location: e.Field, Message: e.Message}}
	}
}

// Fail answers an error with the status of its kind and logs it at the level of its kind.
func Fail(w http.ResponseWriter, r *http.Request, err error) {
	FailWith(w, r, 0, err)
}

// FailWith is [Fail] with a status of the caller's choice; 0 leaves it to the error.
func FailWith(w http.ResponseWriter, r *http.Request, status int, err error) {
	p := Refuse(r.Context(), err)
	if status != 0 {
		p.Status, p.Title = status, http.StatusText(status)
	}
	writeProblem(w, p)
}

// Refuse turns the error of the request of ctx into its answer, and logs what is ours to repair.
func Refuse(ctx context.Context, err error) *Problem {
	p := ProblemOf(err, RequestID(ctx))
	logFailure(ctx, p.Status, err)
	return p
}

func writeProblem(w http.ResponseWriter, p *Problem) {
	problemHeaders(w.Header(), p.Status)
	write(w, p.Status, "application/problem+json", p)
}

// problemHeaders sets the headers that a status calls for.
func problemHeaders(h http.Header, status int) {
	switch status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", `Bearer realm="cusp"`)
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		if h.Get("Retry-After") == "" {
			h.Set("Retry-After", "1")
		}
	}
}

// logFailure notes the cause of an error for those who run the server. Refusals of input are not news.
func logFailure(ctx context.Context, status int, err error) {
	rec := recordOf(ctx)
	if rec == nil || status < http.StatusInternalServerError {
		return
	}
	rec.log.LogAttrs(ctx, fault.KindOf(err).Level(), "request failed",
		slog.String("request_id", rec.id), slog.String("route", rec.pattern), slog.Any("error", err))
}

// JSON answers a value.
func JSON(w http.ResponseWriter, status int, v any) {
	write(w, status, "application/json", v)
}

func write(w http.ResponseWriter, status int, contentType string, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		// A value of ours that does not marshal is a broken invariant; the recovery answers it.
		panic(err)
	}
	h := w.Header()
	h.Set("Content-Type", contentType)
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // the client may be gone; nobody is left to tell
}

// Headers sets what every answer carries: it is no document, not to be kept, guessed at or framed.
func Headers(h http.Header) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
}
