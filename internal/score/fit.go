package score

import (
	"math"

	"cusp/internal/condition"
	"cusp/internal/playbook"
)

// Fit is who a lead is against the ideal customer profile.
type Fit struct {
	Score    float64 // 0…100; meaningless while not Known
	Coverage float64 // 0…1: share of the criteria's points that is known
	Known    bool
}

// Pass says whether the fit is known and reaches the gate.
func (f Fit) Pass(p *playbook.Playbook) bool { return f.Known && f.Score >= p.Fit.Gate }

// Fail says whether the fit is known and below the gate.
func (f Fit) Fail(p *playbook.Playbook) bool { return f.Known && f.Score < p.Fit.Gate }

// CriterionResult is one criterion's part in a fit score.
type CriterionResult struct {
	Known   bool
	Points  float64
	Rule    int      // index of the first rule that is met; -1 for none
	Missing []string // what it needs and lacks
}

// EvaluateFit judges traits. The score is 100 · Σ got / Σ max over the known criteria, the coverage
// Σ max of the known over Σ max of all. A playbook without criteria fits everybody.
func EvaluateFit(p *playbook.Playbook, f *condition.Facts) Fit {
	return fit(p, f, nil)
}

// ExplainFit is [EvaluateFit] with every criterion's part, in playbook order.
func ExplainFit(p *playbook.Playbook, f *condition.Facts) (Fit, []CriterionResult) {
	parts := make([]CriterionResult, len(p.Fit.Criteria))
	return fit(p, f, parts), parts
}

func fit(p *playbook.Playbook, f *condition.Facts, parts []CriterionResult) Fit {
	var got, known, all float64
	for i := range p.Fit.Criteria {
		c := &p.Fit.Criteria[i]
		all += c.Max
		r := criterion(c, f, parts != nil)
		if parts != nil {
			parts[i] = r
		}
		if r.Known {
			known += c.Max
			got += r.Points
		}
	}
	if all == 0 {
		return Fit{Score: 100, Coverage: 1, Known: true}
	}
	out := Fit{Coverage: known / all}
	out.Known = known > 0 && out.Coverage >= p.Fit.MinCoverage
	if out.Known {
		out.Score = math.Max(0, math.Min(100, 100*got/known))
	}
	return out
}

func criterion(c *playbook.Criterion, f *condition.Facts, explain bool) CriterionResult {
	r := CriterionResult{Known: true, Rule: -1}
	for _, path := range c.Needs {
		if f.Has(path) {
			continue
		}
		r.Known = false
		if !explain {
			return r
		}
		r.Missing = append(r.Missing, path)
	}
	if !r.Known {
		return r
	}
	for i := range c.Rules {
		if c.Rules[i].When.Eval(f) == condition.True {
			r.Points, r.Rule = c.Rules[i].Points, i
			break
		}
	}
	return r
}
