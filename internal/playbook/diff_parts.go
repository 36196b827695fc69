package playbook

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"cusp/internal/condition"
)

func (d *differ) excludes(a, b []Exclusion) {
	d.section = "exclude"
	id := func(x Exclusion) string { return x.ID }
	p := match(namesOf(a, id), namesOf(b, id))
	for _, r := range p.rename(func(i, j int) bool {
		return a[i].Because == b[j].Because && conditionText(a[i].When) == conditionText(b[j].When)
	}) {
		d.say(Renamed, b[r[1]].ID, "", "the exclusion was named %s", a[r[0]].ID)
	}
	for _, i := range p.removed {
		d.say(Removed, a[i].ID, "whom it kept out can reach sales again", "exclusion removed (%s)", a[i].Because)
	}
	for _, s := range p.same {
		before, after := a[s[0]], b[s[1]]
		d.condition(after.ID, "applies when", before.When, after.When)
		d.words(after.ID, "reason shown", before.Because, after.Because)
	}
	for _, j := range p.added {
		d.say(Added, b[j].ID, "whom it matches never reaches sales", "new exclusion when %s (%s)",
			quotedCondition(b[j].When), b[j].Because)
	}
	for _, k := range p.moved() {
		d.say(Moved, b[p.same[k][1]].ID, "the first exclusion that matches is the reason shown", "moved from place %d to %d",
			p.same[k][0]+1, p.same[k][1]+1)
	}
}

func namesOf[T any](items []T, name func(T) string) []string {
	names := make([]string, len(items))
	for i, item := range items {
		names[i] = name(item)
	}
	return names
}

func (d *differ) fit(a, b *Fit) {
	d.section = "fit"
	d.number("", "gate", a.Gate, b.Gate, "fewer leads pass", "more leads pass")
	d.number("", "min_coverage", a.MinCoverage, b.MinCoverage,
		"more must be known before fit counts", "less must be known before fit counts")
	id := func(c Criterion) string { return c.ID }
	p := match(namesOf(a.Criteria, id), namesOf(b.Criteria, id))
	for _, r := range p.rename(func(i, j int) bool { return sameCriterion(&a.Criteria[i], &b.Criteria[j]) }) {
		d.say(Renamed, b.Criteria[r[1]].ID, "", "the criterion was named %s", a.Criteria[r[0]].ID)
	}
	for _, i := range p.removed {
		d.say(Removed, a.Criteria[i].ID, "", "criterion of at most %s points removed", condition.FormatNumber(a.Criteria[i].Max))
	}
	for _, s := range p.same {
		d.criterion(&a.Criteria[s[0]], &b.Criteria[s[1]])
	}
	for _, j := range p.added {
		c := &b.Criteria[j]
		d.say(Added, c.ID, "", "new criterion of at most %s points; needs %s", condition.FormatNumber(c.Max), orNothing(c.Needs))
	}
}

func sameCriterion(a, b *Criterion) bool {
	var d differ
	renamed := *b
	renamed.ID = a.ID
	d.criterion(a, &renamed)
	return len(d.out) == 0
}

func orNothing(items []string) string {
	if len(items) == 0 {
		return "nothing"
	}
	return strings.Join(items, ", ")
}

func (d *differ) criterion(a, b *Criterion) {
	if len(lacking(a.Needs, b.Needs))+len(lacking(b.Needs, a.Needs)) > 0 {
		d.say(Changed, b.ID, "", "needs %s → %s", orNothing(a.Needs), orNothing(b.Needs))
	}
	d.words(b.ID, "question", a.Ask, b.Ask)
	p := match(ruleKeys(a.Rules), ruleKeys(b.Rules))
	for _, i := range p.removed {
		d.say(Removed, b.ID, "", "rule %s (%s points) removed", quotedCondition(a.Rules[i].When), condition.FormatNumber(a.Rules[i].Points))
	}
	for _, s := range p.same {
		before, after := a.Rules[s[0]], b.Rules[s[1]]
		d.number(b.ID, fmt.Sprintf("rule %s points", quotedCondition(after.When)), before.Points, after.Points, "", "")
	}
	for _, j := range p.added {
		d.say(Added, b.ID, "", "new rule %s gives %s points", quotedCondition(b.Rules[j].When), condition.FormatNumber(b.Rules[j].Points))
	}
	for _, k := range p.moved() {
		d.say(Moved, b.ID, "the first rule that is met gives the points", "rule %s moved from place %d to %d",
			quotedCondition(b.Rules[p.same[k][1]].When), p.same[k][0]+1, p.same[k][1]+1)
	}
}

