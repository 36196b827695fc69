package cases_test

import (
	"cmp"
	"encoding/json"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"

	"cusp/internal/condition"
	"cusp/internal/domains"
	"cusp/internal/lead"
	"cusp/internal/playbook"
	"cusp/internal/playbook/cases"
)

// The oracle is a second, naive reading of the playbook format: it keeps every counted occurrence and
// works each number out anew. The product's own fold must give the same numbers for the same cases.

type occurrence struct {
	at     lead.Instant
	before float64 // what the signal was worth just before
	after  float64
}

type oracle struct {
	p        *playbook.Playbook
	facts    condition.Facts
	now      lead.Instant
	seen     [][]occurrence
	answered lead.Instant
	rejected lead.Instant
}

func explain(p *playbook.Playbook, c cases.Case) (map[string]any, error) {
	o := &oracle{p: p, seen: make([][]occurrence, len(p.Signals))}
	o.facts.Person, o.facts.Account = maps.Clone(c.Person), maps.Clone(c.Account)
	o.facts.History = o
	o.company()
	for i := range c.Events {
		o.step(&c.Events[i])
	}
	o.now = c.Now
	return o.explanation()
}

// company knows a company that nobody described by the e-mail address.
func (o *oracle) company() {
	mail, _ := o.facts.Person["email_domain"].(string)
	if domain, ok := domains.Company(mail); ok && !o.facts.Has("account.domain") {
		o.facts.Account["domain"] = domain
	}
}

func (o *oracle) step(e *cases.Event) {
	o.now = e.At
	switch e.Type {
	case lead.Identify:
		maps.Copy(o.facts.Person, e.Traits)
	case lead.Group:
		maps.Copy(o.facts.Account, e.Traits)
	case lead.Answered:
		o.answered = e.At
		if e.Name == "rejected" {
			o.rejected = e.At
		}
	default:
	}
	o.company()
	pending := map[int]bool{}
	for i := range o.p.Signals {
		pending[i] = triggers(o.p.Signals[i].On, e)
	}
	o.facts.Event = map[string]any{"type": e.Type.String(), "name": e.Name, "path": e.Path, "properties": e.Properties}
	for i := 0; i < len(o.p.Signals); i++ {
		if !pending[i] {
			continue
		}
		pending[i] = false
		if !o.try(i) {
			continue
		}
		for j, s := range o.p.Signals {
			if s.On.Kind == playbook.OnSignal && s.On.Signal == i {
				pending[j] = true
				i = min(i, j-1)
			}
		}
	}
	o.facts.Event = nil
}

func triggers(on playbook.Trigger, e *cases.Event) bool {
	switch on.Kind {
	case playbook.OnPage:
		parts := strings.Split(on.Value, "*")
		for i := range parts {
			parts[i] = regexp.QuoteMeta(parts[i])
		}
		return e.Type == lead.Page && regexp.MustCompile("^"+strings.Join(parts, ".*")+"$").MatchString(e.Path)
	case playbook.OnTrack:
		return e.Type == lead.Track && e.Name == on.Value
	case playbook.OnForm:
		return e.Type == lead.Track && e.Name == "Form Submitted" && e.Properties["form"] == on.Value
	case playbook.OnIdentify:
		return e.Type == lead.Identify
	case playbook.OnText:
		message, _ := e.Properties["message"].(string)
		return e.Type == lead.Track && says(message, on.Value)
	default:
	}
	return false
}

// phrases stand in for the reading of free text in the messages of the examples.
var phrases = map[string]string{
	"no_budget":       `(?i)\b(no budget|budget (was|is) (not|cut))\b`,
	"budget":          `(?i)\bbudget of\b|\bbudget is set\b`,
	"deadline":        `(?i)\b(live|in place|running) (by|in|before) \w+`,
	"approved":        `(?i)\b(project|investment) (is|has been|was) (now )?approved\b`,
	"failed_solution": `(?i)\b(failed us|let us down|keeps breaking down|gave up on)\b`,
	"price":           `(?i)\b(how much|what does it cost|your rates)\b`,
	"implementation":  `(?i)\bhow long does (it take to )?(implement|roll)`,
}

