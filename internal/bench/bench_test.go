package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type message struct {
	MessageID string `json:"messageId"`
	Type      string `json:"type"`
	UserID    string `json:"userId"`
}

func TestLoad_makesTheSameValidEventsAgain(t *testing.T) {
	t.Parallel()
	sent := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	batches := newLoad(7, "m-", 50).batches(1050, 100, sent)
	if diff := cmp.Diff(batches, newLoad(7, "m-", 50).batches(1050, 100, sent)); diff != "" {
		t.Errorf("equal seeds differ:\n%s", diff)
	}
	ids, first, bytes := map[string]bool{}, map[string]string{}, 0
	for _, batch := range batches {
		for _, event := range batch {
			var m message
			if err := json.Unmarshal(event, &m); err != nil {
				t.Fatalf("%s: %v", event, err)
			}
			ids[m.MessageID] = true
			if first[m.UserID] == "" {
				first[m.UserID] = m.Type
			}
			bytes += len(event)
		}
	}
	if len(batches) != 11 || len(batches[10]) != 50 || len(ids) != 1050 {
		t.Errorf("got %d batches, the last of %d, and %d ids", len(batches), len(batches[10]), len(ids))
	}
	if each := bytes / 1050; each < 350 || each > 450 {
		t.Errorf("an event has %d bytes, want about 400", each)
	}
	for who, typ := range first {
		if typ != "identify" {
			t.Errorf("the first event of %s is %s", who, typ)
		}
	}
}

func TestDrive_sendsEveryRequestOnce(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	got := map[string]int{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		key, _, ok := q.BasicAuth()
		body, err := io.ReadAll(q.Body)
		if !ok || key != "k" || q.URL.Path != "/v1/batch" || err != nil {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		var b struct {
			Batch []message `json:"batch"`
		}
		_ = json.Unmarshal(body, &b)
		for _, m := range b.Batch {
			got[m.MessageID]++
		}
		_, _ = w.Write([]byte(`{"success":true}`))
	}))
	defer srv.Close()
	addr := strings.TrimPrefix(srv.URL, "http://")
	batches := newLoad(1, "m-", 10).batches(500, 7, time.Now())
	_, latencies, err := drive(t.Context(), addr, 8, requests(batches, addr, "k", time.Now()))
	if err != nil || len(latencies) != len(batches) || len(got) != 500 {
		t.Errorf("got %v, %d latencies, %d messages", err, len(latencies), len(got))
	}
	for id, n := range got {
		if n != 1 {
			t.Errorf("%s was sent %d times", id, n)
		}
	}
}

func TestDrive_failsOnTheFirstRefusal(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) > 3 {
			http.Error(w, "no more", http.StatusTooManyRequests)
			return
		}
		_, _ = w.Write([]byte("ok"))
	}))
	defer srv.Close()
	addr := strings.TrimPrefix(srv.URL, "http://")
	batches := newLoad(1, "m-", 10).batches(5000, 1, time.Now())
	_, _, err := drive(t.Context(), addr, 2, requests(batches, addr, "k", time.Now()))
	if err == nil || !strings.Contains(err.Error(), "no more") {
		t.Errorf("got %v, want the server's words", err)
	}
	if n := asked.Load(); n > 10 {
		t.Errorf("%d requests were sent after the refusal", n)
	}
}

func TestRawLimits_storeEveryEvent(t *testing.T) {
	t.Parallel()
	batches := newLoad(1, "m-", 10).batches(230, 100, time.Now())
	if rate, err := rawSQLite(t.Context(), t.TempDir(), batches); err != nil || rate <= 0 {
		t.Errorf("SQLite: got %v %v", rate, err)
	}
	dsn := os.Getenv("CUSP_TEST_PG")
	if dsn == "off" {
		return
	}
	if dsn == "" {
		dsn = "postgres://postgres@127.0.0.1:5432/postgres"
	}
	scratch, drop, err := scratchDatabase(t.Context(), dsn, fmt.Sprintf("cusp_bench_test_%d", time.Now().UnixNano()))
	if err != nil {
		t.Fatal(err)
	}
	if rate, err := rawPostgres(t.Context(), scratch, batches); err != nil || rate <= 0 {
		t.Errorf("PostgreSQL: got %v %v", rate, err)
	}
	if err := drop(); err != nil {
		t.Error(err)
	}
}

func TestStatistics(t *testing.T) {
	t.Parallel()
	if got := median([]float64{9, 1, 5}); got != 5 {
		t.Errorf("median of three: %v", got)
	}
	if got := median([]float64{9, 1, 5, 7}); got != 6 {
		t.Errorf("median of four: %v", got)
	}
	var xs []time.Duration
	for i := 100; i > 0; i-- {
		xs = append(xs, time.Duration(i)*time.Millisecond)
	}
	for q, want := range map[float64]float64{0.5: 50, 0.99: 99, 1: 100, 0: 1} {
		if got := quantile(xs, q); got != want {
			t.Errorf("quantile %v: got %v, want %v", q, got, want)
		}
	}
}

func TestReport_hasTheShapeOthersRead(t *testing.T) {
	t.Parallel()
	var rounds series
	for _, took := range []time.Duration{2 * time.Second, 3 * time.Second, time.Second} {
		rounds.add(100_000, took, time.Second, []time.Duration{time.Millisecond, 2 * time.Millisecond})
	}
	r := Report{
		Bench: "ingest", Commit: "abc", Seed: 1, Settings: map[string]any{},
		Results: []Result{rounds.result("sqlite-batch100", []float64{100_000}, "rows")},
		Machine: Machine{Cores: 2, CPU: "x", MemoryGiB: 4, OS: "linux", Arch: "amd64", Go: "go1.26", FsyncUS: 100, LoopbackUS: 9},
	}
	got, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"bench":"ingest","results":[{"name":"sqlite-batch100","rate":50000,"raw":100000,"ratio":0.5,"unit":"events/s","p50_ms":1,"p99_ms":2,"per_cpu_second":100000,"note":"rows"}],` +
		`"machine":{"cores":2,"cpu":"x","memory_gib":4,"os":"linux","arch":"amd64","go":"go1.26","fsync_us":100,"loopback_us":9},"commit":"abc","seed":1,"settings":{}}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	var text bytes.Buffer
	if err := r.Text(&text); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"sqlite-batch100  50.0 k  100.0 k  0.50   events/s", "1.0 ms", "2 cores (x)", "commit abc, seed 1"} {
		if !strings.Contains(text.String(), part) {
			t.Errorf("%q is missing in:\n%s", part, text.String())
		}
	}
}
