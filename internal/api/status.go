package api

import (
	"context"
	"net/http"
	"time"

	"cusp/internal/access"
	"cusp/internal/db"
	"cusp/internal/flow"
	"cusp/internal/lead"
)

// StatusItem is the state of the installation.
type StatusItem struct {
	Version    string            `json:"version"`
	Now        string            `json:"now" format:"date-time"`
	StartedAt  string            `json:"started_at" format:"date-time"`
	Database   string            `json:"database" enum:"sqlite,postgres"`
	DatabaseMS float64           `json:"database_ms" doc:"How long it took to answer."`
	Playbook   *flow.PlaybookRef `json:"playbook" doc:"The one in force; null before the first is published."`
	ReviewDue  string            `json:"review_due,omitempty" format:"date-time" doc:"When the playbook is to be reviewed."`
	WriteKeys  int               `json:"write_keys" doc:"Write keys in use."`
	APIKeys    int               `json:"api_keys" doc:"API keys in use."`
}

type statusOut struct{ Body StatusItem }

func (a *API) routeStatus() {
	register(a, operation{
		id: "getStatus", method: http.MethodGet, path: "/status", action: access.ReadStatus, tag: "operation",
		summary: "How the installation is doing",
	}, a.status)
}

func (a *API) status(ctx context.Context, _ *nothing) (*statusOut, error) {
	now := a.o.Now()
	s := StatusItem{
		Version: a.o.Version, Now: lead.At(now).String(), StartedAt: lead.At(a.began).String(), Database: "sqlite",
	}
	if a.o.DB.Dialect() == db.Postgres {
		s.Database = "postgres"
	}
	if err := a.o.Ready(ctx); err != nil {
		return nil, err
	}
	s.DatabaseMS = float64(a.o.Now().Sub(now).Microseconds()) / float64(time.Millisecond/time.Microsecond)
	if pub := a.o.Engine.Current(); pub != nil {
		s.Playbook = &flow.PlaybookRef{Name: pub.Playbook.Name, Version: pub.Version, Hash: pub.Playbook.Hash}
		s.ReviewDue = pub.At.Add(pub.Playbook.ReviewEvery).String()
	}
	keys, err := a.o.Keys.List(ctx)
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		switch {
		case k.RevokedAt != 0 || k.DisabledAt != 0:
		case k.Kind == access.Write:
			s.WriteKeys++
		case k.Kind == access.API:
			s.APIKeys++
		}
	}
	return &statusOut{s}, nil
}
