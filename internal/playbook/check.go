package playbook

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"cusp/internal/condition"
)

// check looks at the document as a whole. What builds on a section with errors stays unsaid, so that
// nobody chases consequences of a typing mistake.
func (r *reader) check() {
	if r.sound("signals") {
		r.checkSignals()
		r.checkCycles()
	}
	if r.sound("decide") {
		r.checkThresholds()
		r.checkLevels()
	}
	if r.sound("account") {
		r.checkAccount()
	}
	if r.sound("signals", "intent", "decide") {
		r.checkInterest()
		r.checkReach()
	}
	if r.sound("fit") {
		r.checkFit()
	}
	if r.sound("fit", "exclude") {
		r.checkExcludedRules()
	}
	if r.sound("exclude") {
		r.checkExcludes()
	}
}

// spotOf is where a part of a signal stands.
func (r *reader) spotOf(what string, i int) *yaml.Node { return r.where[spot{"signal " + what, i}] }

func (r *reader) checkSignals() {
	if len(r.p.Signals) == 0 {
		r.d.Refuse(r.where["signals"], "missing_key", "add what buyers do: on: {page: '/pricing*'}", "a playbook needs at least one signal")
	}
	inClass := [NumClasses][]int{}
	for i := range r.p.Signals {
		s := &r.p.Signals[i]
		if !s.ThirdParty {
			inClass[s.Class] = append(inClass[s.Class], i)
		}
		r.checkSignal(i, s)
		r.checkDemands(i, s)
	}
	for class := range Negative {
		if only := inClass[class]; len(only) == 1 {
			r.d.Warn(r.spotOf("id", only[0]), "lonely_class", "find a second behaviour that shows the same",
				"%s is the only first-party signal of class %s: when it fails, the class is blind", r.p.Signals[only[0]].ID, class)
		}
	}
}

func (r *reader) checkSignal(i int, s *Signal) {
	switch {
	case s.Class == Negative && s.Points > 0:
		r.d.Refuse(r.spotOf("points", i), "out_of_range", "write points: -"+condition.FormatNumber(s.Points),
			"the negative signal %s would add points, and nothing caps its class", s.ID)
	case s.Class != Negative && s.Points < 0:
		r.d.Warn(r.spotOf("points", i), "negative_points", "write class: negative",
			"the signal %s takes points away but is of class %s", s.ID, s.Class)
	}
	if s.HalfLife == 0 && s.Points != 0 {
		r.d.Warn(r.spotOf("id", i), "no_decay", "add a half_life, such as 30d", "the points of %s never decay: it counts as much in two years as today", s.ID)
	}
	if s.Inbound && (s.ThirdParty || s.Class == Negative) {
		r.d.Refuse(r.spotOf("track", i), "inbound", "remove `track: inbound`",
			"%s cannot be a raised hand: only what leads themselves ask for on our own channels is", s.ID)
	}
	r.checkOrigin(i, s)
}

// checkOrigin refuses signals that would turn third-party hearsay into first-party evidence.
func (r *reader) checkOrigin(i int, s *Signal) {
	if s.On.Kind != OnSignal {
		return
	}
	source := &r.p.Signals[s.On.Signal]
	switch {
	case source.ThirdParty && !s.ThirdParty:
		r.d.Refuse(r.spotOf("on", i), "origin", "add `origin: third_party`",
			"%s is made of the third-party signal %s, so it is third party too: only first party can trigger", s.ID, source.ID)
	case source.Class == Interest && s.Class != Interest && s.Class != Negative && s.Where == nil:
		r.d.Warn(r.spotOf("on", i), "laundered", "add a `where`, such as count(…) >= 3, that says when interest becomes more",
			"every %s counts as %s through %s", source.ID, s.Class, s.ID)
	}
}