func says(message, finding string) bool {
	if finding == "budget" && says(message, "no_budget") {
		return false
	}
	pattern, ok := phrases[finding]
	return ok && message != "" && regexp.MustCompile(pattern).MatchString(message)
}

func (o *oracle) try(i int) bool {
	s := o.p.Signals[i]
	if s.Where != nil && s.Where.Eval(&o.facts) != condition.True {
		return false
	}
	past := o.seen[i]
	if len(past) > 0 && o.now.Seconds(past[len(past)-1].at) < s.OncePer {
		return false
	}
	before := o.worth(i)
	after := before + s.Points
	if s.Cap > 0 {
		after = math.Max(-s.Cap, math.Min(s.Cap, after))
	}
	o.seen[i] = append(past, occurrence{o.now, before, after})
	return true
}

func (o *oracle) worth(i int) float64 {
	if len(o.seen[i]) == 0 {
		return 0
	}
	last := o.seen[i][len(o.seen[i])-1]
	if h := o.p.Signals[i].HalfLife; h > 0 {
		return last.after * math.Exp2(-o.now.Seconds(last.at)/h)
	}
	return last.after
}

func (o *oracle) Count(signal int, window float64) int {
	n := 0
	for _, x := range o.seen[signal] {
		if o.now.Seconds(x.at) < window {
			n++
		}
	}
	return n
}

func (o *oracle) SecondsSince(signal int) (float64, bool) {
	if len(o.seen[signal]) == 0 {
		return 0, false
	}
	return o.now.Seconds(o.seen[signal][len(o.seen[signal])-1].at), true
}

func (o *oracle) Fit() (float64, bool) {
	f := o.fit()
	return f.score, f.known
}

func (o *oracle) Intent() float64 { return o.intent().score }

type fitOf struct {
	score, coverage float64
	known           bool
	criteria        []any
}

func (o *oracle) fit() fitOf {
	facts := o.facts
	facts.Event = nil
	var got, known, all float64
	f := fitOf{criteria: []any{}}
	for _, c := range o.p.Fit.Criteria {
		most, points, has := 0.0, 0.0, true
		for _, r := range c.Rules {
			most = math.Max(most, r.Points)
		}
		for _, path := range c.Needs {
			has = has && facts.Has(path)
		}
		if i := slices.IndexFunc(c.Rules, func(r playbook.Rule) bool { return r.When.Eval(&facts) == condition.True }); has && i >= 0 {
			points = c.Rules[i].Points
		}
		all += most
		if has {
			known, got = known+most, got+points
		}
		f.criteria = append(f.criteria, map[string]any{"id": c.ID, "known": has, "points": points, "max": most})
	}
	f.coverage = known / all
	f.known = f.coverage >= o.p.Fit.MinCoverage
	f.score = math.Max(0, math.Min(100, 100*got/known))
	return f
}

type intentOf struct {
	score   float64
	trusted bool
	classes map[string]any
	signals []any
}

func (o *oracle) intent() intentOf {
	sums := map[string]float64{"interest": 0, "evaluation": 0, "buying": 0, "usage": 0, "negative": 0, "third_party": 0}
	in := intentOf{classes: map[string]any{}, signals: []any{}}
	for i, s := range o.p.Signals {
		if len(o.seen[i]) == 0 {
			continue
		}
		class := s.Class.String()
		if s.ThirdParty {
			class = "third_party"
		}
		sums[class] += o.worth(i)
		last := o.seen[i][len(o.seen[i])-1].at
		within := o.now.Seconds(last) < o.p.Intent.FirstPartyWithin
		in.trusted = in.trusted || within && slices.Contains([]string{"evaluation", "buying", "usage"}, class)
		in.signals = append(in.signals, map[string]any{
			"id": s.ID, "class": s.Class.String(), "value": o.worth(i), "count": len(o.seen[i]), "last_at": last.String(),
		})
	}
	for c := range playbook.Negative {
		sums[c.String()] = math.Min(sums[c.String()], o.p.Intent.Caps[c])
	}
	sums["third_party"] = math.Min(sums["third_party"], o.p.Intent.ThirdPartyCap)
	for class, v := range sums {
		in.classes[class] = v
	}
	total := sums["interest"] + sums["evaluation"] + sums["buying"] + sums["usage"] + sums["negative"] + sums["third_party"]
	in.score = math.Max(0, math.Min(100, total))
	return in
}

