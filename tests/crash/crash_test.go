// Package crash kills the server under load, again and again, and counts what was lost.
package crash

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"cusp/internal/bench"
	"cusp/tests/product"
)

const (
	kills   = 20
	senders = 4
	perPost = 20
)

const playbook = `playbook: 1
name: Crash
fit:
  criteria:
    - {id: role, needs: [person.title], rules: [{when: 'person.title == "Boss"', points: 10}]}
signals:
  - {id: pricing, class: evaluation, stage: decision, on: {page: '/pricing*'}, points: 15, half_life: 14d, cap: 80}
  - {id: demo, class: buying, stage: decision, on: {track: Demo}, points: 60, half_life: 30d, track: inbound}
decide: {review: 40, engage: 70, mql: [{level: 1, intent: 25}]}
`

// ledger is what the senders know: every message id that they made, and whether it was acknowledged.
type ledger struct {
	mu      sync.Mutex
	acks    map[string]bool
	wanted  int           // batches until somebody is told
	reached chan struct{} // closed then
}

func (l *ledger) note(ids []string, acknowledged bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range ids {
		l.acks[id] = l.acks[id] || acknowledged
	}
	if !acknowledged {
		return
	}
	if l.wanted--; l.wanted == 0 {
		close(l.reached)
	}
}

// after is closed when n more batches were acknowledged.
func (l *ledger) after(n int) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wanted, l.reached = n, make(chan struct{})
	return l.reached
}

// sender posts batches until its context ends, and sends again what got no answer.
type sender struct {
	name   string
	ledger *ledger
	made   int
	body   []byte
	ids    []string // of body; nil when it was acknowledged
}

func (s *sender) run(ctx context.Context, srv *bench.Server) {
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for ctx.Err() == nil {
		if s.ids == nil {
			s.next()
			s.ledger.note(s.ids, false)
		}
		q, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+srv.Addr+"/v1/batch", bytes.NewReader(s.body))
		if err != nil {
			return
		}
		q.SetBasicAuth(srv.Key, "")
		a, err := client.Do(q)
		if err != nil {
			return // the server is dead; the batch goes out again after the restart
		}
		_ = a.Body.Close()
		if a.StatusCode == http.StatusOK {
			s.ledger.note(s.ids, true)
			s.ids = nil
		}
	}
}

// next makes a batch about a few people who do what moves scores.
func (s *sender) next() {
	s.body, s.ids = []byte(`{"batch":[`), make([]string, 0, perPost)
	for i := range perPost {
		s.made++
		id := fmt.Sprintf("%s-%d", s.name, s.made)
		s.ids = append(s.ids, id)
		if i > 0 {
			s.body = append(s.body, ',')
		}
		s.body = fmt.Appendf(s.body, `{"type":"page","messageId":%q,"userId":"u%d","properties":{"path":"/pricing"}}`, id, s.made%50)
	}
	s.body = append(s.body, `]}`...)
}

func TestKill_losesNothingAcknowledged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "playbook.yaml")
	if err := os.WriteFile(file, []byte(playbook), 0o600); err != nil {
		t.Fatal(err)
	}
	bin, dsn := product.Build(t), filepath.Join(dir, "cusp.db")
	srv, err := bench.StartServer(t.Context(), bin, dsn, file)
	if err != nil {
		t.Fatal(err)
	}
	book := &ledger{acks: map[string]bool{}}
	all := make([]*sender, senders)
	for i := range all {
		all[i] = &sender{name: fmt.Sprintf("s%d", i), ledger: book}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for n := range kills {
		killUnderLoad(t, srv, all, book.after(1+random.IntN(60)))
		if err := srv.Restart(t.Context()); err != nil {
			t.Fatalf("restart after kill %d: %v", n+1, err)
		}
	}
	if err := srv.Stop(); err != nil {
		t.Error(err)
	}
	compare(t, book, product.Events(t, bin, dsn))
}

// killUnderLoad lets the senders work until the moment has come and then kills the server, while the
// other senders are somewhere in the middle.
func killUnderLoad(t *testing.T, srv *bench.Server, all []*sender, moment <-chan struct{}) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var working sync.WaitGroup
	for _, s := range all {
		working.Go(func() { s.run(ctx, srv) })
	}
	<-moment
	if err := srv.Kill(); err != nil {
		t.Fatal(err)
	}
	stop()
	working.Wait()
}

// compare holds what is stored against what was acknowledged.
func compare(t *testing.T, book *ledger, stored []product.Event) {
	t.Helper()
	count := map[string]int{}
	for _, e := range stored {
		count[e.MessageID]++
	}
	acknowledged := 0
	for id, ack := range book.acks {
		if ack {
			acknowledged++
		}
		switch n := count[id]; {
		case ack && n == 0:
			t.Errorf("%s was acknowledged and is lost", id)
		case n > 1:
			t.Errorf("%s is stored %d times", id, n)
		}
		delete(count, id)
	}
	for id := range count {
		t.Errorf("%s is stored and was never sent", id)
	}
	if acknowledged < kills*perPost {
		t.Errorf("only %d events were acknowledged: the load was too thin to prove anything", acknowledged)
	}
	t.Logf("%d kills, %d events acknowledged, %d stored", kills, acknowledged, len(stored))
}
