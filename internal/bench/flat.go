package bench

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	eventsPerLead = 10 // in the histories of different size
	heavyLeads    = 20 // leads whose own history is measured
	heavyEvents   = 10_000
	heavyRun      = 400 // events of one measured run on them
	heavyTurns    = 5   // measured runs of each round
)

// flat measures whether an event costs more when more is stored, in all or of its lead.
func (r *rig) flat(ctx context.Context) error {
	if err := r.flatStored(ctx); err != nil {
		return err
	}
	return r.flatLead(ctx)
}

// flatStored fills one database for each size, then sends the same load to each in turn.
func (r *rig) flatStored(ctx context.Context) (err error) {
	sites := make([]*site, 0, len(r.Stored))
	defer func() {
		for _, s := range sites {
			err = errors.Join(err, s.server.Stop())
		}
	}()
	for _, size := range r.Stored {
		r.Say(fmt.Sprintf("flat cost: storing %d events", size))
		s, err := r.site(ctx, false, max(size/eventsPerLead, 1))
		if err != nil {
			return err
		}
		sites = append(sites, s)
		if err := s.fill(ctx, size); err != nil {
			return err
		}
	}
	all := make([]series, len(sites))
	run := max(r.Events/4, 1000)
	for round := range r.Rounds {
		r.Say(fmt.Sprintf("flat cost, round %d of %d", round+1, r.Rounds))
		for i, s := range sites {
			if err := s.send(ctx, run, r.Batch, r.Connections, &all[i]); err != nil {
				return err
			}
		}
	}
	for i, size := range r.Stored {
		note := fmt.Sprintf("the same with %d stored", r.Stored[0])
		r.report.Results = append(r.report.Results,
			all[i].result(fmt.Sprintf("sqlite-stored-%d", size), all[0].rates, note))
	}
	return nil
}

// fill stores n events, in pieces whose bodies fit in memory, and lets every lead identify itself first.
func (s *site) fill(ctx context.Context, n int) error {
	const piece, batch, connections = 50_000, 500, 4
	first := s.load.introductions(min(n, s.load.leads), batch, time.Now())
	n -= min(n, s.load.leads)
	if _, _, err := drive(ctx, s.server.Addr, connections, requests(first, s.server.Addr, s.server.Key, time.Now())); err != nil {
		return err
	}
	for ; n > 0; n -= piece {
		if err := s.send(ctx, min(n, piece), batch, connections, &series{}); err != nil {
			return err
		}
	}
	return nil
}

// flatLead compares leads with about ten events with leads that have ten thousand.
func (r *rig) flatLead(ctx context.Context) (err error) {
	s, err := r.site(ctx, false, heavyLeads)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.server.Stop()) }()
	r.Say(fmt.Sprintf("flat cost: storing %d events of each of %d leads", heavyEvents, heavyLeads))
	if err := s.fill(ctx, heavyEvents*heavyLeads); err != nil {
		return err
	}
	var few, many series
	for range r.Rounds * heavyTurns {
		light := &site{s.server, newLoad(r.Seed, r.next("m")+"-", heavyLeads)}
		light.load.first = heavyLeads * r.serial // nobody's number twice
		if err := light.fill(ctx, eventsPerLead*heavyLeads); err != nil {
			return err
		}
		for x, into := range map[*site]*series{light: &few, s: &many} {
			if err := x.send(ctx, heavyRun, heavyLeads, 1, into); err != nil {
				return err
			}
		}
	}
	note := "leads with 10 events"
	r.report.Results = append(r.report.Results,
		few.result("sqlite-lead-10", few.rates, note),
		many.result(fmt.Sprintf("sqlite-lead-%d", heavyEvents), few.rates, note))
	return nil
}
