package route

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"cusp/internal/condition"
)

// Finding is a weakness of a book of rules and teams.
type Finding struct {
	Code    string // stable; docs/reference/routing.md lists them
	Subject string // id of the rule, team or rep; empty for the book
	Error   bool   // a book with it must not be published; otherwise it is a warning
	Text    string // one sentence
	Hint    string // what to do; may be empty
}

// linter gathers findings.
type linter struct {
	book  *Book
	reps  Reps
	found []Finding
	told  map[RepID]bool // reps whose own findings are listed

	shape  []shape // of each rule, made when the first is looked at
	prover condition.Prover
}

// Lint looks for rules that can never match, owners who cannot own, teams that cannot take, and leads
// that nobody would get. The findings are in the order of the book: rules, teams with their members, the
// book itself. That a rule is reported as unreachable is proven; that none is reported proves nothing.
func Lint(b *Book, reps Reps) []Finding {
	l := &linter{book: b, reps: reps, told: map[RepID]bool{}}
	for i := range b.Rules {
		l.rule(i)
	}
	for i := range b.Teams {
		l.team(i)
	}
	l.whole()
	return l.found
}

func (l *linter) refuse(code, subject, hint, format string, args ...any) {
	l.found = append(l.found, Finding{code, subject, true, fmt.Sprintf(format, args...), hint})
}

func (l *linter) warn(code, subject, hint, format string, args ...any) {
	l.found = append(l.found, Finding{code, subject, false, fmt.Sprintf(format, args...), hint})
}

func (l *linter) find(id TeamID) bool {
	return slices.ContainsFunc(l.book.Teams, func(t Team) bool { return t.ID == id })
}

// duty checks a rep whom the book names for more than a turn: as a rule's target or as a manager.
func (l *linter) duty(id RepID, subject, what string) {
	r, ok := l.reps[id]
	switch {
	case !ok:
		l.refuse("unknown_rep", subject, "correct the name, or add the rep", "%s is %q, who is not known", what, id)
	case !r.Active:
		l.refuse("inactive_owner", subject, "name somebody who works here", "%s is %s, who is no longer active", what, r.title())
	case r.Absent && !known(r.NextOpen):
		l.refuse("absent_owner", subject, "end the absence, or name somebody else", "%s is %s, who is absent without a date of return", what, r.title())
	}
}

func (l *linter) rule(i int) {
	r := &l.book.Rules[i]
	if j := slices.IndexFunc(l.book.Rules, func(o Rule) bool { return o.ID == r.ID }); j < i {
		l.refuse("duplicate_rule", r.ID, "give each rule an id of its own", "two rules are called %q", r.ID)
	}
	switch {
	case r.Rep == "" && r.Team == "":
		l.refuse("no_target", r.ID, "add a team or a rep", "rule %q says nobody; its leads go to the fallback team", r.ID)
	case r.Team != "" && !l.find(r.Team):
		l.refuse("unknown_team", r.ID, "correct the name, or add the team", "rule %q names the team %q, which does not exist", r.ID, r.Team)
	}
	if r.Rep != "" {
		l.duty(r.Rep, r.ID, fmt.Sprintf("the rep of rule %q", r.ID))
	}
	l.territories(r.Territories, r.ID, fmt.Sprintf("rule %q", r.ID))
	if r.When != nil {
		if all, ok := r.When.Cases(); ok && !all.Possible() {
			l.refuse("never", r.ID, "", "rule %q can never match: its condition contradicts itself", r.ID)
			return
		}
	}
	l.shadows(i)
}

// territories checks that each is a country code or a region of the book.
func (l *linter) territories(list []string, subject, what string) {
	for _, s := range list {
		if _, ok := l.book.Regions[s]; !ok && len(s) != 2 {
			l.warn("unknown_territory", subject, "use a two-letter country code, or define the region", "%s names %q, which is neither a country code nor a region", what, s)
		}
	}
}

func (l *linter) team(i int) {
	t := &l.book.Teams[i]
	id := string(t.ID)
	if j := slices.IndexFunc(l.book.Teams, func(o Team) bool { return o.ID == t.ID }); j < i {
		l.refuse("duplicate_team", id, "give each team an id of its own", "two teams are called %q", id)
	}
	able := 0
	for _, m := range t.Members {
		if l.member(m, t) {
			able++
		}
	}
	switch {
	case len(t.Members) == 0:
		l.refuse("empty_team", id, "add members, or remove the team", "team %s has no members", t.title())
	case able == 0:
		l.refuse("empty_team", id, "add somebody who is active and has weight and capacity", "nobody of team %s can take a lead", t.title())
	}
	if t.Manager != "" {
		l.duty(t.Manager, id, "the manager of team "+t.title())
	}
	l.resorts(t)
	if !t.Fallback && !l.reached(t.ID) {
		l.warn("unused_team", id, "add a rule for it, or remove it", "no rule and no team sends leads to %s", t.title())
	}
}