// checkDemands warns of counts that once_per makes impossible: counted occurrences are at least
// once_per apart, and the window is open at its old end.
func (r *reader) checkDemands(i int, s *Signal) {
	if s.Where == nil {
		return
	}
	for _, d := range s.Where.Demands() {
		counted := &r.p.Signals[d.Signal]
		if counted.OncePer == 0 {
			continue
		}
		if most := math.Ceil(d.Window / counted.OncePer); d.Least > most {
			r.d.Warn(r.spotOf("id", i), "never", "widen the window or shorten once_per",
				"%s needs %s times %s within %s, but once_per %s lets it count at most %s times", s.ID, condition.FormatNumber(d.Least),
				counted.ID, condition.FormatDuration(d.Window), condition.FormatDuration(counted.OncePer), condition.FormatNumber(most))
		}
	}
}

func (r *reader) checkCycles() {
	done := make([]bool, len(r.p.Signals))
	for i := range r.p.Signals {
		var path []int
		at := i
		for at >= 0 && !done[at] && !slices.Contains(path, at) {
			path = append(path, at)
			at = r.p.Signals[at].On.Signal
		}
		if at >= 0 && !done[at] {
			loop := path[slices.Index(path, at):]
			names := make([]string, 0, len(loop)+1)
			for _, j := range append(loop, at) {
				names = append(names, r.p.Signals[j].ID)
			}
			r.d.Refuse(r.spotOf("on", slices.Min(loop)), "cycle", "one of them must begin with something that happens: a page, a track call, a form",
				"signals in a circle: %s", strings.Join(names, " → "))
		}
		for _, j := range path {
			done[j] = true
		}
	}
}

func (r *reader) checkThresholds() {
	d := &r.p.Decide
	if d.Review <= 0 {
		r.d.Refuse(r.where["review"], "order", "begin with review: 40", "decide.review must be above 0: a lead without any signal has intent 0")
		return
	}
	if d.Review >= d.Engage {
		r.d.Refuse(r.where["engage"], "order", "review is where a person looks, engage where sales takes over; engage is the higher one",
			"decide.engage is %s, which is not above decide.review, %s", condition.FormatNumber(d.Engage), condition.FormatNumber(d.Review))
		return
	}
	if d.InboundFloor > r.p.Fit.Gate {
		r.d.Warn(r.where["fit_floor"], "order", "a raised hand needs no better fit than others",
			"decide.inbound.fit_floor is %s, above fit.gate, %s: raised hands are turned away that others would pass", condition.FormatNumber(d.InboundFloor), condition.FormatNumber(r.p.Fit.Gate))
	}
}

// checkReach refuses thresholds that no combination of signals reaches.
func (r *reader) checkReach() {
	d := &r.p.Decide
	most := r.intentBound()
	for _, t := range []struct {
		name  string
		value float64
	}{{"review", d.Review}, {"engage", d.Engage}} {
		r.checkReachable(r.where[t.name], "decide."+t.name, t.value, most)
	}
	if !slices.ContainsFunc(r.p.Signals, func(s Signal) bool { return s.trusted() }) {
		r.d.Refuse(r.where["review"], "unreachable", "add a first-party signal of class evaluation, buying or usage",
			"no lead can reach decide.review: it needs a first-party evaluation, buying or usage signal, and there is none")
	}
	for i, l := range d.MQL {
		r.checkReachable(r.where[spot{"level intent", i}], fmt.Sprintf("mql level %d", l.Level), l.Intent, most)
	}
	if r.sound("account") {
		r.checkAccountReach(most)
	}
}

// checkAccountReach does the same for accounts: every person at the largest intent, every role covered.
func (r *reader) checkAccountReach(intent bound) {
	a := &r.p.Account
	most := max(a.TwoRoles, a.ThreeRoles)
	for _, w := range a.Weights {
		most += w * intent.most
	}
	for _, t := range []struct {
		name  string
		value float64
	}{{"review", a.Review}, {"engage", a.Engage}} {
		if !math.IsInf(t.value, 1) && t.value > most {
			r.d.Refuse(r.where["account "+t.name], "unreachable", "lower the threshold, or raise weights and bonus",
				"no account can reach account.%s, %s: the weights and the bonus reach at most %s", t.name, condition.FormatNumber(t.value), condition.FormatNumber(most))
		}
	}
}

