package identity_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cusp/internal/db"
	"cusp/internal/db/dbtest"
	"cusp/internal/db/migrate"
	"cusp/internal/lead"
)

// statements is a log handler that keeps the names of the statements that ran.
type statements struct {
	mu    sync.Mutex
	names []string
}

func (*statements) Enabled(context.Context, slog.Level) bool { return true }
func (s *statements) WithAttrs([]slog.Attr) slog.Handler     { return s }
func (s *statements) WithGroup(string) slog.Handler          { return s }
func (s *statements) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if name := a.Value.String(); a.Key == "statement" && strings.HasPrefix(name, "identity.") {
			s.mu.Lock()
			s.names = append(s.names, name)
			s.mu.Unlock()
		}
		return true
	})
	return nil
}

func (s *statements) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	names := s.names
	s.names = nil
	return names
}

// What is known costs one query and no write, whatever the events carry; on a device that a second
// person uses too, the claim that it is not theirs costs another query.
func TestCostOfWhatIsKnown(t *testing.T) {
	t.Parallel()
	for _, dialect := range dbtest.Dialects() {
		t.Run(dialect.String(), func(t *testing.T) {
			t.Parallel()
			log := &statements{}
			d, err := db.Open(t.Context(), dbtest.DSN(t, dialect), db.Options{Logger: slog.New(log)})
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			if _, err := migrate.Run(t.Context(), d); err != nil {
				t.Fatal(err)
			}
			batch := func(at int) []lead.Event {
				var events []lead.Event
				for i := range 50 {
					events = append(events,
						event(lead.Identify, at, fmt.Sprint("user=u", i), fmt.Sprint("anonymous=a", i), fmt.Sprintf("email=e%d@acme.com", i), "group=g"),
						event(lead.Page, at+1, fmt.Sprint("user=u", i), fmt.Sprint("anonymous=a", i)),
						event(lead.Page, at+1, fmt.Sprint("anonymous=b", i)))
				}
				return events
			}
			resolve(t, d, batch(10)...)
			resolve(t, d, event(lead.Track, 20, "user=u1", "anonymous=a0"))
			for name, tc := range map[string]struct {
				events []lead.Event
				want   []string
			}{
				"known":         {batch(30), []string{"identity.profilesByValue"}},
				"shared device": {[]lead.Event{event(lead.Track, 50, "user=u1", "anonymous=a0")}, []string{"identity.profilesByValue", "identity.claimsByB"}},
			} {
				log.take()
				resolve(t, d, tc.events...)
				got := slices.Compact(log.take()) // long lists are asked in several queries
				if diff := cmp.Diff(got, tc.want); diff != "" {
					t.Errorf("%s (-got +want):\n%s", name, diff)
				}
			}
		})
	}
}

func BenchmarkResolve(b *testing.B) {
	for _, dialect := range dbtest.Dialects() {
		d := dbtest.Open(b, dialect)
		batch := func(from, at int) []lead.Event {
			events := make([]lead.Event, 100)
			for i := range events {
				events[i] = event(lead.Page, at, fmt.Sprint("user=u", from+i/2), fmt.Sprint("anonymous=a", from+i/2), "url=https://x.example/pricing")
			}
			return events
		}
		known := batch(0, 1)
		resolve(b, d, known...)
		later := batch(0, 2)
		b.Run(dialect.String()+"/known", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				resolve(b, d, later...)
			}
			b.ReportMetric(float64(b.N)*100/b.Elapsed().Seconds(), "events/s")
		})
		n := 1000
		b.Run(dialect.String()+"/new", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				n += 100
				resolve(b, d, batch(n, 1)...)
			}
			b.ReportMetric(float64(b.N)*100/b.Elapsed().Seconds(), "events/s")
		})
	}
}