// member checks one rep of a team; ok says that turns can come to this rep.
func (l *linter) member(id RepID, t *Team) (ok bool) {
	r, known := l.reps[id]
	if !known {
		l.refuse("unknown_rep", string(t.ID), "correct the name, or add the rep", "team %s has the member %q, who is not known", t.title(), id)
		return false
	}
	ok = r.Active && r.Weight > 0 && r.Capacity > 0 && !l.gone(r)
	if l.told[id] {
		return ok
	}
	l.told[id] = true
	switch {
	case !r.Active:
		l.warn("inactive_member", string(id), "take the rep off the team", "%s is on team %s but no longer active", r.title(), t.title())
		return ok
	case l.gone(r):
		l.warn("absent_member", string(id), "set a date of return, or take the rep off the team", "%s is absent without a date of return", r.title())
	}
	if r.Weight < 1 || r.Weight > MaxWeight {
		l.warn("weight", string(id), fmt.Sprintf("use 1 to %d; 0 takes no leads", MaxWeight), "%s has weight %d", r.title(), r.Weight)
	}
	if r.Capacity < 1 {
		l.warn("no_capacity", string(id), "raise the capacity, or take the rep off the team", "%s has a capacity of %d and gets no leads", r.title(), r.Capacity)
	}
	l.territories(r.Territories, string(id), r.title())
	return ok
}

func (l *linter) gone(r Rep) bool { return r.Absent && !known(r.NextOpen) }

// resorts checks that what the policies name exists.
func (l *linter) resorts(t *Team) {
	id := string(t.ID)
	uses := func(r Resort) bool {
		return slices.Contains([]Resort{t.Inbound.WhenOff, t.Inbound.WhenFull, t.Nurture.WhenOff, t.Nurture.WhenFull}, r)
	}
	switch {
	case t.Overflow == t.ID && t.ID != "":
		l.refuse("overflow_to_itself", id, "name another team", "team %s overflows to itself", t.title())
	case t.Overflow != "" && !l.find(t.Overflow):
		l.refuse("unknown_team", id, "correct the name, or add the team", "team %s overflows to %q, which does not exist", t.title(), t.Overflow)
	case t.Overflow == "" && uses(Overflow):
		l.warn("no_overflow", id, "name an overflow team", "a policy of team %s says overflow, but there is no overflow team; the fallback team is asked", t.title())
	}
	if uses(Manager) && t.Manager == "" && l.book.Manager == "" {
		l.refuse("no_manager", id, "name a manager of the team", "a policy of team %s says manager, but there is none", t.title())
	}
}

// reached reports whether a rule or another team's overflow leads to a team.
func (l *linter) reached(id TeamID) bool {
	return slices.ContainsFunc(l.book.Rules, func(r Rule) bool { return r.Team == id }) ||
		slices.ContainsFunc(l.book.Teams, func(t Team) bool { return t.Overflow == id && t.ID != id })
}

func (l *linter) whole() {
	var fallback []string
	for _, t := range l.book.Teams {
		if t.Fallback {
			fallback = append(fallback, string(t.ID))
		}
	}
	switch {
	case len(fallback) == 0:
		l.refuse("no_fallback", "", "mark one team as the fallback", "no team is the fallback: leads that no rule matches have no team")
	case len(fallback) > 1:
		l.warn("fallbacks", "", "mark one team only", "%s are all marked as the fallback; only %s is asked", strings.Join(fallback, ", "), fallback[0])
	}
	if l.book.Manager == "" {
		l.warn("no_last_resort", "", "name a manager", "there is no manager for leads that no team can take; they stay with marketing")
		return
	}
	l.duty(l.book.Manager, "", "the manager")
}

// countries are what a list of countries and regions covers, in capitals, sorted; nil for everywhere.
func (l *linter) countries(list []string) []string {
	var all []string
	for _, s := range list {
		region, ok := l.book.Regions[s]
		if !ok {
			region = []string{s}
		}
		for _, c := range region {
			all = append(all, strings.ToUpper(c))
		}
	}
	slices.SortFunc(all, cmp.Compare[string])
	return slices.Compact(all)
}