// trusted reports whether the signal can trigger sales.
func (s *Signal) trusted() bool {
	return !s.ThirdParty && (s.Class == Evaluation || s.Class == Buying || s.Class == Usage)
}

func (r *reader) checkReachable(n *yaml.Node, name string, threshold float64, most bound) {
	if most.reaches(threshold) {
		return
	}
	limit := "all signals together reach at most " + condition.FormatNumber(most.most)
	if most.open {
		limit = "all signals together stay below " + condition.FormatNumber(most.most)
	}
	if threshold > 100 {
		limit = "intent is held to 100"
	}
	r.d.Refuse(n, "unreachable", "lower the threshold, or raise points and caps", "no lead can reach %s, %s: %s", name, condition.FormatNumber(threshold), limit)
}

// intentBound is the largest intent that any lead can have.
func (r *reader) intentBound() bound {
	var sum, third bound
	var classes [NumClasses]bound
	for i := range r.p.Signals {
		s := &r.p.Signals[i]
		if s.ThirdParty {
			third = third.plus(s.strongest())
		} else {
			classes[s.Class] = classes[s.Class].plus(s.strongest())
		}
	}
	for c, b := range classes {
		sum = sum.plus(b.held(r.p.Intent.Caps[c]))
	}
	return sum.plus(third.held(r.p.Intent.ThirdPartyCap)).held(100)
}

func (r *reader) checkLevels() {
	for i, l := range r.p.Decide.MQL {
		if l.Intent <= 0 {
			r.d.Refuse(r.where[spot{"level intent", i}], "order", "", "mql level %d must need intent above 0", l.Level)
		}
		if i == 0 {
			continue
		}
		before := r.p.Decide.MQL[i-1]
		if l.Level <= before.Level {
			r.d.Refuse(r.where[spot{"level", i}], "order", "list the levels from the lowest to the highest", "mql level %d stands after level %d", l.Level, before.Level)
		} else if l.Intent <= before.Intent {
			r.d.Refuse(r.where[spot{"level intent", i}], "order", "a higher level needs more intent",
				"mql level %d needs intent %s, which is not above the %s of level %d", l.Level, condition.FormatNumber(l.Intent), condition.FormatNumber(before.Intent), before.Level)
		}
	}
}

func (r *reader) checkAccount() {
	n, ok := r.where["account"]
	if !ok {
		return
	}
	a := &r.p.Account
	if b := r.where["roles_bonus"]; b != nil && a.ThreeRoles < a.TwoRoles {
		r.d.Refuse(b, "order", "more roles never count less", "account.roles_bonus.three is %s, below two, %s", condition.FormatNumber(a.ThreeRoles), condition.FormatNumber(a.TwoRoles))
	}
	hasReview, hasEngage := !math.IsInf(a.Review, 1), !math.IsInf(a.Engage, 1)
	switch {
	case !hasReview && !hasEngage:
		r.d.Warn(n, "no_action", "add account.review and account.engage", "accounts get a score, but nothing happens at any height of it")
		return
	case hasReview != hasEngage:
		r.d.Refuse(n, "missing_key", "set both or neither", "account has one of its thresholds, but not the other")
		return
	case a.Review <= 0:
		r.d.Refuse(r.where["account review"], "order", "", "account.review must be above 0")
		return
	case a.Review >= a.Engage:
		r.d.Refuse(r.where["account engage"], "order", "engage is the higher one",
			"account.engage is %s, which is not above account.review, %s", condition.FormatNumber(a.Engage), condition.FormatNumber(a.Review))
	}
}

func (r *reader) checkFit() {
	if len(r.p.Fit.Criteria) == 0 {
		r.d.Warn(r.where["fit"], "no_fit", "add fit.criteria: who is an ideal customer?", "no fit criteria: everybody fits, and only activity counts")
		return
	}
	total := 0.0
	for i := range r.p.Fit.Criteria {
		c := &r.p.Fit.Criteria[i]
		total += c.Max
		r.checkCriterion(i, c)
		r.checkRules(c)
	}
	if total == 0 {
		r.d.Refuse(r.where["fit"], "unreachable", "give at least one rule points above 0", "no rule of any criterion gives points, so fit cannot be computed")
	}
}