// ruleKeys names rules by their conditions; a repeated condition gets a number, so that names are unique.
func ruleKeys(rules []Rule) []string {
	seen := map[string]int{}
	return namesOf(rules, func(r Rule) string {
		text := conditionText(r.When)
		seen[text]++
		return fmt.Sprintf("%d:%s", seen[text], text)
	})
}

func (d *differ) signals(a, b *Playbook) {
	d.section = "signals"
	id := func(s Signal) string { return s.ID }
	p := match(namesOf(a.Signals, id), namesOf(b.Signals, id))
	for _, r := range p.rename(func(i, j int) bool { return sameSignal(a, i, b, j) }) {
		d.say(Renamed, b.Signals[r[1]].ID, "", "the signal was named %s", a.Signals[r[0]].ID)
	}
	for _, i := range p.removed {
		s := &a.Signals[i]
		d.say(Removed, s.ID, "", "%s signal of %s points removed", s.Class, condition.FormatNumber(s.Points))
	}
	for _, s := range p.same {
		d.signal(a, s[0], b, s[1])
	}
	for _, j := range p.added {
		s := &b.Signals[j]
		d.say(Added, s.ID, inboundEffect(s.Inbound), "new %s signal: %s points on %s", s.Class, condition.FormatNumber(s.Points), b.triggerText(s.On))
	}
	for _, k := range p.moved() {
		if other, ok := orderMatters(b, &p, k); ok {
			d.say(Moved, b.Signals[p.same[k][1]].ID, "signals of one event are tried in the order of the playbook",
				"now tried %s %s", sideOf(p.same[k], other), b.Signals[other[1]].ID)
		}
	}
}

func inboundEffect(inbound bool) string {
	if inbound {
		return "a raised hand, engaged at once"
	}
	return ""
}

func sameSignal(a *Playbook, i int, b *Playbook, j int) bool {
	var d differ
	d.signal(a, i, b, j)
	return len(d.out) == 0
}

func (d *differ) signal(a *Playbook, i int, b *Playbook, j int) {
	before, after := &a.Signals[i], &b.Signals[j]
	id := after.ID
	if before.Class != after.Class {
		d.say(Changed, id, classEffect(before, after), "class %s → %s", before.Class, after.Class)
	}
	d.words(id, "stage", before.Stage.String(), after.Stage.String())
	if before.ThirdParty != after.ThirdParty {
		d.say(Changed, id, classEffect(before, after), "origin %s → %s", originText(before), originText(after))
	}
	if x, y := a.triggerText(before.On), b.triggerText(after.On); x != y {
		d.say(Changed, id, "", "raised on %s → %s", x, y)
	}
	d.condition(id, "where", before.Where, after.Where)
	d.number(id, "points", before.Points, after.Points, "", "")
	d.span(id, "half-life", before.HalfLife, after.HalfLife, "none, it stays")
	d.measure(id, "cap", before.Cap, after.Cap, capText, "", "")
	d.span(id, "repeats count once per", before.OncePer, after.OncePer, "none, each counts")
	if before.Inbound != after.Inbound {
		effect := inboundEffect(after.Inbound)
		if !after.Inbound {
			effect = "no longer a raised hand, only points"
		}
		d.say(Changed, id, effect, "track %s → %s", trackText(before), trackText(after))
	}
}

// classEffect says whether the signal gains or loses the power to make a lead trusted.
func classEffect(a, b *Signal) string {
	before, after := a.decisive(), b.decisive()
	switch {
	case after && !before:
		return "it can now bring a lead to sales"
	case before && !after:
		return "it can no longer bring a lead to sales by itself"
	}
	return ""
}

func (s *Signal) decisive() bool {
	return !s.ThirdParty && (s.Class == Evaluation || s.Class == Buying || s.Class == Usage)
}

func originText(s *Signal) string {
	if s.ThirdParty {
		return "third_party"
	}
	return "first_party"
}

func trackText(s *Signal) string {
	if s.Inbound {
		return "inbound"
	}
	return "nurture"
}

// triggerText is a trigger as the document writes it. It names the signal of OnSignal, because indices
// differ between playbooks.
func (p *Playbook) triggerText(t Trigger) string {
	switch t.Kind {
	case OnPage:
		return "page " + t.Value
	case OnTrack:
		return "event " + orNone(t.Value)
	case OnIdentify:
		return "identify " + t.Value
	case OnForm:
		return "form " + t.Value
	case OnSignal:
		if t.Signal >= 0 && t.Signal < len(p.Signals) {
			return "signal " + p.Signals[t.Signal].ID
		}
		return "signal " + t.Value
	case OnText:
		return "text " + t.Value
	case OnTurn:
		return "the turn to serious " + t.Value
	}
	return "nothing " + t.Value
}

