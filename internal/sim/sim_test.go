package sim

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"cusp/internal/canon"
	"cusp/internal/lead"
	"cusp/internal/signal"
)

func run(cfg Config) (*Sim, []Message) {
	s := New(cfg)
	var all []Message
	for {
		m, ok := s.Next()
		if !ok {
			return s, all
		}
		all = append(all, m)
	}
}

var halfYear = Config{Seed: 1, Months: 6, PeoplePerMonth: 1000}

func digest(all []Message) string {
	h := sha256.New()
	var b []byte
	for i := range all {
		b = all[i].AppendJSON(b[:0])
		h.Write(b)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func TestNew_sameSeedSameBytes(t *testing.T) {
	t.Parallel()
	cfg := Config{Seed: 7, Months: 2, PeoplePerMonth: 300}
	_, a := run(cfg)
	_, b := run(cfg)
	cfg.Seed = 8
	_, c := run(cfg)
	if digest(a) != digest(b) {
		t.Error("the same seed gave other bytes")
	}
	if digest(a) == digest(c) {
		t.Error("another seed gave the same bytes")
	}
}

func TestNext_messagesAreWellFormedAndInOrder(t *testing.T) {
	t.Parallel()
	s, all := run(halfYear)
	truth := s.Truth()
	var last lead.Instant
	seen := map[string]lead.Instant{}
	late, twice := 0, 0
	for i := range all {
		m := &all[i]
		if m.Arrival < last || m.Arrival < m.At {
			t.Fatalf("message %d arrives at %s, after %s, and happened at %s", i, m.Arrival, last, m.At)
		}
		last = m.Arrival
		if first, ok := seen[m.ID]; ok != m.Repeated && !ok {
			late++ // the first of the two was the late one
		} else if ok {
			twice++
			if first != m.At {
				t.Errorf("%s came twice with other times", m.ID)
			}
		}
		seen[m.ID] = m.At
		if m.Arrival-m.At > 60e6 && !m.Repeated {
			late++
		}
		if m.UserID == "" && m.AnonymousID == "" {
			t.Fatalf("nobody: %+v", m)
		}
		if m.UserID != "" && m.UserID != truth[m.Person].UserID {
			t.Fatalf("%s is not %s", m.UserID, truth[m.Person].UserID)
		}
		raw := m.AppendJSON(nil)
		clean, err := canon.Append(nil, raw)
		if err != nil || len(clean) != len(raw) {
			t.Fatalf("not plain JSON (%v):\n%s\n%s", err, raw, clean)
		}
	}
	if share := float64(late) / float64(len(all)); share < 0.001 || share > 0.01 {
		t.Errorf("%.4f of the messages come late", share)
	}
	if share := float64(twice) / float64(len(all)); share < 0.002 || share > 0.012 {
		t.Errorf("%.4f of the messages come twice", share)
	}
}

func TestTruth(t *testing.T) {
	t.Parallel()
	s, all := run(halfYear)
	truth := s.Truth()
	kinds := make([]int, numKinds)
	known, ready := map[int]bool{}, 0
	raised := map[int]bool{}
	for i := range all {
		m := &all[i]
		if m.Type == lead.Identify {
			known[m.Person] = true
		}
		if m.Name == "Demo Requested" || m.Name == "Form Submitted" && truth[m.Person].SeriousAt != 0 {
			raised[m.Person] = true
			if m.At < truth[m.Person].RaisedAt {
				t.Errorf("%d raised a hand at %s, before %s", m.Person, m.At, truth[m.Person].RaisedAt)
			}
		}
	}
	for i := range truth {
		x := &truth[i]
		kinds[x.Kind]++
		if known[x.Person] && x.Ready() {
			ready++
		}
		if x.Ready() && (x.SeriousAt < x.Arrived || x.Kind != Buyer && x.Kind != Colleague) {
			t.Errorf("%+v turns serious", x)
		}
		if x.WouldBuy && (!x.Ready() || x.Amount <= 0) {
			t.Errorf("%+v would buy", x)
		}
		if x.RaisedAt != 0 && x.RaisedAt < x.SeriousAt {
			t.Errorf("%+v raises a hand before being serious", x)
		}
		if x.Kind == Colleague && (x.Group < 0 || truth[x.Group].Domain != x.Domain) {
			t.Errorf("%+v is nobody's colleague", x)
		}
	}
	for k, n := range kinds {
		if n == 0 {
			t.Errorf("no %s", Kind(k))
		}
	}
	if share := float64(ready) / float64(len(known)); share < 0.05 || share > 0.15 {
		t.Errorf("%.3f of the leads are ready, want 5 to 15 %%", share)
	} else {
		t.Logf("%d messages, %d people, %d leads, %.3f ready, %d raised a hand", len(all), len(truth), len(known), share, len(raised))
	}
}

// What machines did is marked, and the marks are right often enough to measure with.
func TestRobots(t *testing.T) {
	t.Parallel()
	_, all := run(halfYear)
	robots := 0
	for i := range all {
		m := &all[i]
		if m.Robot {
			robots++
		}
		if signal.UserAgentBot(m.Context.UserAgent) && !m.Robot {
			t.Errorf("%q is nobody's agent", m.Context.UserAgent)
		}
	}
	if share := float64(robots) / float64(len(all)); share < 0.02 || share > 0.4 {
		t.Errorf("machines did %.2f", share)
	}
}

func TestLabels_areWhatTheTextSays(t *testing.T) {
	t.Parallel()
	_, all := run(halfYear)
	checked := 0
	for i := range all {
		m := &all[i]
		for _, f := range m.Fields {
			if f.Key != "message" {
				continue
			}
			checked++
			var got []string
			for _, found := range signal.Read(f.Text) {
				got = append(got, found.Name())
			}
			want := slices.Sorted(slices.Values(m.Labels))
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("%q: read %v, meant %v", f.Text, got, want)
			}
		}
	}
	if checked < 100 {
		t.Errorf("only %d texts", checked)
	}
}

// Somebody is anonymous first and known later, on several devices; accounts come with their figures.
func TestIdentities(t *testing.T) {
	t.Parallel()
	_, all := run(halfYear)
	anonymousFirst, devices, employees := 0, map[string]map[string]bool{}, 0
	seen := map[string]bool{}
	for i := range all {
		m := &all[i]
		if m.Type == lead.Identify && seen[m.AnonymousID] {
			anonymousFirst++
		}
		seen[m.AnonymousID] = true
		if m.UserID != "" && m.AnonymousID != "" {
			if devices[m.UserID] == nil {
				devices[m.UserID] = map[string]bool{}
			}
			devices[m.UserID][m.AnonymousID] = true
		}
		if m.Type == lead.Group && strings.Contains(string(m.AppendJSON(nil)), `"employees":`) {
			employees++
		}
	}
	several := 0
	for _, d := range devices {
		if len(d) > 1 {
			several++
		}
	}
	if anonymousFirst < 100 || several < 50 || employees < 100 {
		t.Errorf("%d were anonymous first, %d use several devices, %d accounts have figures", anonymousFirst, several, employees)
	}
}

func TestQuicken(t *testing.T) {
	t.Parallel()
	count := func(factor float64) int {
		s := New(Config{Seed: 3, PeoplePerMonth: 500})
		s.Quicken(factor)
		end := s.cfg.Start.Add(month)
		for {
			if m, ok := s.Next(); !ok || m.Arrival > end {
				return len(s.Truth())
			}
		}
	}
	slow, fast := count(1), count(5)
	if slow < 350 || slow > 700 || fast < 4*slow || fast > 6*slow {
		t.Errorf("%d and, five times as fast, %d people in a month of 500", slow, fast)
	}
}

func TestWait(t *testing.T) {
	t.Parallel()
	s := New(Config{Seed: 3})
	m, _ := s.Next()
	if got := m.Wait(m.Arrival - 2e6); got.Seconds() != 2 {
		t.Errorf("waits %s, want 2s", got)
	}
	if got := m.Wait(m.Arrival + 1); got != 0 {
		t.Errorf("waits %s for what is past", got)
	}
}

func BenchmarkNext(b *testing.B) {
	s := New(Config{Seed: 1, PeoplePerMonth: 20000})
	var buf []byte
	for b.Loop() {
		m, _ := s.Next()
		buf = m.AppendJSON(buf[:0])
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
