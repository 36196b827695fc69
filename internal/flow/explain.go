package flow

import (
	"fmt"
	"slices"

	"cusp/internal/decide"
	"cusp/internal/lead"
	"cusp/internal/playbook"
	"cusp/internal/score"
)

// explain words what a fold with a trace found, at an instant not before the last event.
func (f *Folder) explain(l *Lead, now lead.Instant) Explanation {
	f.Advance(l, now)
	c := l.decision()
	in := l.Score.Intent(f.p, now)
	x := Explanation{
		At: now.String(), Playbook: PlaybookRef{Name: f.p.Name, Hash: f.p.Hash},
		Person: PersonRef{UserID: l.UserID, Email: l.Person.Text("email")},
		Track:  l.Outcome.Track, Stage: l.Stage(), Level: l.Outcome.Level,
		Momentum: l.Score.Momentum(f.p, now), SeriousAt: stampPtr(l.Score.SeriousAt),
		Decision: l.Outcome.Decision, Since: stampPtr(l.Since), Quadrant: l.Outcome.Quadrant,
		Fit:    f.explainFit(l),
		Intent: IntentPart{Score: in.Score, Trusted: in.Trusted, Classes: classesOf(in), Signals: f.explainSignals(l, now)},
		Events: l.Events, Quarantined: f.trace.Dropped,
	}
	if l.Events == 0 {
		return unknown(x)
	}
	if l.Excluded >= 0 {
		x.ExcludedBy = &f.p.Exclude[l.Excluded].ID
	}
	x.Reasons = f.reasons(l, &c, in, now)
	x.NextQuestion = f.nextQuestion(l, x.Fit)
	x.Flip = f.flip(l, &c, in, now)
	if at, out, ok := decide.Next(f.p, &c, now); ok {
		x.NextChange = &NextChange{At: at.String(), Decision: out.Decision, Track: out.Track, Level: out.Level}
	}
	return x
}

// unknown completes the explanation of an instant before the person's first event: nothing was decided,
// and whoever comes by is nurtured until something is.
func unknown(x Explanation) Explanation {
	x.Track, x.Quadrant, x.Stage = decide.TrackNurture, decide.QuadrantNurture, StageVisitor
	x.Reasons = []string{"Nothing was known of this person by then."}
	return x
}

func (f *Folder) explainFit(l *Lead) FitPart {
	f.facts.Person, f.facts.Account, f.facts.Event = l.Person.Map(), l.company(), nil
	fit, parts := score.ExplainFit(f.p, &f.facts)
	out := FitPart{Coverage: fit.Coverage, Known: fit.Known, Gate: f.p.Fit.Gate, Criteria: []CriterionPart{}}
	if fit.Known {
		out.Score = &fit.Score
	}
	for i, r := range parts {
		c := &f.p.Fit.Criteria[i]
		part := CriterionPart{ID: c.ID, Known: r.Known, Points: r.Points, Max: c.Max, Missing: r.Missing}
		switch {
		case !r.Known:
			part.Because = "not known yet"
		case r.Rule < 0:
			part.Because = "no rule is met"
		default:
			part.Because = c.Rules[r.Rule].When.Explain(&f.facts).Because
		}
		out.Criteria = append(out.Criteria, part)
	}
	return out
}

func (f *Folder) explainSignals(l *Lead, now lead.Instant) []SignalPart {
	out := []SignalPart{}
	for i := range l.Score.Signals {
		s, def := &l.Score.Signals[i], &f.p.Signals[i]
		if s.Counted == 0 {
			continue
		}
		part := SignalPart{
			ID: def.ID, Class: def.Class.String(), Origin: origin(def), Stage: def.Stage.String(),
			Value: l.Score.Worth(f.p, i, now), Count: s.Counted, LastAt: s.Last.String(), Parts: []EventPart{},
		}
		for j, p := range slices.Backward(f.trace.parts[i]) {
			left := f.trace.left(i, p, now)
			if len(f.trace.parts[i])-j > partsShown {
				part.Older += left
				continue
			}
			part.Parts = append(part.Parts, EventPart{MessageID: p.MessageID, At: p.At.String(), Points: p.Points, Left: left})
		}
		out = append(out, part)
	}
	return out
}

