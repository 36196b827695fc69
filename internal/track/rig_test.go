package track_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cusp/internal/db"
	"cusp/internal/fault"
	"cusp/internal/ingest"
	"cusp/internal/lead"
	"cusp/internal/respond"
	"cusp/internal/track"
)

// start is when the requests of these tests arrive.
var start = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// rig is a real HTTP server in front of the real event log. Identities are not resolved: every identifier
// is a profile of its own.
type rig struct {
	db      *db.DB
	handler *track.Handler
	addr    string
	closed  chan struct{} // told when a connection ends
	now     atomic.Int64  // added to start, in nanoseconds

	headerTimeout time.Duration
	ids           atomic.Int64

	mu   sync.Mutex
	keys map[string]track.Source
	fail error // what Submit answers instead of storing
}

func newRig(t *testing.T, d *db.DB) *rig {
	t.Helper()
	g := &rig{db: d, keys: map[string]track.Source{}, closed: make(chan struct{}, 1000)}
	g.handler = track.New(track.Options{
		Lookup: g.lookup, Submit: g.submit,
		Now:   func() time.Time { return start.Add(time.Duration(g.now.Load())) },
		NewID: func() string { return fmt.Sprintf("made-%d", g.ids.Add(1)) },
	})
	server := respond.NewServer(g.handler.Wrap(http.NotFoundHandler()), slog.New(slog.DiscardHandler))
	g.headerTimeout = server.ReadHeaderTimeout
	server.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateClosed {
			select {
			case g.closed <- struct{}{}:
			default:
			}
		}
	}
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g.addr = listener.Addr().String()
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		_ = server.Close() // connections of the tests that are still open do not matter
		<-done
	})
	return g
}

func (g *rig) lookup(_ context.Context, key string) (track.Source, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s, ok := g.keys[key]
	if !ok {
		return s, fault.New(fault.Unauthentic, "this key is not known").WithCode("unknown_key")
	}
	return s, nil
}

// key makes a source and returns its id.
func (g *rig) key(name string, change ...func(*track.Source)) lead.SourceID {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := track.Source{ID: lead.SourceID(len(g.keys) + 1)}
	for _, c := range change {
		c(&s)
	}
	g.keys[name] = s
	return s.ID
}

func profile(e *lead.Event) lead.ProfileID {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d/%s/%s/%s", e.Source, e.UserID, e.AnonymousID, e.GroupID)
	return lead.ProfileID(h.Sum64()>>26 + 1)
}

func (g *rig) submit(ctx context.Context, b ingest.Batch) (r ingest.Receipt, err error) {
	g.mu.Lock()
	err = g.fail
	g.mu.Unlock()
	if err != nil {
		return r, err
	}
	err = g.db.Write(ctx, func(tx *db.Tx) error {
		dup, err := ingest.Dedupe(tx, b.Events)
		if err != nil {
			return err
		}
		var placed []ingest.Placed
		for i := range b.Events {
			if !dup[i] {
				placed = append(placed, ingest.Placed{Profile: profile(&b.Events[i]), Event: b.Events[i]})
			}
		}
		if _, err := ingest.Append(tx, placed); err != nil {
			return err
		}
		if err := ingest.Reject(tx, b.Rejected); err != nil {
			return err
		}
		r = ingest.Receipt{Accepted: len(placed), Duplicate: len(b.Events) - len(placed), Rejected: len(b.Rejected)}
		return ingest.Count(tx, b.Source, ingest.Counts{
			At: b.ReceivedAt, Received: int64(len(b.Events) + len(b.Rejected)),
			Accepted: int64(r.Accepted), Duplicate: int64(r.Duplicate), Rejected: int64(r.Rejected),
		})
	})
	return r, err
}

// stored are all events of a source.
func (g *rig) stored(t *testing.T, source lead.SourceID) []lead.Event {
	t.Helper()
	var out []lead.Event
	err := ingest.Scan(t.Context(), g.db, 0, 0, func(_ lead.ProfileID, events []ingest.Stored) error {
		for i := range events {
			if events[i].Event.Source == source {
				out = append(out, events[i].Event)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (g *rig) account(t *testing.T, source lead.SourceID) (c ingest.Counts, rejected []ingest.Rejected) {
	t.Helper()
	err := g.db.Read(t.Context(), func(tx *db.Tx) error {
		all, err := ingest.Accounts(tx)
		if err != nil {
			return err
		}
		c = all[source]
		rejected, err = ingest.ListRejected(tx, ingest.RejectedFilter{Source: source})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return c, rejected
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) code() string {
	var f struct{ Code string }
	_ = json.Unmarshal([]byte(a.body), &f) // no code when it is not JSON
	return f.Code
}

// send makes one request on a connection of its own. A nil body sends none.
func (g *rig) send(t *testing.T, method, path string, header http.Header, body []byte) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+g.addr, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.URL.Opaque = "//" + g.addr + path // as it stands: the client must not clean the path
	maps.Copy(req.Header, header)
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true}}
	res, err := client.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if got := res.Header.Get("Access-Control-Allow-Origin"); got != "*" && res.StatusCode != http.StatusNotFound {
		t.Errorf("%s %s: status %d without CORS headers", method, path, res.StatusCode)
	}
	if res.Header.Get("Access-Control-Allow-Credentials") != "" || res.Header.Get("Set-Cookie") != "" {
		t.Errorf("%s %s: the answer speaks of credentials", method, path)
	}
	return answer{res.StatusCode, res.Header, string(text)}
}

func headers(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

func zipped(text []byte) []byte {
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	_, _ = w.Write(text) // into memory
	_ = w.Close()
	return buf.Bytes()
}

func isSuccess(a answer) bool {
	return a.status == http.StatusOK && strings.TrimSpace(a.body) == `{"success":true}`
}
