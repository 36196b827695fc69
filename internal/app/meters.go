package app

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"cusp/internal/db"
	"cusp/internal/ingest"
	"cusp/internal/lead"
	"cusp/internal/obs"
)

// meters are what the process measures of itself.
type meters struct {
	registry *prometheus.Registry
	answers  *prometheus.HistogramVec
}

func newMeters(d *db.DB, version, commit string) *meters {
	m := &meters{
		registry: obs.NewMetrics(version, commit),
		answers: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "cusp_http_request_seconds", Help: "How long requests took, by route and status.", Buckets: obs.Seconds(),
		}, []string{"route", "method", "status"}),
	}
	m.registry.MustRegister(m.answers, &accounts{db: d, events: prometheus.NewDesc(
		"cusp_ingest_events_total", "Events by source and what became of them.", []string{"source", "outcome"}, nil,
	)})
	return m
}

func (m *meters) handler() http.Handler { return obs.MetricsHandler(m.registry) }

// answered notes an answer. Routes are few; an address that is none counts as one.
func (m *meters) answered(route, method string, status int, took time.Duration) {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
	default:
		method = "other"
	}
	m.answers.WithLabelValues(route, method, strconv.Itoa(status)).Observe(took.Seconds())
}

// accounts reads the accounts of all sources when they are asked for, so that every replica tells the
// same.
type accounts struct {
	db     *db.DB
	events *prometheus.Desc
}

// scrapeFor is how long the database may take to answer a scrape.
const scrapeFor = 5 * time.Second

// Describe names what is collected.
func (a *accounts) Describe(to chan<- *prometheus.Desc) { to <- a.events }

// Collect reads the counts.
func (a *accounts) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeFor) // a collector is given none
	defer cancel()
	var counts map[lead.SourceID]ingest.Counts
	err := a.db.Read(ctx, func(tx *db.Tx) (err error) {
		counts, err = ingest.Accounts(tx)
		return err
	})
	if err != nil {
		to <- prometheus.NewInvalidMetric(a.events, err)
		return
	}
	for source, c := range counts {
		for outcome, n := range map[string]int64{"accepted": c.Accepted, "duplicate": c.Duplicate, "rejected": c.Rejected} {
			to <- prometheus.MustNewConstMetric(a.events, prometheus.CounterValue, float64(n), strconv.FormatInt(int64(source), 10), outcome)
		}
	}
}