// reasons are sentences that a person can check against the numbers.
func (f *Folder) reasons(l *Lead, c *decide.Case, in score.Intent, now lead.Instant) []string {
	d := f.p.Decide
	var why []string
	say := func(format string, args ...any) { why = append(why, fmt.Sprintf(format, args...)) }
	intent := decide.Figure(in.Score, d.Review, d.Engage)
	switch l.Outcome.Rule {
	case decide.RuleExcluded:
		x := f.p.Exclude[l.Excluded]
		say("Excluded (%s): %s.", x.ID, x.Because)
	case decide.RuleInbound:
		say("Raised a hand (%s) %s ago, not answered yet.", f.lastInbound(l), decide.Ago(now, l.Score.LastInbound(f.p)))
	case decide.RuleInboundUnfit:
		say("Raised a hand (%s), but fit %s is below the floor of %g for a sales call.", f.lastInbound(l), decide.Figure(l.Fit.Score, d.InboundFloor), d.InboundFloor)
	case decide.RuleEngage:
		say("Intent %s reaches the engage line of %g.", intent, d.Engage)
	case decide.RuleReview, decide.RuleReviewUnknown:
		say("Intent %s reaches the review line of %g; the engage line is %g.", intent, d.Review, d.Engage)
	case decide.RuleHighIntentUnfit:
		say("Intent %s reaches the review line of %g, but this is not an ideal customer: no sales call.", intent, d.Review)
	case decide.RuleCooldown:
		say("Sales rejected this lead %s ago; the cooldown lasts %s unless a new buying signal arrives.", decide.Ago(now, c.RejectedAt), decide.Span(d.Cooldown))
	case decide.RuleUntrusted:
		say("Intent %s reaches the review line of %g, but no first-party evaluation, buying or usage signal is recent enough to trust it.", intent, d.Review)
	case decide.RuleNurture, decide.RuleIgnore:
		say("Intent %s is below the review line of %g: interest, not yet intent.", intent, d.Review)
	}
	why = append(why, f.fitReason(l))
	if last := l.Score.LastFirstParty(f.p); in.Trusted {
		say("Trusted: the last first-party evaluation, buying or usage signal was %s ago.", decide.Ago(now, last))
	}
	return why
}

func (f *Folder) fitReason(l *Lead) string {
	switch {
	case !l.Fit.Known:
		return fmt.Sprintf("Fit is not known: %.0f %% of the criteria are covered, %.0f %% are needed.", 100*l.Fit.Coverage, 100*f.p.Fit.MinCoverage)
	case l.Fit.Pass(f.p):
		return fmt.Sprintf("Fit %s passes the gate of %g.", decide.Figure(l.Fit.Score, f.p.Fit.Gate), f.p.Fit.Gate)
	}
	return fmt.Sprintf("Fit %s is below the gate of %g.", decide.Figure(l.Fit.Score, f.p.Fit.Gate), f.p.Fit.Gate)
}

func (f *Folder) lastInbound(l *Lead) string {
	last := l.Score.LastInbound(f.p)
	for i := range f.p.Signals {
		if f.p.Signals[i].Inbound && l.Score.Signals[i].Counted > 0 && l.Score.Signals[i].Last == last {
			return f.p.Signals[i].ID
		}
	}
	return ""
}

// nextQuestion is the unknown criterion that can move fit most, first in the playbook on a tie.
func (f *Folder) nextQuestion(l *Lead, fit FitPart) *Question {
	if l.Excluded >= 0 {
		return nil
	}
	best := -1
	for i, c := range fit.Criteria {
		if !c.Known && c.Max > 0 && (best < 0 || c.Max > fit.Criteria[best].Max) {
			best = i
		}
	}
	if best < 0 {
		return nil
	}
	text := f.p.Fit.Criteria[best].Ask
	if text == "" {
		text = decide.AskFor(fit.Criteria[best].Missing)
	}
	return &Question{ID: fit.Criteria[best].ID, Text: text}
}

// flip is the smallest single change that leads to another decision: one more occurrence of a signal,
// or one answer to an open criterion.
func (f *Folder) flip(l *Lead, c *decide.Case, in score.Intent, now lead.Instant) *Flip {
	var best *Flip
	better := func(x Flip) {
		if x.Decision != l.Outcome.Decision && (best == nil || x.Points < best.Points) {
			best = &x
		}
	}
	for i := range f.p.Signals {
		def := &f.p.Signals[i]
		if def.Points <= 0 || def.On.Kind == playbook.OnSignal || def.On.Kind == playbook.OnTurn {
			continue
		}
		state := l.Score
		state.Signals = slices.Clone(state.Signals)
		if !state.Count(f.p, i, now, 0) {
			continue
		}
		try := *c
		try.State = &state
		better(Flip{
			Kind: "signal", ID: def.ID, Points: state.Intent(f.p, now).Score - in.Score,
			Decision: decide.Choose(f.p, &try, now).Decision, Text: "If " + def.ID + " happened once now.",
		})
	}
	if best == nil {
		f.flipByAnswer(l, c, now, better)
	}
	return best
}

func (f *Folder) flipByAnswer(l *Lead, c *decide.Case, now lead.Instant, better func(Flip)) {
	fit := f.explainFit(l)
	for i, part := range fit.Criteria {
		if part.Known || part.Max == 0 {
			continue
		}
		try := *c
		try.Fit = answered(f.p, fit, i)
		better(Flip{
			Kind: "answer", ID: part.ID, Points: part.Max,
			Decision: decide.Choose(f.p, &try, now).Decision, Text: "If " + part.ID + " were answered in the best way.",
		})
	}
}

// answered is the fit if one open criterion were answered in the best way.
func answered(p *playbook.Playbook, fit FitPart, criterion int) score.Fit {
	var got, known, all float64
	for i, c := range fit.Criteria {
		all += c.Max
		switch {
		case i == criterion:
			known, got = known+c.Max, got+c.Max
		case c.Known:
			known, got = known+c.Max, got+c.Points
		}
	}
	coverage := known / all
	return score.Fit{Score: 100 * got / known, Coverage: coverage, Known: coverage >= p.Fit.MinCoverage}
}
