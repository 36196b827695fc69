// Package obs lets people see what a process does: structured logs and metrics.
//
// Logs go through [NewLogger]: text for people or JSON for collectors, with what [With] put into the
// context, and with everything that looks like a secret replaced by "<secret>". Metrics live in the
// registry of [NewMetrics]; nothing registers itself globally. No personal data belongs into either:
// log ids, not names.
package obs

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"slices"
	"strings"
)

// NewLogger makes a logger that writes to w, as "json" or, for every other format, as text. The level
// may change while the process runs.
func NewLogger(w io.Writer, format string, level slog.Leveler) *slog.Logger {
	o := &slog.HandlerOptions{Level: level, ReplaceAttr: redact}
	var h slog.Handler
	if format == "json" {
		h = slog.NewJSONHandler(w, o)
	} else {
		h = slog.NewTextHandler(w, o)
	}
	return slog.New(contextHandler{h})
}

type attrsKey struct{}

// With returns a context whose log records all have these attributes, such as a request id.
func With(ctx context.Context, attrs ...slog.Attr) context.Context {
	return context.WithValue(ctx, attrsKey{}, append(slices.Clip(attrsOf(ctx)), attrs...))
}

func attrsOf(ctx context.Context) []slog.Attr {
	attrs, _ := ctx.Value(attrsKey{}).([]slog.Attr)
	return attrs
}

// contextHandler adds what With put into the context.
type contextHandler struct{ slog.Handler }

// Handle adds the context's attributes and passes the record on.
func (h contextHandler) Handle(ctx context.Context, r slog.Record) error {
	if attrs := attrsOf(ctx); len(attrs) > 0 {
		r = r.Clone()
		r.AddAttrs(attrs...)
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs keeps the decoration.
func (h contextHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return contextHandler{h.Handler.WithAttrs(attrs)}
}

// WithGroup keeps the decoration.
func (h contextHandler) WithGroup(name string) slog.Handler {
	return contextHandler{h.Handler.WithGroup(name)}
}

const hidden = "<secret>"

// secretKeys are attributes whose values are never written, whatever they hold.
var secretKeys = []string{"password", "passwd", "secret", "token", "authorization", "cookie", "api_key", "write_key"}

// secretText finds Cusp's own keys and passwords in addresses, wherever they stand.
var secretText = regexp.MustCompile(`\bcusp[a-z]?_[0-9A-Za-z]{16,}|(?i)\bbearer +[^\s"']+|(://[^\s/:@]+:)[^\s/@]+@`)

func redact(_ []string, a slog.Attr) slog.Attr {
	if slices.ContainsFunc(secretKeys, func(k string) bool { return strings.EqualFold(k, a.Key) }) {
		return slog.String(a.Key, hidden)
	}
	switch v := a.Value.Resolve(); v.Kind() {
	case slog.KindString:
		return slog.String(a.Key, Redact(v.String()))
	case slog.KindAny:
		if err, ok := v.Any().(error); ok {
			return slog.String(a.Key, Redact(err.Error()))
		}
		if s, ok := v.Any().(fmt.Stringer); ok {
			return slog.String(a.Key, Redact(s.String()))
		}
	default: // numbers and times hold no secrets; the attributes of a group come one by one
	}
	return a
}

// Redact replaces keys and passwords in a text.
func Redact(s string) string {
	return secretText.ReplaceAllStringFunc(s, func(m string) string {
		if i := strings.Index(m, "://"); i >= 0 {
			user, _, _ := strings.Cut(m[i+3:], ":")
			return m[:i+3] + user + ":" + hidden + "@"
		}
		return hidden
	})
}