// orderMatters finds a signal whose place relative to the moved one changed and decides something: one
// of the two asks about the other, or asks about intent.
func orderMatters(b *Playbook, p *pairs, moved int) (other [2]int, ok bool) {
	m := p.same[moved]
	for _, s := range p.same {
		if (s[0] < m[0]) != (s[1] < m[1]) && (b.asksAbout(s[1], m[1]) || b.asksAbout(m[1], s[1])) {
			return s, true
		}
	}
	return other, false
}

func (p *Playbook) asksAbout(signal, other int) bool {
	w := p.Signals[signal].Where
	if w == nil || signal == other {
		return false
	}
	return w.UsesScore() || slices.ContainsFunc(w.Signals(), func(u condition.SignalUse) bool { return u.Signal == other })
}

func sideOf(moved, other [2]int) string {
	if moved[1] < other[1] {
		return "before"
	}
	return "after"
}

func (d *differ) intent(a, b *Intent) {
	d.section = "intent"
	for c := range a.Caps {
		d.limit(Class(c).String(), a.Caps[c], b.Caps[c])
	}
	d.limit("third party", a.ThirdPartyCap, b.ThirdPartyCap)
	d.span("", "a first-party signal is trusted for", a.FirstPartyWithin, b.FirstPartyWithin, "no time")
}

// limit reports the cap of a class.
func (d *differ) limit(class string, a, b float64) {
	d.measure("", "all "+class+" signals together: cap", a, b, thresholdText, "", "")
}

func (d *differ) decide(a, b *Decide) {
	d.section = "decide"
	d.number("", "review threshold", a.Review, b.Review, "fewer leads reach review", "more leads reach review")
	d.number("", "engage threshold", a.Engage, b.Engage, "fewer leads reach engage", "more leads reach engage")
	d.levels(a.MQL, b.MQL)
	d.span("", "cooldown after a rejection", a.Cooldown, b.Cooldown, "none")
	d.number("", "fit floor of a raised hand", a.InboundFloor, b.InboundFloor,
		"more raised hands are answered without a call", "fewer raised hands are answered without a call")
}

func (d *differ) levels(a, b []Level) {
	name := func(l Level) string { return fmt.Sprintf("MQL level %d", l.Level) }
	p := match(namesOf(a, name), namesOf(b, name))
	for _, i := range p.removed {
		d.say(Removed, "", "", "%s (intent %s) removed", name(a[i]), condition.FormatNumber(a[i].Intent))
	}
	for _, s := range p.same {
		d.number("", name(b[s[1]])+" from intent", a[s[0]].Intent, b[s[1]].Intent, "fewer leads reach it", "more leads reach it")
	}
	for _, j := range p.added {
		d.say(Added, "", "", "new %s from intent %s", name(b[j]), condition.FormatNumber(b[j].Intent))
	}
}

func (d *differ) account(a, b *Account) {
	d.section = "account"
	if !slices.Equal(a.Weights, b.Weights) {
		d.say(Changed, "", "", "weights of a company's people %s → %s", numbersText(a.Weights), numbersText(b.Weights))
	}
	d.number("", "bonus for two roles", a.TwoRoles, b.TwoRoles, "", "")
	d.number("", "bonus for three roles or more", a.ThreeRoles, b.ThreeRoles, "", "")
	d.measure("", "account review threshold", a.Review, b.Review, thresholdText,
		"fewer companies reach review", "more companies reach review")
	d.measure("", "account engage threshold", a.Engage, b.Engage, thresholdText,
		"fewer companies reach engage", "more companies reach engage")
}

// thresholdText writes a threshold that may be absent.
func thresholdText(v float64) string {
	if math.IsInf(v, 1) {
		return "none"
	}
	return condition.FormatNumber(v)
}

func numbersText(values []float64) string {
	if len(values) == 0 {
		return "none"
	}
	return strings.Join(namesOf(values, condition.FormatNumber), ", ")
}

func (d *differ) momentum(a, b *Momentum) {
	d.section = "momentum"
	d.span("", "short average's half-life", a.Fast, b.Fast, "none")
	d.span("", "long average's half-life", a.Slow, b.Slow, "none")
	d.span("", "the turn to serious must happen within", a.SeriousWithin, b.SeriousWithin, "no time")
	d.number("", "distinct signals that make a lead serious", float64(a.SeriousCount), float64(b.SeriousCount),
		"fewer leads turn serious", "more leads turn serious")
}
