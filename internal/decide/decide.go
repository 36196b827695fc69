// Package decide turns scores into a decision: what to do now, on which track, at which stage, and when
// time alone will next change the answer.
//
// [Choose] is the whole policy: fixed thresholds, no ranges, first rule that holds wins. [Next] finds the
// next instant at which the answer changes if nothing happens, so that no lead has to be polled.
package decide

import (
	"cusp/internal/lead"
	"cusp/internal/playbook"
	"cusp/internal/score"
)

// Decision says what to do now.
type Decision string

// The decisions. None is a lead of which nothing is known yet.
const (
	None       Decision = ""
	Nurture    Decision = "nurture"
	Review     Decision = "review"
	Engage     Decision = "engage"
	Deflect    Decision = "deflect"
	Disqualify Decision = "disqualify"
	Ignore     Decision = "ignore"
)

// Track separates raised hands, for which minutes matter, from the long game.
type Track string

// The tracks.
const (
	TrackNurture Track = "nurture"
	TrackInbound Track = "inbound"
)

// Quadrant is fit × intent: the one combined view of the two scores.
type Quadrant string

// The quadrants: high fit and high intent, high fit alone, high intent alone, neither. A fit that is
// unknown counts as high, as it does in the decision.
const (
	QuadrantEngage  Quadrant = "engage"
	QuadrantNurture Quadrant = "nurture"
	QuadrantDeflect Quadrant = "deflect"
	QuadrantIgnore  Quadrant = "ignore"
)

// Rule names the rule of [Choose] that decided; reasons are worded from it.
type Rule string

// The rules, in the order in which they are tried.
const (
	RuleExcluded        Rule = "excluded"
	RuleInbound         Rule = "inbound"
	RuleInboundUnfit    Rule = "inbound_unfit"
	RuleEngage          Rule = "engage"
	RuleReview          Rule = "review"
	RuleReviewUnknown   Rule = "review_fit_unknown"
	RuleHighIntentUnfit Rule = "intent_without_fit"
	RuleCooldown        Rule = "cooldown"
	RuleUntrusted       Rule = "untrusted"
	RuleNurture         Rule = "nurture"
	RuleIgnore          Rule = "ignore"
)

// Case is all that a decision depends on, apart from the playbook and the instant.
type Case struct {
	Excluded   int // index of the exclusion that matches; -1 for none
	Fit        score.Fit
	State      *score.State
	AnsweredAt lead.Instant // the last closed handoff: it answers every raised hand up to then; 0 for none
	RejectedAt lead.Instant // the last rejection by sales; 0 for none
}

// Outcome is a decision with what belongs to it.
type Outcome struct {
	Decision Decision
	Track    Track
	Quadrant Quadrant
	Level    int // level of marketing qualification; 0 for none
	Rule     Rule
}

// Choose decides at an instant not before the last event of the case.
func Choose(p *playbook.Playbook, c *Case, now lead.Instant) Outcome {
	in := c.State.Intent(p, now)
	out := Outcome{Track: TrackNurture, Quadrant: quadrant(p, c.Fit, in.Score)}
	inbound := c.inbound(p, now)
	if inbound {
		out.Track = TrackInbound
	}
	if c.Excluded < 0 {
		out.Level = level(p, c, in)
	}
	out.Decision, out.Rule = choose(p, c, in, inbound, now)
	return out
}

func choose(p *playbook.Playbook, c *Case, in score.Intent, inbound bool, now lead.Instant) (Decision, Rule) {
	switch {
	case c.Excluded >= 0:
		return Disqualify, RuleExcluded
	case inbound && c.Fit.Known && c.Fit.Score < p.Decide.InboundFloor:
		return Deflect, RuleInboundUnfit
	case inbound:
		return Engage, RuleInbound
	case in.Score >= p.Decide.Review && c.Fit.Fail(p):
		return Deflect, RuleHighIntentUnfit
	case in.Score >= p.Decide.Review && in.Trusted && c.cooling(p, now):
		return Nurture, RuleCooldown
	case in.Score >= p.Decide.Engage && in.Trusted && c.Fit.Pass(p):
		return Engage, RuleEngage
	case in.Score >= p.Decide.Review && in.Trusted && c.Fit.Pass(p):
		return Review, RuleReview
	case in.Score >= p.Decide.Review && in.Trusted:
		return Review, RuleReviewUnknown
	case in.Score >= p.Decide.Review:
		return Nurture, RuleUntrusted
	case c.Fit.Fail(p):
		return Ignore, RuleIgnore
	}
	return Nurture, RuleNurture
}

// inbound says whether a raised hand waits for an answer.
func (c *Case) inbound(p *playbook.Playbook, now lead.Instant) bool {
	last := c.State.LastInbound(p)
	return last > c.AnsweredAt && now.Seconds(last) < p.Intent.FirstPartyWithin
}

// cooling says whether sales said no too recently to be asked again: within the cooldown, and without a
// new buying signal since.
func (c *Case) cooling(p *playbook.Playbook, now lead.Instant) bool {
	return c.RejectedAt != 0 && now.Seconds(c.RejectedAt) < p.Decide.Cooldown && c.State.LastBuying(p) <= c.RejectedAt
}

// level is the highest level of marketing qualification that holds: fit is known and passes the gate, a
// first-party evaluation, buying or usage signal was counted, and intent reaches the level.
func level(p *playbook.Playbook, c *Case, in score.Intent) int {
	if !c.Fit.Pass(p) || c.State.LastFirstParty(p) == 0 {
		return 0
	}
	best := 0
	for _, l := range p.Decide.MQL {
		if in.Score >= l.Intent {
			best = l.Level
		}
	}
	return best
}

func quadrant(p *playbook.Playbook, f score.Fit, intent float64) Quadrant {
	switch high := intent >= p.Decide.Review; {
	case high && !f.Fail(p):
		return QuadrantEngage
	case high:
		return QuadrantDeflect
	case !f.Fail(p):
		return QuadrantNurture
	}
	return QuadrantIgnore
}
