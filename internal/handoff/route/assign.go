package route

import (
	"slices"

	"cusp/internal/decide"
	"cusp/internal/lead"
)

// walk is one search for an owner.
type walk struct {
	book  *Book
	reps  Reps
	pools Pools
	lead  *Lead
	now   lead.Instant
	hops  []Hop
	asked []TeamID
	rule  string
}

// Assign finds the owner of a lead: the lead's owner, the company's owner, the first matching rule's rep
// or team, the teams behind it, a manager; marketing keeps it when the book names nobody. It returns the
// pools with the one that changed replaced (none, unless Assignment.Turn), the answer, and each step in
// order, of which exactly the last but for [Opens] is decisive. Nothing passed in is changed; the same
// arguments give the same answer.
func Assign(b *Book, reps Reps, pools Pools, l *Lead, now lead.Instant) (Pools, Assignment, []Hop) {
	w := &walk{book: b, reps: reps, pools: pools, lead: l, now: now}
	a, ok := w.before()
	if !ok {
		a = w.find()
	}
	return w.pools, a, w.hops
}

// DryRun is what [Assign] would answer, without a trace.
func DryRun(b *Book, reps Reps, pools Pools, l *Lead, now lead.Instant) (Assignment, []Hop) {
	_, a, hops := Assign(b, reps, pools, l, now)
	return a, hops
}

func (w *walk) say(h Hop) { w.hops = append(w.hops, h) }

// before repeats the answer that a handoff has.
func (w *walk) before() (Assignment, bool) {
	if a := w.lead.Before; a != nil {
		again := *a
		again.Repeated, again.Turn, again.Order = true, false, nil
		w.say(hop(AnsweredBefore, string(a.Rep), "This handoff has its owner already (%s); the answer stays.", w.owner(a)))
		return again, true
	}
	for i := range w.book.Teams {
		t := &w.book.Teams[i]
		given, ok := w.pools[t.ID].Find(w.lead.Handoff)
		if !ok {
			continue
		}
		w.say(hop(AnsweredBefore, string(given.Rep), "This handoff was given to %s of %s already; the answer stays.", w.name(given.Rep), t.title()))
		return Assignment{Outcome: ToRep, Rep: given.Rep, Team: t.ID, From: begins(w.reps[given.Rep], w.now), Repeated: true}, true
	}
	return Assignment{}, false
}

func (w *walk) owner(a *Assignment) string {
	switch {
	case a.Rep != "":
		return w.name(a.Rep)
	case a.Team != "":
		if t := w.team(a.Team); t != nil {
			return "team " + t.title()
		}
		return "team " + string(a.Team)
	}
	return "marketing"
}

func (w *walk) find() Assignment {
	if a, ok := w.keeps(w.lead.Owner, "the lead", NoOwner, OwnerPassed, OwnerKeeps); ok {
		return a
	}
	if a, ok := w.keeps(w.lead.AccountOwner, "the company", NoAccountOwner, AccountOwnerPassed, AccountOwnerKeeps); ok {
		return a
	}
	for i := range w.book.Rules {
		r := &w.book.Rules[i]
		h, ok := w.matches(r)
		w.say(h)
		if ok {
			return w.follow(r)
		}
	}
	w.say(hop(NoRule, "", "No rule matches."))
	return w.fallback("")
}

// keeps gives a lead to whoever owns it or its company, unless that person has left, is away, or had it
// before. Load does not count: the lead is not new to an owner. Hours do not either; the owner begins at
// the next opening.
func (w *walk) keeps(id RepID, what string, none, passed, keeps Code) (Assignment, bool) {
	if id == "" {
		w.say(hop(none, "", "Nobody owns %s yet.", what))
		return Assignment{}, false
	}
	r, ok := w.reps[id]
	reason := ""
	switch {
	case !ok:
		reason = "is not known here"
	case !r.Active:
		reason = "is no longer active"
	case slices.Contains(w.lead.Refused, id):
		reason = "had this lead before"
	case r.Absent:
		reason = "is absent"
	}
	if reason != "" {
		w.say(hop(passed, string(id), "%s owns %s but %s.", w.name(id), what, reason))
		return Assignment{}, false
	}
	w.say(hop(keeps, string(id), "%s owns %s and gets it.", r.title(), what))
	return w.give(r, ""), true
}

