package ingest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"cusp/internal/canon"
	"cusp/internal/ingest"
	"cusp/internal/lead"
)

// received is when the messages of these tests arrive.
var received = lead.At(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC))

// read reads one message that a source's public key sent.
func read(t *testing.T, src string, change ...func(*ingest.Reader)) ingest.Batch {
	t.Helper()
	var tree canon.Tree
	msg, err := tree.Parse([]byte(src))
	if err != nil {
		t.Fatal(err)
	}
	r := ingest.Reader{Batch: ingest.Batch{Source: 7, ReceivedAt: received}, Tree: &tree, NewID: func() string { return "made" }}
	for _, c := range change {
		c(&r)
	}
	r.Message(msg, 0)
	return r.Batch
}

func trusted(r *ingest.Reader) { r.Trusted = true }

func one(t *testing.T, b ingest.Batch) lead.Event {
	t.Helper()
	if len(b.Events) != 1 || len(b.Rejected) != 0 {
		t.Fatalf("got %d events, rejected %+v", len(b.Events), b.Rejected)
	}
	return b.Events[0]
}

func TestMessage_fields(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, src string
		want      lead.Event
	}{
		{"track", `{"type":"track","event":"Signed Up","userId":"u","anonymousId":"a","messageId":"m","context":{"groupId":"g"}}`,
			lead.Event{Type: lead.Track, Name: "Signed Up", UserID: "u", AnonymousID: "a", MessageID: "m", GroupID: "g"}},
		{"numbers are ids", `{"type":"track","event":"x","userId":42,"messageId":1e3}`,
			lead.Event{Type: lead.Track, Name: "x", UserID: "42", MessageID: "1e3"}},
		{"null, empty and blank are absent", `{"type":"track","event":"x","userId":null,"anonymousId":"a","groupId":" ","messageId":""}`,
			lead.Event{Type: lead.Track, Name: "x", AnonymousID: "a", MessageID: "made"}},
		{"page", `{"type":"page","anonymousId":"a","messageId":"m","name":"Pricing","properties":{"path":"/other"},"context":{"page":{"path":"/pricing?x=1#y"}}}`,
			lead.Event{Type: lead.Page, Name: "Pricing", AnonymousID: "a", MessageID: "m", Path: "/pricing"}},
		{"page by properties", `{"type":"page","anonymousId":"a","messageId":"m","properties":{"name":"P","path":"docs"}}`,
			lead.Event{Type: lead.Page, Name: "P", AnonymousID: "a", MessageID: "m", Path: "/docs"}},
		{"page by url", `{"type":"page","anonymousId":"a","messageId":"m","context":{"page":{"url":"https://x.example/a/b?q=/c"}}}`,
			lead.Event{Type: lead.Page, AnonymousID: "a", MessageID: "m", Path: "/a/b"}},
		{"page by url without path", `{"type":"page","anonymousId":"a","messageId":"m","properties":{"url":"https://x.example?q=/c"}}`,
			lead.Event{Type: lead.Page, AnonymousID: "a", MessageID: "m", Path: "/"}},
		{"group", `{"type":"group","groupId":9,"userId":"u","messageId":"m"}`,
			lead.Event{Type: lead.Group, GroupID: "9", UserID: "u", MessageID: "m"}},
		{"group alone", `{"type":"group","groupId":"g","messageId":"m"}`, lead.Event{Type: lead.Group, GroupID: "g", MessageID: "m"}},
		{"alias", `{"type":"alias","previousId":"a","userId":"u","messageId":"m"}`,
			lead.Event{Type: lead.Alias, PreviousID: "a", UserID: "u", MessageID: "m"}},
		{"identify by e-mail", `{"type":"identify","traits":{"email":"x@y.example"},"messageId":"m"}`,
			lead.Event{Type: lead.Identify, MessageID: "m"}},
		{"identify by e-mail in context", `{"type":"identify","context":{"traits":{"email":"x@y.example"}},"messageId":"m"}`,
			lead.Event{Type: lead.Identify, MessageID: "m"}},
		{"random anonymous id of a Go server", `{"type":"track","event":"x","userId":"u","anonymousId":"r","messageId":"m","context":{"library":{"name":"analytics-go"}}}`,
			lead.Event{Type: lead.Track, Name: "x", UserID: "u", MessageID: "m"}},
		{"a Go server that identifies a visitor", `{"type":"identify","userId":"u","anonymousId":"a","messageId":"m","context":{"library":{"name":"analytics-go"}}}`,
			lead.Event{Type: lead.Identify, UserID: "u", AnonymousID: "a", MessageID: "m"}},
		{"screen", `{"type":"screen","name":"` + strings.Repeat("é", 300) + `","userId":"u","messageId":"m"}`,
			lead.Event{Type: lead.Screen, Name: strings.Repeat("é", 200), UserID: "u", MessageID: "m"}},
		{"exact case", `{"type":"track","event":"x","userId":"a","USERID":"b","messageId":"m"}`,
			lead.Event{Type: lead.Track, Name: "x", UserID: "a", MessageID: "m"}},
		{"last of a repeated key", `{"type":"track","event":"x","userId":"a","userId":"b","messageId":"m"}`,
			lead.Event{Type: lead.Track, Name: "x", UserID: "b", MessageID: "m"}},
		{"lone surrogate", `{"type":"track","event":"\ud800","userId":"u","messageId":"m"}`,
			lead.Event{Type: lead.Track, Name: "\uFFFD", UserID: "u", MessageID: "m"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := one(t, read(t, c.src))
			c.want.Source, c.want.Time, c.want.ReceivedAt = 7, received, received
			if diff := cmp.Diff(c.want, got, cmpopts.IgnoreFields(lead.Event{}, "Body")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestMessage_rejects(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 33) + strings.Repeat("]", 33)
	for _, c := range []struct {
		src  string
		want ingest.Code
	}{
		{`"text"`, ingest.NotAnObject},
		{`[]`, ingest.NotAnObject},
		{`{"event":"x","userId":"u"}`, ingest.UnknownType},
		{`{"type":"merge","userId":"u"}`, ingest.UnknownType},
		{`{"type":"Track","event":"x","userId":"u"}`, ingest.UnknownType},
		{`{"type":"track","event":"x"}`, ingest.NoIdentity},
		{`{"type":"track","event":"x","context":{"traits":{"email":"a@b.example"}}}`, ingest.NoIdentity},
		{`{"type":"identify","traits":{"name":"x"}}`, ingest.NoIdentity},
		{`{"type":"group","traits":{"name":"x"}}`, ingest.NoIdentity},
		{`{"type":"alias","userId":"u"}`, ingest.NoIdentity},
		{`{"type":"alias","userId":"u","previousId":"u"}`, ingest.AliasCycle},
		{`{"type":"alias","userId":1,"previousId":"1"}`, ingest.AliasCycle},
		{`{"type":"track","event":"","userId":"u"}`, ingest.BadEventName},
		{`{"type":"track","event":" \t\u00a0","userId":"u"}`, ingest.BadEventName},
		{`{"type":"track","event":7,"userId":"u"}`, ingest.BadEventName},
		{`{"type":"track","event":"` + strings.Repeat("é", 201) + `","userId":"u"}`, ingest.BadEventName},
		{`{"type":"track","event":"x","userId":"u","messageId":"` + strings.Repeat("é", 256) + `"}`, ingest.BadMessageID},
		{`{"type":"track","event":"x","userId":"` + strings.Repeat("u", 513) + `"}`, ingest.BadIdentifier},
		{`{"type":"track","event":"x","userId":"u","properties":{"v":1e400}}`, ingest.BadNumber},
		{`{"type":"track","event":"x","userId":"u","properties":` + deep + `}`, ingest.TooDeep},
		{`{"type":"track","event":"x","userId":"u","properties":{"v":"` + strings.Repeat("x", 32<<10) + `"}}`, ingest.EventTooLarge},
	} {
		b := read(t, c.src)
		if len(b.Events) != 0 || len(b.Rejected) != 1 {
			t.Errorf("%.60s: %d events, %d rejected", c.src, len(b.Events), len(b.Rejected))
			continue
		}
		r := b.Rejected[0]
		if r.Code != c.want || r.Reason == "" || r.Source != 7 || r.ReceivedAt != received || len(r.Raw) == 0 || len(r.Raw) > 32<<10 {
			t.Errorf("%.60s: got %s (%s), want %s; raw %d bytes", c.src, r.Code, r.Reason, c.want, len(r.Raw))
		}
	}
}

func TestMessage_atTheLimits(t *testing.T) {
	t.Parallel()
	for _, src := range []string{
		`{"type":"track","event":"` + strings.Repeat("é", 200) + `","userId":"u"}`,
		`{"type":"track","event":"x","userId":"u","messageId":"` + strings.Repeat("é", 255) + `"}`,
		`{"type":"track","event":"x","userId":"` + strings.Repeat("u", 512) + `"}`,
		`{"type":"track","event":"x","userId":"u","p":` + strings.Repeat("[", 31) + strings.Repeat("]", 31) + `}`,
	} {
		one(t, read(t, src))
	}
	head, tail := `{"type":"track","event":"x","userId":"u","p":"`, `"}`
	fill := strings.Repeat("x", ingest.MaxEvent-len(head)-len(tail))
	one(t, read(t, " "+head+fill+tail+" "))
	if b := read(t, head+fill+"x"+tail); len(b.Rejected) != 1 {
		t.Error("one byte more was accepted")
	}
}

func TestMessage_emailIsAnIdentityForServers(t *testing.T) {
	t.Parallel()
	e := one(t, read(t, `{"type":"track","event":"x","context":{"traits":{"email":"a@b.example"}}}`, trusted))
	if !e.Flags.Has(lead.Trusted) {
		t.Error("the event is not marked as trusted")
	}
}

func TestMessage_time(t *testing.T) {
	t.Parallel()
	at := func(s string) lead.Instant {
		t, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			panic(err)
		}
		return lead.At(t)
	}
	for _, c := range []struct {
		name, members string
		want          lead.Instant
		flags         lead.Flags
	}{
		{"none", `"x":1`, received, 0},
		{"null", `"timestamp":null`, received, 0},
		{"kept without sentAt", `"timestamp":"2026-11-01T10:00:00.123Z"`, at("2026-11-01T10:00:00.123Z"), 0},
		{"nanoseconds and offset", `"timestamp":"2026-11-01T10:00:00.123456789+02:00"`, at("2026-11-01T08:00:00.123456Z"), 0},
		{"offset without a colon", `"timestamp":"2026-11-01T10:00:00+0200"`, at("2026-11-01T08:00:00Z"), 0},
		{"leap second", `"timestamp":"2016-12-31T23:59:60.5Z"`, at("2017-01-01T00:00:00.5Z"), 0},
		{"clock one hour ahead", `"timestamp":"2026-11-22T13:00:00Z","sentAt":"2026-11-22T13:00:01Z"`, received - 1e6, 0},
		{"clock in another century", `"timestamp":"1970-01-01T00:00:10Z","sentAt":"1970-01-01T00:00:20Z"`, received - 10e6, 0},
		{"originalTimestamp first", `"originalTimestamp":"2026-11-01T10:00:00Z","timestamp":"2026-11-02T10:00:00Z"`, at("2026-11-01T10:00:00Z"), 0},
		{"import of the past", `"timestamp":"2019-01-01T00:00:00Z","sentAt":"2026-11-22T12:00:00Z"`, at("2019-01-01T00:00:00Z"), 0},
		{"unreadable sentAt", `"timestamp":"2026-11-01T10:00:00Z","sentAt":"later"`, at("2026-11-01T10:00:00Z"), 0},
		{"future", `"timestamp":"2099-01-01T00:00:00Z"`, received, lead.ClockSkew},
		{"future after correction", `"timestamp":"2026-11-22T12:00:05Z","sentAt":"2026-11-22T12:00:00Z"`, received, lead.ClockSkew},
		{"end of time", `"timestamp":"9999-12-31T00:00:00Z"`, received, lead.ClockSkew | lead.Unscored},
		{"year one", `"timestamp":"0001-01-01T00:00:00Z"`, at("0001-01-01T00:00:00Z"), lead.Unscored},
		{"before the epoch", `"timestamp":"1969-12-31T00:00:00Z"`, at("1969-12-31T00:00:00Z"), lead.Unscored},
		{"the epoch", `"timestamp":"1970-01-01T00:00:00Z"`, 1, lead.Unscored},
		{"offset of 25 hours", `"timestamp":"2026-01-01T00:00:00+25:00"`, received, lead.BadTimestamp},
		{"word", `"timestamp":"yesterday"`, received, lead.BadTimestamp},
		{"number", `"timestamp":1700000000`, received, lead.BadTimestamp},
		{"empty", `"timestamp":""`, received, lead.BadTimestamp},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := one(t, read(t, `{"type":"track","event":"x","userId":"u",`+c.members+`}`))
			if e.Time != c.want || e.Flags != c.flags {
				t.Errorf("got %v with flags %b, want %v with %b", e.Time, e.Flags, c.want, c.flags)
			}
		})
	}
}