func (o *oracle) last(is func(s *playbook.Signal) bool) lead.Instant {
	var last lead.Instant
	for i := range o.p.Signals {
		if n := len(o.seen[i]); n > 0 && is(&o.p.Signals[i]) {
			last = max(last, o.seen[i][n-1].at)
		}
	}
	return last
}

func (o *oracle) decide(f fitOf, in intentOf, excluded int) (decision, track string) {
	d := o.p.Decide
	pass, fail := f.known && f.score >= o.p.Fit.Gate, f.known && f.score < o.p.Fit.Gate
	raised := o.last(func(s *playbook.Signal) bool { return s.Inbound })
	inbound := raised > o.answered && o.now.Seconds(raised) < o.p.Intent.FirstPartyWithin
	bought := o.last(func(s *playbook.Signal) bool { return s.Class == playbook.Buying && !s.ThirdParty })
	cooling := o.rejected != 0 && o.now.Seconds(o.rejected) < d.Cooldown && bought <= o.rejected
	track = "nurture"
	if inbound {
		track = "inbound"
	}
	switch {
	case excluded >= 0:
		return "disqualify", track
	case inbound && f.known && f.score < d.InboundFloor:
		return "deflect", track
	case inbound:
		return "engage", track
	case in.score >= d.Review && fail:
		return "deflect", track
	case cooling && in.score >= d.Review:
		return "nurture", track
	case in.score >= d.Engage && in.trusted && pass:
		return "engage", track
	case in.score >= d.Review && in.trusted:
		return "review", track
	case fail:
		return "ignore", track
	}
	return "nurture", track
}

func (o *oracle) explanation() (map[string]any, error) {
	f, in := o.fit(), o.intent()
	excluded := slices.IndexFunc(o.p.Exclude, func(x playbook.Exclusion) bool { return x.When.Eval(&o.facts) == condition.True })
	decision, track := o.decide(f, in, excluded)
	high, fail := in.score >= o.p.Decide.Review, f.known && f.score < o.p.Fit.Gate
	quadrant := map[[2]bool]string{
		{true, false}: "engage", {true, true}: "deflect", {false, false}: "nurture", {false, true}: "ignore",
	}[[2]bool{high, fail}]
	decisive := o.last(func(s *playbook.Signal) bool {
		return !s.ThirdParty && s.Class != playbook.Interest && s.Class != playbook.Negative
	})
	level := 0
	for _, l := range o.p.Decide.MQL {
		if excluded < 0 && f.known && !fail && decisive > 0 && in.score >= l.Intent {
			level = l.Level
		}
	}
	x := map[string]any{
		"at": o.now.String(), "decision": decision, "quadrant": quadrant, "track": track, "level": level,
		"stage": o.stage(excluded, level), "excluded_by": nil, "reasons": []any{},
		"fit":    map[string]any{"score": f.score, "coverage": f.coverage, "known": f.known, "criteria": f.criteria},
		"intent": map[string]any{"score": in.score, "trusted": in.trusted, "classes": in.classes, "signals": in.signals},
	}
	if !f.known {
		x["fit"].(map[string]any)["score"] = nil
	}
	if excluded >= 0 {
		x["excluded_by"] = o.p.Exclude[excluded].ID
	}
	return decoded(x)
}

func (o *oracle) stage(excluded, level int) string {
	email, _ := o.facts.Person["email"].(string)
	switch {
	case excluded >= 0:
		return "disqualified"
	case level > 0:
		return "mql"
	}
	return cmp.Or(map[bool]string{true: "lead"}[email != ""], "visitor")
}

// decoded sends a value through JSON, as an evaluator that asks the API does.
func decoded(v map[string]any) (out map[string]any, err error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return out, json.Unmarshal(raw, &out)
}
