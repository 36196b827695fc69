package flow

import (
	"context"
	"fmt"
	"slices"

	"cusp/internal/db"
	"cusp/internal/decide"
	"cusp/internal/identity"
	"cusp/internal/lead"
	"cusp/internal/playbook"
	"cusp/internal/score"
)

// groupLimit is how many people of an account are weighed; beyond it the account is not a buying group.
const groupLimit = 1000

// AccountView is an account with its buying group, as it stands now.
type AccountView struct {
	ID       string          `json:"id"`
	Name     string          `json:"name"`
	Domain   string          `json:"domain"`
	Traits   map[string]any  `json:"traits"`
	Score    float64         `json:"score" doc:"Weighted intent of the people plus the bonus for roles, held to 0…100."`
	Bonus    float64         `json:"bonus"`
	Roles    []string        `json:"roles" doc:"Distinct roles among those who show intent."`
	Fit      *float64        `json:"fit" doc:"Of the most active person; null while unknown."`
	Decision decide.Decision `json:"decision" enum:"nurture,review,engage,ignore"`
	Reason   string          `json:"reason"`
	People   []GroupMember   `json:"people" doc:"Most active first."`
}

// GroupMember is a person's part in its account's score.
type GroupMember struct {
	Summary
	Role   string  `json:"role"`
	Weight float64 `json:"weight" doc:"Share of the person's intent that counts."`
}

// Account answers how a company as a whole stands.
func (e *Engine) Account(ctx context.Context, ref string) (AccountView, error) {
	pub := e.current.Load()
	if pub == nil {
		return AccountView{}, noPlaybook()
	}
	var view AccountView
	err := e.Read(ctx, func(tx *db.Tx) error {
		id, err := identity.FindAccount(tx, ref)
		if err != nil {
			return err
		}
		view, err = accountView(tx, pub, id, e.instant())
		return err
	})
	if err != nil {
		return AccountView{}, fmt.Errorf("read account: %w", err)
	}
	return view, nil
}

func accountView(tx *db.Tx, pub *Published, id lead.AccountID, now lead.Instant) (AccountView, error) {
	facts, err := identity.AccountFacts(tx, id)
	if err != nil {
		return AccountView{}, err
	}
	view := AccountView{ID: id.String(), Traits: map[string]any{}, People: []GroupMember{}}
	for _, fact := range facts {
		identity.ApplyAccount(view.Traits, fact)
	}
	view.Name, _ = view.Traits["name"].(string)
	view.Domain, _ = view.Traits["domain"].(string)
	rows, err := stateRows(tx, accountPeople, int64(id), groupLimit)
	if err != nil {
		return view, err
	}
	people := map[lead.PersonID]*GroupMember{}
	leads := map[lead.PersonID]*Lead{}
	var members []score.Member
	for _, x := range rows {
		l, err := liveLead(tx, pub, x, now)
		if err != nil {
			return view, err
		}
		m := &GroupMember{Summary: summary(pub.Playbook, x, l, now), Role: roleOf(l)}
		people[x.Person], leads[x.Person] = m, l
		if l.Excluded < 0 {
			in := l.Score.Intent(pub.Playbook, now)
			members = append(members, score.Member{Person: x.Person, Intent: in.Score, Role: m.Role, Trusted: in.Trusted})
		}
	}
	view.judge(pub.Playbook, score.Account(pub.Playbook, members), people, leads)
	return view, nil
}

// judge compares the group with the account's thresholds. People who are excluded take no part.
func (v *AccountView) judge(p *playbook.Playbook, g score.Group, people map[lead.PersonID]*GroupMember, leads map[lead.PersonID]*Lead) {
	v.Score, v.Bonus, v.Roles = g.Score, g.Bonus, g.Roles
	if v.Roles == nil {
		v.Roles = []string{}
	}
	fit := score.Fit{}
	for i, m := range g.Members {
		member := people[m.Person]
		if i < len(p.Account.Weights) {
			member.Weight = p.Account.Weights[i]
		}
		if i == 0 {
			fit = leads[m.Person].Fit
			v.Fit = member.Fit
		}
		v.People = append(v.People, *member)
		delete(people, m.Person)
	}
	rest := make([]GroupMember, 0, len(people))
	for _, m := range people {
		rest = append(rest, *m)
	}
	slices.SortFunc(rest, func(a, b GroupMember) int { return slices.Compare([]byte(a.ID), []byte(b.ID)) })
	v.People = append(v.People, rest...)
	v.Decision, v.Reason = decide.Account(p, g, fit)
}

// roleOf is a person's part in the buying group: what is stated, else what the title suggests.
func roleOf(l *Lead) string {
	if role := l.Person.Text("buying_role"); role != "" {
		return role
	}
	return score.Role(l.Person.Text("title"))
}
