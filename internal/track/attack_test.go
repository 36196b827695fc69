package track_test

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cusp/internal/db"
	"cusp/internal/db/dbtest"
	"cusp/internal/ingest"
	"cusp/internal/lead"
	"cusp/internal/track"
)

// attack is one case of the project's list of bad input, run with a source of its own.
type attack struct {
	*testing.T
	rig    *rig
	key    string
	source lead.SourceID
}

// elsewhere are the cases that are decided behind this edge, and where.
var elsewhere = map[string]string{
	"A39": "who is whom is decided by package identity, which tests it",
	"T09": "deadlines belong to packages queue and handoff, which test them",
	"T11": "calendars belong to package calendar, which tests them",
	"T12": "deadlines belong to packages queue and handoff, which test them",
	"T13": "lists with cursors belong to package api, which tests them",
}

// TestAttacks runs every case of groups A and T that this edge decides, on both engines.
func TestAttacks(t *testing.T) {
	t.Parallel()
	ids := listed(t)
	for _, id := range ids {
		if (attacks[id] == nil) == (elsewhere[id] == "") {
			t.Errorf("case %s must either be run here or say where it is", id)
		}
	}
	for id := range attacks {
		if !slices.Contains(ids, id) {
			t.Errorf("case %s is not in the list", id)
		}
	}
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		g := newRig(t, d)
		for _, id := range ids {
			if attacks[id] == nil {
				continue
			}
			t.Run(id, func(t *testing.T) {
				a := &attack{T: t, rig: g, key: "key-" + id}
				a.source = g.key(a.key)
				attacks[id](a)
				if c, _ := g.account(t, a.source); c.Received != c.Accepted+c.Duplicate+c.Rejected {
					t.Errorf("the account does not add up: %+v", c)
				}
			})
		}
	})
}

// listed are the ids of the groups A and T.
func listed(t *testing.T) []string {
	t.Helper()
	f, err := os.Open("../../tests/attacks/cases.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comma = '\t'
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, row := range rows {
		if row[0] != "" && (row[0][0] == 'A' || row[0][0] == 'T') {
			ids = append(ids, row[0])
		}
	}
	if len(ids) < 40 {
		t.Fatalf("only %d cases", len(ids))
	}
	return ids
}

// post sends a body as a server SDK does.
func (a *attack) post(path, body string, more ...string) answer {
	a.Helper()
	h := headers(more...)
	if h.Get("Authorization") == "" {
		req := http.Request{Header: h}
		req.SetBasicAuth(a.key, "")
	}
	return a.rig.send(a.T, http.MethodPost, path, h, []byte(body))
}

// status checks how a request was answered.
func (a *attack) status(got answer, status int, code string) {
	a.Helper()
	if got.status != status || got.code() != code || status == http.StatusOK && !isSuccess(got) {
		a.Errorf("answered %d %s, want %d %s", got.status, got.body, status, code)
	}
}

// counts checks the account of the source, and the codes of what was rejected and kept.
func (a *attack) counts(accepted, duplicate, rejected int, kept ...ingest.Code) []ingest.Rejected {
	a.Helper()
	c, list := a.rig.account(a.T, a.source)
	if c.Accepted != int64(accepted) || c.Duplicate != int64(duplicate) || c.Rejected != int64(rejected) {
		a.Errorf("the account is %+v, want %d accepted, %d duplicate, %d rejected", c, accepted, duplicate, rejected)
	}
	var codes []ingest.Code
	for _, r := range list {
		codes = append(codes, r.Code)
	}
	slices.Reverse(codes)
	if !slices.Equal(codes, kept) {
		a.Errorf("kept %v, want %v", codes, kept)
	}
	if got := a.rig.stored(a.T, a.source); len(got) != accepted {
		a.Errorf("%d events are stored, want %d", len(got), accepted)
	}
	return list
}

// rejects sends one track call that must be kept as a rejected event.
func (a *attack) rejects(members string, code ingest.Code) {
	a.Helper()
	a.status(a.post("/v1/track", "{"+members+"}"), http.StatusOK, "")
	a.counts(0, 0, 1, code)
}

// takes sends one track call that must be stored, and returns it.
func (a *attack) takes(body string, more ...string) lead.Event {
	a.Helper()
	a.status(a.post("/v1/track", body, more...), http.StatusOK, "")
	a.counts(1, 0, 0)
	events := a.rig.stored(a.T, a.source)
	if len(events) == 0 {
		a.Fatal("nothing is stored")
	}
	return events[0]
}

func track1(id string) string {
	return `{"type":"track","event":"x","userId":"u","messageId":"` + id + `"}`
}

func batchOf(items ...string) string { return `{"batch":[` + strings.Join(items, ",") + `]}` }

func repeat(n int, item func(i int) string) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = item(i)
	}
	return out
}

