package playbook

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"cusp/internal/condition"
)

// margin keeps the proof valid although sums of float64 round: what is called below a threshold is
// below it by at least this much.
const margin = 1e-9

// pool is what one cap holds together: first-party interest, or everything of third parties.
type pool struct {
	name  string
	key   string // of intent.caps
	limit float64
	sum   bound
	parts []part
}

type part struct {
	id string
	bound
}

func (p *pool) add(s *Signal) {
	b := s.strongest()
	if b.most == 0 {
		return
	}
	p.sum = p.sum.plus(b)
	p.parts = append(p.parts, part{s.ID, b})
}

func (p *pool) most() float64 { return p.sum.held(p.limit).most }

// checkInterest proves that no amount of interest and third-party signals reaches the review threshold.
// Interest is at most the cap of its class and at most the sum of what its signals can hold; third party
// likewise; and nothing else adds to either.
func (r *reader) checkInterest() {
	interest := pool{name: "interest", key: "interest", limit: r.p.Intent.Caps[Interest]}
	third := pool{name: "third party", key: "third_party", limit: r.p.Intent.ThirdPartyCap}
	for i := range r.p.Signals {
		s := &r.p.Signals[i]
		switch {
		case s.ThirdParty:
			third.add(s)
		case s.Class == Interest:
			interest.add(s)
		}
	}
	most, review := interest.most()+third.most(), r.p.Decide.Review
	if review <= 0 || most < review-margin {
		return
	}
	r.d.Refuse(r.culprit(&interest, &third), "interest_triggers", capsHint(review, &interest, &third),
		"interest could trigger sales by itself: %s%s and decide.review is %s",
		strings.Join(nonEmpty(interest.describe(), third.describe()), "; "), together(&interest, &third), condition.FormatNumber(review))
}

// culprit is where to begin: the cap that is too generous, else the signal that adds most.
func (r *reader) culprit(pools ...*pool) *yaml.Node {
	worst := slices.MaxFunc(pools, func(a, b *pool) int { return cmp.Compare(a.most(), b.most()) })
	if n := r.where["caps."+worst.key]; n != nil && worst.sum.most >= worst.limit {
		return n
	}
	first := slices.MaxFunc(worst.parts, func(a, b part) int { return cmp.Compare(a.most, b.most) })
	i := slices.IndexFunc(r.p.Signals, func(s Signal) bool { return s.ID == first.id })
	return r.spotOf("points", i)
}

func nonEmpty(all ...string) []string {
	return slices.DeleteFunc(all, func(s string) bool { return s == "" })
}

func together(interest, third *pool) string {
	if interest.most() == 0 || third.most() == 0 {
		return ","
	}
	return fmt.Sprintf("; together %s,", amount(bound{most: interest.most() + third.most()}))
}

// describe says how high a pool can get and which signals carry it there.
func (p *pool) describe() string {
	if len(p.parts) == 0 {
		return ""
	}
	slices.SortStableFunc(p.parts, func(a, b part) int { return cmp.Compare(b.most, a.most) })
	names := make([]string, 0, len(p.parts))
	for _, x := range p.parts[:min(len(p.parts), 8)] {
		height := amount(x.bound)
		if math.IsInf(x.most, 1) {
			height = "unbounded"
		}
		names = append(names, x.id+" "+height)
	}
	if more := len(p.parts) - len(names); more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	capped := "no cap"
	if !math.IsInf(p.limit, 1) {
		capped = "cap " + condition.FormatNumber(p.limit)
	}
	return fmt.Sprintf("%s can reach %s (%s: %s)", p.name, amount(bound{most: p.most()}), capped, strings.Join(names, ", "))
}

func amount(b bound) string {
	if math.IsInf(b.most, 1) {
		return "any height"
	}
	return condition.FormatNumber(math.Round(b.most*100) / 100)
}

// capsHint proposes caps that pass: what is there is kept where possible, and the rest is shared so
// that a little room is left below the threshold.
func capsHint(review float64, pools ...*pool) string {
	used := 0
	for _, p := range pools {
		if len(p.parts) > 0 {
			used++
		}
	}
	share := math.Floor(review * 0.9 / float64(max(used, 1)))
	var caps []string
	for _, p := range pools {
		if len(p.parts) > 0 {
			caps = append(caps, fmt.Sprintf("%s: %s", p.key, condition.FormatNumber(math.Min(share, p.most()))))
		}
	}
	return fmt.Sprintf("for example intent: {caps: {%s}}, or a cap on each signal", strings.Join(caps, ", "))
}
