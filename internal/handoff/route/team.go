package route

import (
	"maps"
	"slices"
	"strconv"

	"cusp/internal/condition"
	"cusp/internal/lead"
)

// roll is who of a team can take a lead: at once, at an opening, or not at all.
type roll struct {
	open   []Rep
	closed []Rep        // outside hours or absent, with room and a known opening
	full   int          // would take it if they had room
	next   lead.Instant // earliest opening of the closed
}

// ask looks for a rep in a team.
func (w *walk) ask(id TeamID) Assignment {
	t := w.team(id)
	if t == nil {
		w.say(hop(NobodyFits, string(id), "Team %s does not exist.", id))
		return w.fallback("")
	}
	w.asked = append(w.asked, id)
	w.say(hop(TeamAsked, string(id), "Team %s is asked: %s.", t.title(), people(len(t.Members))))
	r := w.call(t)
	policy := w.policy(t)
	switch {
	case len(r.open) > 0:
		return w.turnOf(t, r.open)
	case len(r.closed) > 0 && policy.Wait && w.soon(policy, r.next):
		if waiting := w.opening(policy, &r); len(waiting) > 0 {
			return w.turnOf(t, waiting)
		}
	}
	return w.resort(t, policy, &r)
}

func people(n int) string {
	switch n {
	case 0:
		return "nobody is on it"
	case 1:
		return "one rep"
	}
	return strconv.Itoa(n) + " reps"
}

// call goes through the members and says of each who cannot take the lead why not.
func (w *walk) call(t *Team) roll {
	r := roll{next: lead.Never}
	seen := make(map[RepID]bool, len(t.Members))
	for _, id := range t.Members {
		if seen[id] {
			continue
		}
		seen[id] = true
		rep, ok := w.reps[id]
		if !ok {
			w.say(hop(RepInactive, string(id), "%s is not known here.", id))
			continue
		}
		if h, ok := w.fits(rep); !ok {
			w.say(h)
			continue
		}
		h, ok := presence(rep)
		if ok {
			r.open = append(r.open, rep)
			continue
		}
		w.say(h)
		switch {
		case h.Code == RepFull && rep.Capacity > 0:
			r.full++
		case h.Code != RepFull && known(rep.NextOpen):
			r.closed = append(r.closed, rep)
			r.next = min(r.next, max(rep.NextOpen, w.now))
		}
	}
	return r
}

// opening is who of the closed have a turn: those who open with the first, or within the grace, and are
// not on leave.
func (w *walk) opening(p Policy, r *roll) []Rep {
	var waiting []Rep
	first := lead.Never
	for _, rep := range r.closed {
		if !rep.Absent {
			first = min(first, max(rep.NextOpen, w.now))
		}
	}
	if first == lead.Never || !w.soon(p, first) {
		return nil
	}
	for _, rep := range r.closed {
		switch {
		case rep.Absent:
		case rep.NextOpen > first.Add(p.Grace):
			w.say(hop(RepLater, string(rep.ID), "%s opens later than the first who does, %s.", rep.title(), clock(first)))
		default:
			waiting = append(waiting, rep)
		}
	}
	return waiting
}

// soon reports whether an opening is near enough to wait for.
func (w *walk) soon(p Policy, at lead.Instant) bool {
	return at != lead.Never && (p.MaxWait <= 0 || at <= w.now.Add(p.MaxWait))
}

// turnOf gives the lead to whose turn it is.
func (w *walk) turnOf(t *Team, reps []Rep) Assignment {
	all := make([]candidate, len(reps))
	for i, r := range reps {
		all[i] = candidate{r.ID, min(r.Weight, MaxWeight)}
	}
	pool, order, moved := w.pools[t.ID].assign(w.lead.Handoff, t.Members, all)
	w.keep(t.ID, pool)
	for _, m := range moved {
		w.sayLevelled(m)
	}
	winner := w.reps[order[0].Rep]
	if pool.MadeGood {
		w.say(hop(RepOwed, string(winner.ID), "The pool owes %s %s that came to nothing; this one makes good for it.", winner.title(), leads(order[0].Owed)))
	} else {
		w.say(hop(RepTurn, string(winner.ID), "%s", w.turnText(order)))
	}
	a := w.give(winner, t.ID)
	a.Turn, a.Order = true, order
	return a
}

// leastTold is the smallest levelling that is told, in leads.
const leastTold = 0.01

func (w *walk) sayLevelled(m levelled) {
	switch {
	case m.leads >= leastTold:
		w.say(hop(Levelled, string(m.rep), "%s was %.2f leads too far behind the others; that is not made up.", w.name(m.rep), m.leads))
	case m.leads <= -leastTold:
		w.say(hop(Levelled, string(m.rep), "%s was %.2f leads too far ahead of the others; that is not held against anybody.", w.name(m.rep), -m.leads))
	}
}

// keep replaces one pool in a copy of the pools.
func (w *walk) keep(id TeamID, p Pool) {
	all := maps.Clone(w.pools)
	if all == nil {
		all = Pools{}
	}
	all[id] = p
	w.pools = all
}

// resort is what a team does with a lead that nobody can take now.
func (w *walk) resort(t *Team, p Policy, r *roll) Assignment {
	id := string(t.ID)
	what := p.WhenFull
	switch {
	case len(r.closed) > 0:
		what = p.WhenOff
		w.say(hop(TeamOff, id, "Nobody on %s who could take it is at work; the next opening is %s.", t.title(), clock(r.next)))
		if what == Queue && !w.soon(p, r.next) {
			w.say(hop(TooLate, id, "That is longer than a lead may wait there (%s).", condition.FormatDuration(p.MaxWait.Seconds())))
			what = Overflow
		}
	case r.full > 0:
		w.say(hop(TeamFull, id, "Everybody on %s who could take it is full.", t.title()))
	default:
		w.say(hop(NobodyFits, id, "Nobody on %s takes such a lead.", t.title()))
		return w.fallback(t.ID)
	}
	switch what {
	case Overflow:
		return w.overflow(t)
	case Manager:
		return w.manager(t)
	case Queue:
	}
	return w.queue(t, r)
}

func (w *walk) overflow(t *Team) Assignment {
	to := w.team(t.Overflow)
	if to == nil || slices.Contains(w.asked, to.ID) {
		return w.fallback(t.ID)
	}
	w.say(hop(ToOverflow, string(to.ID), "The overflow team %s is asked.", to.title()))
	return w.ask(to.ID)
}

func (w *walk) queue(t *Team, r *roll) Assignment {
	a := Assignment{Outcome: ToQueue, Team: t.ID, Rule: w.rule, From: r.next}
	if len(r.closed) > 0 {
		w.say(hop(QueueOpening, string(t.ID), "Team %s owns it until %s, when somebody opens.", t.title(), clock(r.next)))
	} else {
		w.say(hop(QueueRoom, string(t.ID), "Team %s owns it until one of them has room.", t.title()))
	}
	return a
}