// give hands the lead to a rep and says when the rep begins, if that is later.
func (w *walk) give(r Rep, team TeamID) Assignment {
	a := Assignment{Outcome: ToRep, Rep: r.ID, Team: team, Rule: w.rule, From: begins(r, w.now)}
	switch {
	case a.From == lead.Never:
		w.say(hop(Opens, string(r.ID), "%s is outside working hours and no opening is known.", r.title()))
	case a.From > w.now:
		w.say(hop(Opens, string(r.ID), "%s begins at the next opening, %s.", r.title(), clock(a.From)))
	}
	return a
}

// follow goes where a rule points. A rep whom a rule names gets the lead whatever the skills and weights
// say, but not when absent, full, or closed under a policy that does not wait.
func (w *walk) follow(r *Rule) Assignment {
	w.rule = r.ID
	if r.Rep != "" {
		rep, ok := w.reps[r.Rep]
		if reason := w.unable(rep, ok, w.team(r.Team)); reason != "" {
			w.say(hop(RuleRepUnable, string(r.Rep), "The rule names %s, who %s.", w.name(r.Rep), reason))
		} else {
			w.say(hop(RuleRep, string(r.Rep), "The rule names %s, who gets it.", rep.title()))
			return w.give(rep, "")
		}
	}
	if r.Team == "" {
		return w.fallback("")
	}
	return w.ask(r.Team)
}

// unable is why a rep whom a rule names cannot take the lead; empty when nothing stands against it.
// Without a team behind the rule a closed rep gets it and begins at the opening.
func (w *walk) unable(r Rep, known bool, behind *Team) string {
	switch {
	case !known:
		return "is not known here"
	case !r.Active:
		return "is no longer active"
	case slices.Contains(w.lead.Refused, r.ID):
		return "had this lead before"
	case r.Absent:
		return "is absent"
	case r.Open >= r.Capacity:
		return "has no room"
	case !r.OpenNow && behind != nil && !w.policy(behind).Wait:
		return "is outside working hours"
	}
	return ""
}

func (w *walk) team(id TeamID) *Team {
	if i := slices.IndexFunc(w.book.Teams, func(t Team) bool { return t.ID == id }); i >= 0 {
		return &w.book.Teams[i]
	}
	return nil
}

func (w *walk) policy(t *Team) Policy {
	if w.lead.Track == decide.TrackInbound {
		return t.Inbound
	}
	return t.Nurture
}

// fallback asks the fallback team, or a manager when it has been asked; of is the team that gives up.
func (w *walk) fallback(of TeamID) Assignment {
	i := slices.IndexFunc(w.book.Teams, func(t Team) bool { return t.Fallback })
	if i < 0 || slices.Contains(w.asked, w.book.Teams[i].ID) {
		return w.manager(w.team(of))
	}
	t := &w.book.Teams[i]
	w.say(hop(ToFallback, string(t.ID), "The fallback team %s is asked.", t.title()))
	return w.ask(t.ID)
}

// manager is the last resort: the team's manager, the book's, marketing.
func (w *walk) manager(t *Team) Assignment {
	ids := []RepID{w.book.Manager}
	team := TeamID("")
	if t != nil {
		ids, team = []RepID{t.Manager, w.book.Manager}, t.ID
	}
	for _, id := range ids {
		if id == "" {
			continue
		}
		r, ok := w.reps[id]
		if !ok || !r.Active {
			w.say(hop(ManagerPassed, string(id), "%s would get it as manager but is no longer here.", w.name(id)))
			continue
		}
		w.say(hop(ManagerGets, string(id), "%s gets it as manager.", r.title()))
		a := w.give(r, team)
		a.Outcome = ToManager
		return a
	}
	w.say(hop(MarketingKeeps, "", "Marketing keeps the lead: no team and no manager can take it."))
	return Assignment{Outcome: ToMarketing, Rule: w.rule, From: w.now}
}
