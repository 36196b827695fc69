package cli

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"cusp/internal/canon"
	"cusp/internal/decide"
	"cusp/internal/flow"
	"cusp/internal/ingest"
	"cusp/internal/lead"
	"cusp/internal/sim"
)

const (
	demoBatch = 1000                   // messages of a source that are stored together
	demoLead  = 2 * time.Hour          // before now the pace rises, so that it has risen when somebody watches
	demoPulse = 250 * time.Millisecond // how often what happened meanwhile is sent
)

// sender is one source of the sample company, with what it is about to send.
type sender struct {
	source  lead.SourceID
	secret  string
	trusted bool
	tree    canon.Tree
	reader  *ingest.Reader
}

// read takes a message in as it would have been received when it arrived.
func (s *sender) read(m *sim.Message) error {
	if s.reader == nil {
		s.reader = &ingest.Reader{
			Batch: ingest.Batch{Source: s.source}, Trusted: s.trusted, Tree: &s.tree,
			NewID: func() string { return "" }, // all have theirs
		}
	}
	root, err := s.tree.Parse(m.AppendJSON(nil))
	if err != nil {
		return fmt.Errorf("read message %s: %w", m.ID, err)
	}
	s.reader.ReceivedAt = m.Arrival
	s.reader.Message(root, 0)
	return nil
}

// take is the batch so far; the next one begins.
func (s *sender) take() ingest.Batch {
	if s.reader == nil {
		return ingest.Batch{}
	}
	b := s.reader.Batch
	s.reader = nil
	return b
}

func (s *sender) waiting() int {
	if s.reader == nil {
		return 0
	}
	return len(s.reader.Events)
}

// pull is the next message that arrives up to an instant; nil when there is none yet.
func (d *demo) pull(until lead.Instant) *sim.Message {
	if d.next == nil {
		m, ok := d.sim.Next()
		if !ok {
			return nil
		}
		d.next = &m
	}
	if d.next.Arrival > until {
		return nil
	}
	m := d.next
	d.next = nil
	return m
}

func (d *demo) senderOf(m *sim.Message) *sender {
	if m.Server {
		return &d.server
	}
	return &d.public
}

// history stores everything that arrived before an instant, through the same committer as live events.
func (d *demo) history(ctx context.Context, until lead.Instant) error {
	began := d.sh.p.Now()
	for m := d.pull(until); m != nil; m = d.pull(until) {
		s := d.senderOf(m)
		if err := s.read(m); err != nil {
			return err
		}
		if s.waiting() >= demoBatch {
			if err := d.submit(ctx); err != nil {
				return err
			}
			d.progress(began, m.Arrival)
		}
	}
	d.progress(began, 0)
	return d.submit(ctx)
}

// submit stores what both sources have gathered.
func (d *demo) submit(ctx context.Context) error {
	for _, s := range []*sender{&d.public, &d.server} {
		b := s.take()
		if len(b.Events) == 0 {
			continue
		}
		receipt, err := d.app.Engine().Submit(ctx, b)
		if err != nil {
			return fmt.Errorf("store the history: %w", err)
		}
		d.events += receipt.Accepted
	}
	return ctx.Err()
}

// progress shows on a terminal how far the history is; the zero instant ends the line.
func (d *demo) progress(began time.Time, at lead.Instant) {
	if !d.sh.p.IsTTY || d.sh.json {
		return
	}
	if at == 0 {
		_, _ = fmt.Fprint(d.sh.p.Stderr, "\r\x1b[K")
		return
	}
	_, _ = fmt.Fprintf(d.sh.p.Stderr, "\r\x1b[KMaking history: %s, %d events, %.0f s",
		at.Time().Format(time.DateOnly), d.events, d.sh.p.Now().Sub(began).Seconds())
}

// live sends what happens, and tells of those whom sales should call.
func (d *demo) live(ctx context.Context, changes <-chan flow.Announced) error {
	pulse := time.NewTicker(demoPulse)
	defer pulse.Stop()
	c := within(d.app.Handler(), func() {})
	for {
		select {
		case <-ctx.Done():
			return nil
		case change := <-changes:
			d.tell(ctx, change)
		case <-pulse.C:
			if err := d.send(ctx, c); err != nil && ctx.Err() == nil {
				return err
			}
		}
	}
}

// send posts what happened since the last pulse to the tracking API.
func (d *demo) send(ctx context.Context, c *client) error {
	now := lead.At(d.sh.p.Now())
	bodies := map[*sender][]byte{}
	for m := d.pull(now); m != nil; m = d.pull(now) {
		s := d.senderOf(m)
		if bodies[s] == nil {
			bodies[s] = []byte(`{"batch":[`)
		} else {
			bodies[s] = append(bodies[s], ',')
		}
		bodies[s] = m.AppendJSON(bodies[s])
	}
	for s, body := range bodies {
		if err := s.post(ctx, c, append(body, "]}"...)); err != nil {
			return fmt.Errorf("send live events: %w", err)
		}
	}
	return nil
}

// post sends a batch to the tracking API.
func (s *sender) post(ctx context.Context, c *client, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+"/v1/batch", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.SetBasicAuth(s.secret, "")
	res, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer closeQuietly(res.Body)
	if res.StatusCode != http.StatusOK {
		return refused(res)
	}
	return nil
}

// tell prints a line about somebody of whom the decision changes.
func (d *demo) tell(ctx context.Context, a flow.Announced) {
	from, to := a.Change.From, a.Change.To
	if d.sh.json || to.Decision == from.Decision && to.Level <= from.Level {
		return
	}
	if from.Decision == decide.None && to.Level == 0 && (to.Decision == decide.Nurture || to.Decision == decide.Ignore) {
		return // somebody new, of whom nothing is known
	}
	x, err := d.app.Engine().Explain(ctx, a.Person, 0)
	if err != nil || len(x.Reasons) == 0 {
		return
	}
	what := strings.ToUpper(string(to.Decision))
	if to.Decision == from.Decision {
		what = fmt.Sprintf("MQL %d", to.Level)
	}
	d.sh.say("  %s  %-10s  %-34s  %s", d.sh.p.Now().Format(time.TimeOnly), what, name(&x), printable(x.Reasons[0]))
}