// raw speaks HTTP by hand and returns the status line and whether the server closed the connection.
func (a *attack) raw(write func(c net.Conn)) (status string) {
	a.Helper()
	c, err := new(net.Dialer).DialContext(a.Context(), "tcp", a.rig.addr)
	if err != nil {
		a.Fatal(err)
	}
	defer c.Close()
	go write(c)
	r := bufio.NewReader(c)
	status, err = r.ReadString('\n')
	if err != nil {
		a.Fatal(err)
	}
	if _, err := r.WriteTo(new(bytes.Buffer)); err != nil && !strings.Contains(err.Error(), "reset") {
		a.Error(err)
	}
	return strings.TrimSpace(status)
}

var attacks = map[string]func(*attack){
	"A01": func(a *attack) {
		a.status(a.post("/v1/track", ""), http.StatusBadRequest, "bad_json")
		a.counts(0, 0, 1)
	},
	"A02": func(a *attack) {
		body := `{"batch":[{"type":"track"` + strings.Repeat(" ", 40<<10)
		a.status(a.post("/v1/batch", body), http.StatusBadRequest, "bad_json")
		if kept := a.counts(0, 0, 1, "bad_json"); len(kept) == 1 && (string(kept[0].Raw) != body[:32<<10] || kept[0].Size != len(body)) {
			a.Errorf("kept %d bytes of %d", len(kept[0].Raw), kept[0].Size)
		}
	},
	"A03": func(a *attack) {
		a.rejects(`"event":"x","userId":"u","properties":`+strings.Repeat("[", 33)+strings.Repeat("]", 33), ingest.TooDeep)
	},
	"A04": func(a *attack) {
		deep := strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001)
		a.status(a.post("/v1/track", deep), http.StatusBadRequest, "too_deep")
		a.status(a.post("/v1/track", `{"properties":`+deep+`}`), http.StatusBadRequest, "too_deep")
		a.counts(0, 0, 2, "too_deep", "too_deep")
	},
	"A06": func(a *attack) {
		items := repeat(10, func(i int) string { return track1(fmt.Sprint(i)) })
		head := `{"type":"track","event":"x","userId":"u","messageId":"big","properties":{"x":"`
		items = slices.Insert(items, 4, head+strings.Repeat("x", 32_769-len(head)-3)+`"}}`)
		a.status(a.post("/v1/batch", batchOf(items...)), http.StatusOK, "")
		if kept := a.counts(10, 0, 1, ingest.EventTooLarge); len(kept) == 1 && kept[0].Size != 32_769 {
			a.Errorf("the event had %d bytes", kept[0].Size)
		}
	},
	"A07": func(a *attack) {
		body := batchOf(track1("1"))
		body += strings.Repeat(" ", 512_000-len(body))
		a.status(a.post("/v1/batch", body), http.StatusOK, "")
		a.status(a.post("/v1/batch", body+" "), http.StatusRequestEntityTooLarge, "body_too_large")
		a.status(a.post("/v1/batch", string(zipped([]byte(body+" "))), "Content-Encoding", "gzip"), http.StatusRequestEntityTooLarge, "body_too_large")
		a.counts(1, 0, 0)
	},
	"A08": func(a *attack) {
		got := a.raw(func(c net.Conn) {
			fmt.Fprintf(c, "POST /v1/batch?writeKey=%s HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000000\r\n\r\n", a.key)
		})
		if got != "HTTP/1.1 413 Request Entity Too Large" {
			a.Error(got)
		}
	},
	"A09": func(a *attack) {
		chunk := fmt.Sprintf("%x\r\n%s\r\n", 8192, strings.Repeat("[", 8192))
		stopped := make(chan struct{})
		got := a.raw(func(c net.Conn) {
			defer close(stopped)
			fmt.Fprintf(c, "POST /v1/batch?writeKey=%s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", a.key)
			for {
				if _, err := c.Write([]byte(chunk)); err != nil {
					return
				}
			}
		})
		if got != "HTTP/1.1 413 Request Entity Too Large" {
			a.Error(got)
		}
		<-stopped
		<-a.rig.closed
	},
	"A11": func(a *attack) {
		twice := string(zipped(zipped([]byte(track1("1")))))
		a.status(a.post("/v1/batch", twice, "Content-Encoding", "gzip, gzip"), http.StatusUnsupportedMediaType, "unsupported_encoding")
		a.status(a.post("/v1/batch", twice, "Content-Encoding", "gzip", "Content-Encoding", "gzip"), http.StatusUnsupportedMediaType, "unsupported_encoding")
		a.status(a.post("/v1/batch", twice, "Content-Encoding", "gzip"), http.StatusUnsupportedMediaType, "unsupported_encoding")
		a.counts(0, 0, 0)
	},
	"A12": func(a *attack) {
		for _, coding := range []string{"br", "zstd", "deflate", "gzip, br"} {
			a.status(a.post("/v1/batch", track1("1"), "Content-Encoding", coding), http.StatusUnsupportedMediaType, "unsupported_encoding")
		}
	},
	"A13": func(a *attack) {
		good := zipped([]byte(batchOf(repeat(50, func(i int) string { return track1(fmt.Sprint(i)) })...)))
		broken := bytes.Clone(good)
		broken[len(broken)-6] ^= 1
		for _, body := range [][]byte{good[:len(good)/2], good[:len(good)-1], broken, append(bytes.Clone(good), "garbage"...), {}} {
			a.status(a.post("/v1/batch", string(body), "Content-Encoding", "gzip"), http.StatusBadRequest, "bad_compression")
		}
		a.counts(0, 0, 5, ingest.BadCompression, ingest.BadCompression, ingest.BadCompression, ingest.BadCompression)
		a.status(a.post("/v1/batch", string(good), "Content-Encoding", "gzip"), http.StatusOK, "")
		a.counts(50, 0, 5, ingest.BadCompression, ingest.BadCompression, ingest.BadCompression, ingest.BadCompression)
	},
	"A14": func(a *attack) {
		item := func(i int) string {
			return fmt.Sprintf(`{"type":"track","event":"x","userId":"user-%d","messageId":"m-%d","properties":{"a":"%s"}}`, i, i, strings.Repeat("y", 60))
		}
		a.status(a.post("/v1/batch", batchOf(repeat(2501, item)...)), http.StatusRequestEntityTooLarge, "too_many_events")
		a.counts(0, 0, 0)
		a.status(a.post("/v1/batch", batchOf(repeat(2500, item)...)), http.StatusOK, "")
		a.counts(2500, 0, 0)
	},
	"A15": func(a *attack) {
		a.status(a.post("/v1/batch", `{"batch":[]}`), http.StatusOK, "")
		a.counts(0, 0, 0)
	},
	"A17": func(a *attack) {
		a.status(a.post("/v1/batch", batchOf(track1("1"), track1("1"), track1("1"))), http.StatusOK, "")
		a.counts(1, 2, 0)
	},
	"A18": func(a *attack) {
		first := a.takes(`{"event":"x","userId":"u","messageId":"1","properties":{"plan":"pro"}}`)
		a.status(a.post("/v1/track", `{"event":"x","userId":"u","messageId":"1","properties":{"plan":"free"}}`), http.StatusOK, "")
		a.counts(1, 1, 0)
		if c, _ := a.rig.account(a.T, a.source); c.Conflict != 1 {
			a.Errorf("%d conflicts", c.Conflict)
		}
		if again := a.rig.stored(a.T, a.source)[0]; string(again.Body) != string(first.Body) {
			a.Errorf("the first event became %s", again.Body)
		}
	},
	"A19": func(a *attack) {
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() { a.status(a.post("/v1/track", track1("1")), http.StatusOK, "") })
		}
		wg.Wait()
		a.counts(1, 49, 0)
	},
	"A20": func(a *attack) {
		a.takes(track1("1"))
		other := &attack{T: a.T, rig: a.rig, key: a.key + "-other"}
		other.source = a.rig.key(other.key)
		other.takes(track1("1"))
	},
	"A21": func(a *attack) {
		a.takes(track1("1"))
		a.rig.now.Store(int64(31 * 24 * time.Hour))
		defer a.rig.now.Store(0)
		a.status(a.post("/v1/track", track1("1")), http.StatusOK, "")
		a.counts(1, 1, 0)
	},
	"A22": func(a *attack) {
		for _, body := range []string{`{"event":"x","userId":"u"}`, `{"event":"x","userId":"u","messageId":""}`, `{"event":"x","userId":"u","messageId":null}`} {
			a.status(a.post("/v1/track", body), http.StatusOK, "")
		}
		a.counts(3, 0, 0)
		for _, e := range a.rig.stored(a.T, a.source) {
			if !strings.HasPrefix(e.MessageID, "made-") {
				a.Errorf("message id %q", e.MessageID)
			}
		}
	},
	"A23": func(a *attack) {
		a.takes(`{"event":"x","userId":"u","messageId":"` + strings.Repeat("a", 255) + `"}`)
		a.status(a.post("/v1/track", `{"event":"x","userId":"u","messageId":"`+strings.Repeat("a", 256)+`"}`), http.StatusOK, "")
		a.counts(1, 0, 1, ingest.BadMessageID)
	},
	"A24": func(a *attack) {
		if e := a.takes(`{"event":"x","userId":"a","userId":"b"}`); e.UserID != "b" || strings.Contains(string(e.Body), `"a"`) {
			a.Errorf("%s: %s", e.UserID, e.Body)
		}
	},
	"A25": func(a *attack) {
		a.status(a.post("/v1/identify", `{"userId":"a","USERID":"b"}`), http.StatusOK, "")
		if e := a.rig.stored(a.T, a.source)[0]; e.UserID != "a" {
			a.Error(e.UserID)
		}
	},
	"A27": func(a *attack) {
		if e := a.takes(`{"event":"\ud800","userId":"u"}`); e.Name != "\uFFFD" {
			a.Errorf("%q", e.Name)
		}
	},
	"A28": func(a *attack) {
		if e := a.takes("{\"event\":\"a\xff\xfe\",\"userId\":\"u\"}"); e.Name != "a\uFFFD\uFFFD" {
			a.Errorf("%q", e.Name)
		}
	},
	"A29": func(a *attack) { a.rejects(`"event":"x","userId":"u","properties":{"value":1e400}`, ingest.BadNumber) },
	"A30": func(a *attack) {
		if e := a.takes(`{"event":"x","userId":"u","properties":{"orderId":9007199254740993}}`); !strings.Contains(string(e.Body), `"orderId":9007199254740993}`) {
			a.Errorf("%s", e.Body)
		}
	},
	"A31": func(a *attack) {
		for _, v := range []string{"NaN", "Infinity", "0x10", ".5"} {
			a.status(a.post("/v1/track", `{"event":"x","userId":"u","properties":{"value":`+v+`}}`), http.StatusBadRequest, "bad_json")
		}
		a.counts(0, 0, 4, "bad_json", "bad_json", "bad_json", "bad_json")
	},
	"A32": func(a *attack) {
		e := a.takes(`{"event":"x","userId":"u","properties":{"__proto__":{"admin":true},"constructor":1}}`)
		if !strings.Contains(string(e.Body), `{"__proto__":{"admin":true},"constructor":1}`) {
			a.Errorf("%s", e.Body)
		}
	},
	"A34": func(a *attack) {
		// Strings of "Aa" and "BB" have one hash in Java. Keys are sorted here, so no hash matters.
		keys := repeat(512, func(i int) string {
			var s strings.Builder
			for bit := range 9 {
				s.WriteString([]string{"Aa", "BB"}[i>>bit&1])
			}
			return `"` + s.String() + `":1`
		})
		if e := a.takes(`{"event":"x","userId":"u","properties":{` + strings.Join(keys, ",") + `}}`); strings.Count(string(e.Body), ":1") != 512 {
			a.Errorf("%s", e.Body)
		}
	},
	"A35": func(a *attack) {
		for _, name := range []string{"", " \\t\u00a0", strings.Repeat("n", 10<<10)} {
			a.status(a.post("/v1/track", `{"userId":"u","event":"`+name+`"}`), http.StatusOK, "")
		}
		a.counts(0, 0, 3, ingest.BadEventName, ingest.BadEventName, ingest.BadEventName)
	},
	"A37": func(a *attack) { a.rejects(`"event":"x"`, ingest.NoIdentity) },
	"A38": func(a *attack) {
		// Longer cycles and chains take several events: package identity refuses and resolves them.
		a.status(a.post("/v1/alias", `{"userId":"a","previousId":"a"}`), http.StatusOK, "")
		a.counts(0, 0, 1, ingest.AliasCycle)
	},
	"A40": func(a *attack) { a.takes("\xEF\xBB\xBF" + track1("1")) },
	"A41": func(a *attack) {
		a.takes(track1("1"), "Content-Type", "text/plain;charset=UTF-8", "Cookie", "session=stolen")
	},
	"A42": func(a *attack) {
		for _, media := range []string{"multipart/form-data; boundary=x", "Multipart/Mixed", "multipart/form-data; boundary=\x80\""} {
			a.status(a.post("/v1/track", track1("1"), "Content-Type", media), http.StatusUnsupportedMediaType, "unsupported_media_type")
		}
	},
	"A43": func(a *attack) {
		for _, path := range []string{"/v1/../admin", "/v1/%2e%2e/admin", "/v1%2ftrack", "/v1//track", "/admin/../v1/track", "/%2f/v1/track", "/v1/projects/../settings", "/v1/projects/{key}/settings/x"} {
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				if got := a.rig.send(a.T, method, path, headers(), nil); got.status != http.StatusNotFound {
					a.Errorf("%s %s: %d", method, path, got.status)
				}
			}
		}
	},
	"A45": func(a *attack) {
		got := a.raw(func(c net.Conn) {
			fmt.Fprintf(c, "POST /v1/batch HTTP/1.1\r\nHost: x\r\nX: %s\r\n\r\n", strings.Repeat("x", 1<<20))
		})
		if got != "HTTP/1.1 431 Request Header Fields Too Large" {
			a.Error(got)
		}
	},
	"A46": func(a *attack) {
		// The server of every edge is respond.NewServer: its limit is what counts.
		if got := a.rig.headerTimeout; got <= 0 || got > 10*time.Second {
			a.Errorf("headers may take %s", got)
		}
	},
	"A49": func(a *attack) {
		a.takes(track1("1"))
		a.rig.mu.Lock()
		delete(a.rig.keys, a.key)
		a.rig.mu.Unlock()
		a.status(a.post("/v1/track", track1("2")), http.StatusUnauthorized, "unknown_key")
		a.rig.key(a.key, func(s *track.Source) { s.ID = a.source })
	},
	"A50": func(a *attack) {
		a.rig.key("key-B")
		for _, body := range []string{
			`{"event":"x","userId":"u","writeKey":"key-B"}`, `{"event":"x","userId":"u","writeKey":"no such key"}`,
		} {
			a.status(a.post("/v1/track", body), http.StatusBadRequest, "ambiguous_key")
			a.status(a.post("/v1/track", body, "Authorization", "Bearer "+a.key), http.StatusBadRequest, "ambiguous_key")
		}
		a.status(a.post("/v1/track?writeKey=key-B", track1("1")), http.StatusBadRequest, "ambiguous_key")
		if got := a.rig.stored(a.T, a.source); len(got) != 0 {
			a.Errorf("%d events are stored", len(got))
		}
	},
	"A51": func(a *attack) { a.takes(track1("1"), "Origin", "https://evil.example", "Cookie", "session=stolen") },
	"T01": func(a *attack) {
		a.effective(`"timestamp":"2099-01-01T00:00:00Z"`, start, lead.ClockSkew)
	},
	"T02": func(a *attack) {
		for i, at := range []string{"0001-01-01T00:00:00Z", "1969-12-31T00:00:00Z", "9999-12-31T00:00:00Z"} {
			a.status(a.post("/v1/track", fmt.Sprintf(`{"event":"x","userId":"u","messageId":"%d","timestamp":"%s"}`, i, at)), http.StatusOK, "")
		}
		for _, e := range a.rig.stored(a.T, a.source) {
			if !e.Flags.Has(lead.Unscored) {
				a.Errorf("%s at %s would be scored", e.MessageID, e.Time)
			}
		}
		a.counts(3, 0, 0)
	},
	"T03": func(a *attack) {
		a.effective(`"timestamp":"2026-11-23T13:00:00Z","sentAt":"2026-11-23T13:00:00Z"`, start, 0)
	},
	"T05": func(a *attack) {
		for i, at := range []string{`"2026-01-01T00:00:00+25:00"`, `"yesterday"`, `1700000000`, `""`} {
			a.status(a.post("/v1/track", fmt.Sprintf(`{"event":"x","userId":"u","messageId":"%d","timestamp":%s}`, i, at)), http.StatusOK, "")
		}
		for _, e := range a.rig.stored(a.T, a.source) {
			if e.Flags != lead.BadTimestamp || e.Time != e.ReceivedAt {
				a.Errorf("%s at %s with flags %b", e.MessageID, e.Time, e.Flags)
			}
		}
		a.counts(4, 0, 0)
	},
}

// effective checks the time at which one event counts.
func (a *attack) effective(members string, want time.Time, flags lead.Flags) {
	a.Helper()
	if e := a.takes(`{"event":"x","userId":"u",` + members + `}`); e.Time != lead.At(want) || e.Flags != flags {
		a.Errorf("counts at %s with flags %b", e.Time, e.Flags)
	}
}
