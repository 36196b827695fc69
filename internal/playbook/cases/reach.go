package cases

import (
	"fmt"

	"cusp/internal/condition"
	"cusp/internal/playbook"
)

// Unreached are the parts of a playbook that no case shows at work.
type Unreached struct {
	Signals    []string `json:"signals"`
	Exclusions []string `json:"exclusions"`
	Rules      []string `json:"rules"` // "company_size: 'account.employees > 2000'"
	Decisions  []string `json:"decisions"`
	Levels     []int    `json:"levels"`
}

// Lines are the findings for people, one each; none when everything was reached.
func (u Unreached) Lines() []string {
	var lines []string
	each := func(what string, names []string) {
		for _, name := range names {
			lines = append(lines, fmt.Sprintf("no case reaches the %s %s", what, name))
		}
	}
	each("exclusion", u.Exclusions)
	each("rule of", u.Rules)
	each("signal", u.Signals)
	each("decision", u.Decisions)
	for _, level := range u.Levels {
		lines = append(lines, fmt.Sprintf("no case reaches MQL level %d", level))
	}
	return lines
}

// reach notes what the cases of a playbook have shown.
type reach struct {
	p                             *playbook.Playbook
	signals, excludes, ruled, did map[string]bool
	levels                        map[int]bool
}

func newReach(p *playbook.Playbook) *reach {
	return &reach{
		p: p, signals: map[string]bool{}, excludes: map[string]bool{}, ruled: map[string]bool{},
		did: map[string]bool{}, levels: map[int]bool{},
	}
}

func (r *reach) note(c *Case, explain map[string]any) {
	if decision, ok := explain["decision"].(string); ok {
		r.did[decision] = true
	}
	if level, ok := explain["level"].(float64); ok {
		r.levels[int(level)] = true
	}
	if id, ok := explain["excluded_by"].(string); ok {
		r.excludes[id] = true
	}
	intent, _ := explain["intent"].(map[string]any)
	signals, _ := intent["signals"].([]any)
	for _, v := range signals {
		if s, ok := v.(map[string]any); ok {
			id, _ := s["id"].(string)
			r.signals[id] = r.signals[id] || s["count"] != 0.0
		}
	}
	var facts condition.Facts
	facts.Person, facts.Account = c.Traits()
	for _, criterion := range r.p.Fit.Criteria {
		for i, rule := range criterion.Rules {
			if rule.When.Eval(&facts) == condition.True {
				r.ruled[ruleName(&criterion, i)] = true
				break
			}
		}
	}
}

func ruleName(c *playbook.Criterion, rule int) string {
	return fmt.Sprintf("%s: '%s'", c.ID, c.Rules[rule].When.Text)
}

func (r *reach) missing() Unreached {
	var u Unreached
	for _, s := range r.p.Signals {
		if !r.signals[s.ID] {
			u.Signals = append(u.Signals, s.ID)
		}
	}
	for _, x := range r.p.Exclude {
		if !r.excludes[x.ID] {
			u.Exclusions = append(u.Exclusions, x.ID)
		}
	}
	for _, c := range r.p.Fit.Criteria {
		for i := range c.Rules {
			if name := ruleName(&c, i); !r.ruled[name] {
				u.Rules = append(u.Rules, name)
			}
		}
	}
	for _, decision := range r.decisions() {
		if !r.did[decision] {
			u.Decisions = append(u.Decisions, decision)
		}
	}
	for _, l := range r.p.Decide.MQL {
		if !r.levels[l.Level] {
			u.Levels = append(u.Levels, l.Level)
		}
	}
	return u
}

// decisions are those that the playbook can come to.
func (r *reach) decisions() []string {
	all := []string{"nurture", "review", "engage"}
	if len(r.p.Fit.Criteria) > 0 && r.p.Fit.Gate > 0 {
		all = append(all, "deflect", "ignore")
	}
	if len(r.p.Exclude) > 0 {
		all = append(all, "disqualify")
	}
	return all
}
