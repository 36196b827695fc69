package api_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"cusp/internal/db"
	"cusp/internal/db/dbtest"
	"cusp/internal/playbook"
)

// BenchmarkQualify sends forms of new leads one after the other, each of which opens a handoff.
func BenchmarkQualify(b *testing.B) {
	for name, dialect := range map[string]db.Dialect{"sqlite": db.SQLite, "postgres": db.Postgres} {
		b.Run(name, func(b *testing.B) {
			s := startFormSite(b, dbtest.Open(b, dialect))
			text, err := os.ReadFile("testdata/playbook.yaml")
			if err != nil {
				b.Fatal(err)
			}
			p, _ := playbook.Parse("playbook.yaml", text)
			if _, err := s.engine.Publish(b.Context(), p, "test", ""); err != nil {
				b.Fatal(err)
			}
			took := make([]time.Duration, 0, b.N)
			for i := 0; b.Loop(); i++ {
				began := time.Now()
				s.form(b, i)
				took = append(took, time.Since(began))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
		})
	}
}

// form qualifies the demo request of one more lead.
func (s *site) form(b *testing.B, i int) {
	b.Helper()
	r := httptest.NewRequestWithContext(b.Context(), "POST", "/api/v1/qualify", strings.NewReader(fmt.Sprintf(
		`{"anonymous_id":"v%d","email":"p%d@c%d.example","event":"Demo Requested","traits":{"title":"Head of Sales"},
		"properties":{"message":"We have a budget of 40k and must be live by 1 September."}}`, i, i, i/3)))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+s.keys["write"])
	w := httptest.NewRecorder()
	s.http.ServeHTTP(w, r)
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"show":`) {
		b.Fatalf("%d %s", w.Code, w.Body)
	}
}
