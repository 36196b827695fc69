package quality

import (
	"cmp"
	"slices"
	"time"

	"cusp/internal/lead"
)

// The rules of the game are the same for every way to choose whom sales calls.
const (
	answerAfter = 24 * time.Hour      // how long sales takes to call and to answer
	restFor     = 30 * 24 * time.Hour // how long a lead that sales gave back is left alone
)

// handover is a lead that was given to sales.
type handover struct {
	*life
	at lead.Instant
}

// result is what came of it.
type result struct {
	handed int // leads given to sales
	calls  int // of them, those who are called: whoever comes from a company with which sales talks already joins the talks
	wins   int // deals: a buying group buys once
	wasted int // calls to somebody who is not serious, or not yet
	delays []time.Duration
}

func (r *result) add(o result) {
	r.handed, r.calls, r.wins, r.wasted = r.handed+o.handed, r.calls+o.calls, r.wins+o.wins, r.wasted+o.wasted
	r.delays = append(r.delays, o.delays...)
}

// perWin is how many calls a won deal takes.
func (r *result) perWin() float64 { return float64(r.calls) / float64(max(r.wins, 1)) }

// delay is how long it took from the turn to the handoff for a share of those who turned.
func (r *result) delay(share float64) time.Duration {
	if len(r.delays) == 0 {
		return 0
	}
	slices.Sort(r.delays)
	return r.delays[int(share*float64(len(r.delays)-1))]
}

// play lets sales call: a group buys when somebody of it is called who is serious by then, and it would buy.
func (c *company) play(given []handover) result {
	slices.SortFunc(given, func(a, b handover) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.truth.Person, b.truth.Person))
	})
	r := result{handed: len(given)}
	talks, won := map[string]bool{}, map[int]bool{}
	for _, x := range given {
		serious := x.serious(x.at)
		if serious {
			r.delays = append(r.delays, x.at.Sub(x.truth.SeriousAt))
		}
		if talks[x.truth.Domain] {
			continue
		}
		r.calls++
		if !serious {
			r.wasted++
			continue
		}
		talks[x.truth.Domain] = x.truth.Domain != ""
		if g := x.truth.Group; c.deals[g] && !won[g] {
			won[g] = true
			r.wins++
		}
	}
	return r
}
