package respond

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"
)

// record is what is known of a request while it is answered.
type record struct {
	id        string
	pattern   string // the route; the path itself may hold an e-mail address and is never logged
	principal string
	log       *slog.Logger
}

type recordKey struct{}

func recordOf(ctx context.Context) *record {
	rec, _ := ctx.Value(recordKey{}).(*record)
	return rec
}

// RequestID names the request of ctx in answers and logs; empty outside a request.
func RequestID(ctx context.Context) string {
	if rec := recordOf(ctx); rec != nil {
		return rec.id
	}
	return ""
}

// observe gives the request its id, logs its end, and answers for handlers that panic.
func observe(c Chain, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := &record{id: requestID(r.Header.Get("X-Request-Id")), log: c.Log}
		w.Header().Set("X-Request-Id", rec.id)
		r = r.WithContext(context.WithValue(r.Context(), recordKey{}, rec))
		cw := &counting{ResponseWriter: w}
		began := time.Now()
		defer func() {
			rec.recovered(cw, r, recover())
			rec.done(c, cw, r, time.Since(began))
		}()
		next.ServeHTTP(cw, r)
	})
}

// done tells those who watch how the request ended.
func (rec *record) done(c Chain, w *counting, r *http.Request, took time.Duration) {
	if c.Measure != nil {
		c.Measure(rec.pattern, method(r), w.status, took)
	}
	if !c.Log.Enabled(r.Context(), slog.LevelDebug) {
		return
	}
	c.Log.LogAttrs(r.Context(), slog.LevelDebug, "request",
		slog.String("request_id", rec.id), slog.String("method", method(r)), slog.String("route", rec.pattern),
		slog.Int("status", w.status), slog.Int64("bytes", w.bytes), slog.String("principal", rec.principal),
		slog.Float64("ms", float64(took.Microseconds())/1e3))
}

// NameRoute gives the request of ctx its name in logs and metrics, where no router does.
func NameRoute(ctx context.Context, name string) {
	if rec := recordOf(ctx); rec != nil {
		rec.pattern = name
	}
}

// recovered answers for a handler that panicked. When the answer has begun already, the connection is
// cut, so that nobody takes half an answer for a whole one.
func (rec *record) recovered(w *counting, r *http.Request, cause any) {
	if cause == nil {
		return
	}
	if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(cause)
	}
	rec.log.LogAttrs(r.Context(), slog.LevelError, "request panicked",
		slog.String("request_id", rec.id), slog.String("route", rec.pattern),
		slog.String("error", fmt.Sprint(cause)), slog.String("stack", string(debug.Stack())))
	if w.status != 0 {
		panic(http.ErrAbortHandler)
	}
	writeProblem(w, ProblemOf(fmt.Errorf("panic: %v", cause), rec.id))
}

// harmless are the characters that a request id may have.
const harmless = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."

// requestID is the caller's own id when it is harmless, else a new one.
func requestID(given string) string {
	ok := len(given) >= 8 && len(given) <= 64 && strings.Trim(given, harmless) == ""
	if ok {
		return given
	}
	return strings.ToLower(rand.Text()[:16])
}

// counting notes status and size of an answer.
type counting struct {
	http.ResponseWriter
	status int
	bytes  int64
}

// WriteHeader notes the status.
func (c *counting) WriteHeader(status int) {
	if c.status == 0 {
		c.status = status
	}
	c.ResponseWriter.WriteHeader(status)
}

// Write counts the bytes.
func (c *counting) Write(b []byte) (int, error) {
	if c.status == 0 {
		c.status = http.StatusOK
	}
	n, err := c.ResponseWriter.Write(b)
	c.bytes += int64(n)
	return n, err
}

// Unwrap lets [http.ResponseController] reach the connection.
func (c *counting) Unwrap() http.ResponseWriter { return c.ResponseWriter }