func (r *reader) checkCriterion(i int, c *Criterion) {
	n := r.where[spot{"criterion", i}]
	read := map[string]bool{}
	for _, rule := range c.Rules {
		for _, p := range rule.When.Paths() {
			read[p] = true
		}
	}
	switch {
	case len(c.Rules) == 0:
		r.d.Refuse(n, "missing_key", "add a rule that gives points", "the criterion %s has no rules", c.ID)
	case len(read) == 0:
		r.d.Warn(n, "not_fed", "read a trait of the person or the account in its rules", "nothing feeds the criterion %s: its rules read no trait", c.ID)
	case c.Max == 0:
		r.d.Warn(n, "no_points", "give its best case points above 0", "the criterion %s can only take points away, so it has no weight in coverage", c.ID)
	}
	for _, need := range c.Needs {
		if !read[need] {
			r.d.Warn(r.where[spot{"needs", i}], "not_read", "remove it from needs, or read it in a rule",
				"the criterion %s waits for %s, but none of its rules reads it", c.ID, need)
		}
	}
}

func (r *reader) checkRules(c *Criterion) {
	conditions := make([]*condition.Condition, len(c.Rules))
	for i := range c.Rules {
		conditions[i] = c.Rules[i].When
	}
	r.checkCovered(conditions, "rule of "+c.ID, func(i int) string { return fmt.Sprintf("rule %d of %s", i+1, c.ID) })
}

// checkExcludedRules warns of rules that only people match who are excluded anyway.
func (r *reader) checkExcludedRules() {
	excludes := make([]condition.Cases, len(r.p.Exclude))
	for i, x := range r.p.Exclude {
		excludes[i], _ = x.When.Cases()
	}
	for _, c := range r.p.Fit.Criteria {
		for i, rule := range c.Rules {
			later, ok := rule.When.Cases()
			if !ok || !later.Possible() {
				continue
			}
			by := slices.IndexFunc(excludes, func(earlier condition.Cases) bool { return r.prover.Covered(later, earlier) })
			if by >= 0 {
				r.d.Warn(r.where[spot{"rule of " + c.ID, i}], "no_effect", "remove the rule, or narrow the exclude",
					"whoever matches this rule is excluded by %q before fit counts", r.p.Exclude[by].ID)
			}
		}
	}
}

func (r *reader) checkExcludes() {
	conditions := make([]*condition.Condition, len(r.p.Exclude))
	for i := range r.p.Exclude {
		conditions[i] = r.p.Exclude[i].When
	}
	r.checkCovered(conditions, "exclude", func(i int) string { return fmt.Sprintf("exclude %q", r.p.Exclude[i].ID) })
}

// checkCovered refuses conditions that an earlier one of the same list always forestalls.
func (r *reader) checkCovered(conditions []*condition.Condition, what string, name func(int) string) {
	var all condition.Cases
	earlier := make([]condition.Cases, 0, len(conditions))
	for i, c := range conditions {
		mine, ok := c.Cases()
		n := r.where[spot{what, i}]
		switch {
		case !ok:
			mine = nil
		case !mine.Possible():
			r.d.Warn(n, "never", "", "%s can never match: its condition contradicts itself", name(i))
		case r.prover.Covered(mine, all):
			by := slices.IndexFunc(earlier, func(e condition.Cases) bool { return r.prover.Covered(mine, e) })
			reason := "the ones before it"
			if by >= 0 {
				reason = name(by)
			}
			r.d.Refuse(n, "shadowed", "put the narrower condition first, or remove this one",
				"%s can never match: whenever it is true, %s matched before", name(i), reason)
		}
		earlier = append(earlier, mine)
		all = append(all, mine...)
	}
}
