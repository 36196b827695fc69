package score

import (
	"cmp"
	"math"
	"slices"

	"cusp/internal/lead"
	"cusp/internal/playbook"
)

// Member is one person of a buying group.
type Member struct {
	Person  lead.PersonID
	Intent  float64
	Role    string // part in the buying group; empty when unknown
	Trusted bool   // did something first-party beyond interest lately
}

// Group is an account's intent with its parts.
type Group struct {
	Score   float64 // held to 0…100
	Bonus   float64 // for distinct roles covered
	Roles   []string
	Members []Member // most active first, ties by id
}

// Account adds a company's people up: the most active counts most, and distinct roles among those who
// show any intent earn a bonus.
func Account(p *playbook.Playbook, members []Member) Group {
	g := Group{Members: slices.Clone(members)}
	slices.SortFunc(g.Members, func(a, b Member) int {
		return cmp.Or(cmp.Compare(b.Intent, a.Intent), cmp.Compare(a.Person, b.Person))
	})
	sum := 0.0
	for i, m := range g.Members {
		if i < len(p.Account.Weights) {
			sum += p.Account.Weights[i] * m.Intent
		}
		if m.Role != "" && m.Intent > 0 && !slices.Contains(g.Roles, m.Role) {
			g.Roles = append(g.Roles, m.Role)
		}
	}
	slices.Sort(g.Roles)
	switch {
	case len(g.Roles) >= 3:
		g.Bonus = p.Account.ThreeRoles
	case len(g.Roles) == 2:
		g.Bonus = p.Account.TwoRoles
	}
	g.Score = math.Max(0, math.Min(100, sum+g.Bonus))
	return g
}
