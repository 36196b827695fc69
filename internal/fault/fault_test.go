package fault

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
)

func TestEveryKindHasItsMeaning(t *testing.T) {
	t.Parallel()
	// What clients, scripts and operators rely on; a change here changes the contract.
	wanted := []struct {
		kind   Kind
		name   string
		status int
		level  slog.Level
		retry  bool
	}{
		{Internal, "internal", 500, slog.LevelError, false},
		{Invalid, "invalid", 422, slog.LevelInfo, false},
		{Unauthentic, "unauthenticated", 401, slog.LevelInfo, false},
		{Denied, "denied", 403, slog.LevelWarn, false},
		{NotFound, "not_found", 404, slog.LevelInfo, false},
		{Conflict, "conflict", 409, slog.LevelInfo, false},
		{TooLarge, "too_large", 413, slog.LevelInfo, false},
		{Unsupported, "unsupported", 415, slog.LevelInfo, false},
		{TooMany, "too_many", 429, slog.LevelInfo, true},
		{Unavailable, "unavailable", 503, slog.LevelWarn, true},
	}
	if len(wanted) != len(meanings) {
		t.Errorf("%d kinds are tested, %d exist", len(wanted), len(meanings))
	}
	names := map[string]bool{}
	for _, w := range wanted {
		k := w.kind
		if k.String() != w.name || k.Status() != w.status || k.Level() != w.level || k.Retry() != w.retry {
			t.Errorf("kind %d is %q, %d, %v, retry %v; want %+v", k, k, k.Status(), k.Level(), k.Retry(), w)
		}
		// 2 is kept for wrong usage of the command line, and 0 would say that all went well.
		if k.ExitCode() != 1 {
			t.Errorf("%v exits with %d", k, k.ExitCode())
		}
		if http.StatusText(k.Status()) == "" || names[k.String()] {
			t.Errorf("%v: status %d or name is not one of its own", k, k.Status())
		}
		names[k.String()] = true
	}
}

func TestAKindThatIsNoneIsOurFault(t *testing.T) {
	t.Parallel()
	k := Kind(len(meanings))
	if k.String() != "internal" || k.Status() != 500 || k.Level() != slog.LevelError || k.Retry() || k.ExitCode() != 1 {
		t.Errorf("got %v, %d, %v", k, k.Status(), k.Level())
	}
}

func TestKindOf(t *testing.T) {
	t.Parallel()
	base := New(NotFound, "no person %q", "x")
	for name, c := range map[string]struct {
		err  error
		kind Kind
	}{
		"itself":                  {base, NotFound},
		"wrapped once":            {fmt.Errorf("load lead: %w", base), NotFound},
		"wrapped twice":           {fmt.Errorf("explain: %w", fmt.Errorf("load lead: %w", base)), NotFound},
		"joined":                  {errors.Join(io.EOF, base), NotFound},
		"the outermost one wins":  {New(Conflict, "the lead changed").WithCause(base), Conflict},
		"a cause without a kind":  {New(Unavailable, "no answer").WithCause(io.ErrUnexpectedEOF), Unavailable},
		"an unclassified error":   {io.EOF, Internal},
		"problems of a document":  {Problems{{Message: "bad"}}, Invalid},
		"wrapped problems":        {fmt.Errorf("publish: %w", Problems{{Message: "bad"}}), Invalid},
		"a kind around problems":  {New(Denied, "no").WithCause(Problems{{Message: "bad"}}), Denied},
		"no error has no meaning": {nil, Internal},
	} {
		if got := KindOf(c.err); got != c.kind {
			t.Errorf("%s: got %v, want %v", name, got, c.kind)
		}
		if got := Is(c.err, c.kind); got != (c.err != nil) {
			t.Errorf("%s: Is(%v) is %v", name, c.kind, got)
		}
	}
	if Is(base, Conflict) {
		t.Error("an error is of a kind that it has not")
	}
}

func TestErrorText(t *testing.T) {
	t.Parallel()
	for want, e := range map[string]*Error{
		"no person x":      New(NotFound, "no person %s", "x"),
		"no person x: EOF": New(NotFound, "no person x").WithCause(io.EOF),
		"EOF":              (&Error{}).WithCause(io.EOF),
		"":                 {},
	} {
		if e.Error() != want {
			t.Errorf("got %q, want %q", e.Error(), want)
		}
	}
}

func TestWithReturnsACopy(t *testing.T) {
	t.Parallel()
	shared := New(Invalid, "bad")
	full := shared.WithCode("bad_thing").WithField("people[2].email").WithHint("write %d of them", 2).WithCause(io.EOF)
	if *shared != (Error{Kind: Invalid, Message: "bad"}) {
		t.Errorf("the original became %+v", *shared)
	}
	if full.Code != "bad_thing" || full.Field != "people[2].email" || full.Hint != "write 2 of them" || !errors.Is(full, io.EOF) {
		t.Errorf("got %+v", *full)
	}
	if text := full.Error(); strings.Contains(text, full.Hint) {
		t.Errorf("the hint has its own place, yet the text says %q", text)
	}
}