func TestMessage_bodyIsCanonicalAndComplete(t *testing.T) {
	t.Parallel()
	var tree canon.Tree
	doc, err := tree.Parse([]byte(`{"sentAt":"2026-11-22T11:00:00Z","writeKey":"K","integrations":{"All":false},
		"context":{"library":{"name":"analytics.js"},"locale":"en","ip":"9.9.9.9"},
		"batch":[{"type":"track","event":"x","userId":"u","context":{"locale":"de"},"integrations":{"A":true},"writeKey":"K"},
		{"type":"track","event":"y","userId":"u","sentAt":"2026-11-22T10:00:00Z","timestamp":"2026-11-22T10:00:00Z"},{"type":"track","event":""}]}`))
	if err != nil {
		t.Fatal(err)
	}
	r := ingest.Reader{
		Batch: ingest.Batch{Source: 7, ReceivedAt: received}, Tree: &tree, NewID: func() string { return "made" },
		Context: doc.Get("context"), Integrations: doc.Get("integrations"), SentAt: doc.Get("sentAt"), IP: "10.0.0.1", Agent: "UA",
	}
	for i := range 3 {
		r.Message(doc.Get("batch").At(i), 0)
	}
	want := []string{
		`{"context":{"ip":"9.9.9.9","library":{"name":"analytics.js"},"locale":"de","userAgent":"UA"},"event":"x","integrations":{"A":true,"All":false},"sentAt":"2026-11-22T11:00:00Z","type":"track","userId":"u"}`,
		`{"context":{"ip":"9.9.9.9","library":{"name":"analytics.js"},"locale":"en","userAgent":"UA"},"event":"y","integrations":{"All":false},"sentAt":"2026-11-22T10:00:00Z","timestamp":"2026-11-22T10:00:00Z","type":"track","userId":"u"}`,
	}
	for i, w := range want {
		if got := string(r.Events[i].Body); got != w {
			t.Errorf("got %s\nwant %s", got, w)
		}
	}
	if r.Events[1].Time != received {
		t.Errorf("the item's own sentAt is not used: %v", r.Events[1].Time)
	}
	if len(r.Rejected) != 1 || !strings.Contains(string(r.Rejected[0].Raw), `"locale":"en"`) {
		t.Errorf("a rejected event does not hold what the batch said for it: %+v", r.Rejected)
	}
}

