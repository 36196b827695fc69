package decide

import (
	"testing"

	"cusp/internal/lead"
	"cusp/internal/playbook"
	"cusp/internal/score"
)

func TestAccount(t *testing.T) {
	t.Parallel()
	p := book()
	p.Account = playbook.Account{Weights: []float64{1, 0.5, 0.25}, TwoRoles: 10, ThreeRoles: 20, Review: 50, Engage: 90}
	person := func(id lead.PersonID, intent float64, role string, trusted bool) score.Member {
		return score.Member{Person: id, Intent: intent, Role: role, Trusted: trusted}
	}
	tests := []struct {
		name    string
		members []score.Member
		fit     score.Fit
		want    Decision
	}{
		{"nobody", nil, fit(80), Nurture},
		{"one very active person is not a group", []score.Member{person(1, 95, "user", true)}, fit(80), Nurture},
		{"two roles reach the review line", []score.Member{person(1, 40, "user", true), person(2, 10, "finance", false)}, fit(80), Review},
		{"three active roles reach the engage line", []score.Member{person(1, 60, "user", true), person(2, 30, "finance", false), person(3, 20, "technical", false)}, fit(80), Engage},
		{"the interest of many is still interest", []score.Member{person(1, 40, "user", false), person(2, 40, "finance", false)}, fit(80), Nurture},
		{"an account that does not fit is left alone", []score.Member{person(1, 90, "user", true), person(2, 90, "finance", true)}, fit(30), Ignore},
		{"an unknown fit waits", []score.Member{person(1, 90, "user", true), person(2, 90, "finance", true)}, score.Fit{}, Nurture},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, why := Account(p, score.Account(p, tt.members), tt.fit)
			if got != tt.want || why == "" {
				t.Errorf("decision = %s (%s), want %s", got, why, tt.want)
			}
		})
	}
}
