package obs

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func TestNoSecretIsLogged(t *testing.T) {
	t.Parallel()
	u, err := url.Parse("postgres://cusp:planted1@db/x")
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"json", "text"} {
		var out bytes.Buffer
		log := NewLogger(&out, format, slog.LevelInfo)
		log.Info("a", slog.String("token", "planted2"), slog.String("Password", "planted3"), slog.Any("authorization", "planted4"))
		log.Info("b", slog.String("note", "used cuspk_planted5planted5planted5 twice"), slog.Any("error", errors.New("open postgres://me:planted6@host/db: refused")))
		log.Info("c", slog.Any("address", u), slog.String("header", "Bearer planted7.x"), slog.Group("g", slog.String("cookie", "planted8")))
		log.With(slog.String("secret", "planted9")).Info("d")
		if strings.Contains(out.String(), "planted") {
			t.Errorf("%s: a secret was written:\n%s", format, out.String())
		}
		for _, want := range []string{"me:<secret>@host", "used <secret> twice"} {
			if !strings.Contains(strings.NewReplacer(`\u003c`, "<", `\u003e`, ">").Replace(out.String()), want) {
				t.Errorf("%s: %q is missing in\n%s", format, want, out.String())
			}
		}
	}
}

func TestRedactLeavesTheRest(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "cusp serve", "https://cusp.example.com/a:b@c", "cusp_stage_total", "ada@acme.example: cuspidor_x"} {
		if got := Redact(s); got != s {
			t.Errorf("Redact(%q) = %q", s, got)
		}
	}
}

func TestContextAttributesAreLogged(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := NewLogger(&out, "json", slog.LevelInfo).With(slog.String("stage", "ingest"))
	ctx := With(With(t.Context(), slog.String("request_id", "r1")), slog.Int64("lead_id", 7))
	log.InfoContext(ctx, "hello")
	var got map[string]any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got["request_id"] != "r1" || got["lead_id"] != 7.0 || got["stage"] != "ingest" || got["msg"] != "hello" {
		t.Errorf("got %v", got)
	}
}

func TestSiblingContextsDoNotShare(t *testing.T) {
	t.Parallel()
	base := With(t.Context(), slog.String("a", "1"))
	one, two := With(base, slog.String("b", "one")), With(base, slog.String("b", "two"))
	if attrsOf(one)[1].Value.String() != "one" || attrsOf(two)[1].Value.String() != "two" {
		t.Errorf("got %v and %v", attrsOf(one), attrsOf(two))
	}
}

func TestLevelCanChange(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	var level slog.LevelVar
	log := NewLogger(&out, "text", &level)
	log.Debug("unseen")
	level.Set(slog.LevelDebug)
	log.Debug("seen")
	if got := out.String(); strings.Contains(got, "unseen") || !strings.Contains(got, "seen") {
		t.Errorf("got %q", got)
	}
}

func TestMetricsAreServed(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	MetricsHandler(NewMetrics("1.2", "abc")).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for _, want := range []string{`cusp_build_info{commit="abc",version="1.2"} 1`, "go_goroutines", "process_cpu_seconds_total"} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s is missing", want)
		}
	}
}