func TestMessage_address(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		context string
		device  bool
		want    string
	}{
		{`{"library":{"name":"analytics.js"}}`, false, "10.0.0.1"},
		{`{"library":{"name":"analytics.js"},"ip":"9.9.9.9"}`, false, "9.9.9.9"},
		{`{"ip":"9.9.9.9"}`, true, "9.9.9.9"},
		{`{"library":{"name":"analytics-node"}}`, false, ""},
		{`{"library":{"name":"analytics-node"},"direct":true}`, false, "10.0.0.1"},
		{`{"library":{"name":"@jitsu/js","env":"node"}}`, false, ""},
		{`{"library":{"name":"@jitsu/js","env":"browser"}}`, false, "10.0.0.1"},
		{`{}`, true, "10.0.0.1"},
		{`{}`, false, ""},
	} {
		e := one(t, read(t, `{"type":"track","event":"x","userId":"u","context":`+c.context+`}`,
			func(r *ingest.Reader) { r.IP, r.Device = "10.0.0.1", c.device }))
		var tree canon.Tree
		body, err := tree.Parse(e.Body)
		if err != nil {
			t.Fatal(err)
		}
		if got := body.Get("context", "ip").Text(); got != c.want {
			t.Errorf("%s, device %v: got %q, want %q", c.context, c.device, got, c.want)
		}
	}
}

// A context that is said once must not make gigabytes of a small request.
func TestMessage_sharedContextIsBounded(t *testing.T) {
	t.Parallel()
	items := strings.Repeat(`{"type":"track","event":"x","userId":"u"},{"type":"track"},`, 1250)
	for _, size := range []int{20 << 10, 400 << 10} {
		src := fmt.Sprintf(`{"context":{"x":"%s"},"batch":[%s1]}`, strings.Repeat("y", size), items)
		var tree canon.Tree
		doc, err := tree.Parse([]byte(src))
		if err != nil {
			t.Fatal(err)
		}
		r := ingest.Reader{Tree: &tree, NewID: func() string { return "m" }, Context: doc.Get("context")}
		for i := range doc.Get("batch").Len() {
			r.Message(doc.Get("batch").At(i), 0)
		}
		total := 0
		for _, e := range r.Events {
			total += len(e.Body)
		}
		for _, x := range r.Rejected {
			total += len(x.Raw)
		}
		if total > 10<<20 || len(r.Events)+len(r.Rejected) != 2501 {
			t.Errorf("context of %d bytes: %d events and %d rejected hold %d bytes", size, len(r.Events), len(r.Rejected), total)
		}
	}
}
