package decide

import (
	"fmt"

	"cusp/internal/playbook"
	"cusp/internal/score"
)

// Account decides for a company from its buying group. One person alone tells little of a company, and
// many people's interest is still interest: fewer than two active people, or nobody whose intent is
// trusted, never lead to more than nurture.
func Account(p *playbook.Playbook, g score.Group, fit score.Fit) (Decision, string) {
	active, trusted := 0, false
	for _, m := range g.Members {
		trusted = trusted || m.Trusted
		if m.Intent > 0 {
			active++
		}
	}
	switch {
	case fit.Fail(p):
		return Ignore, fmt.Sprintf("Fit %.1f is below the gate of %g.", fit.Score, p.Fit.Gate)
	case g.Score < p.Account.Review:
		return Nurture, fmt.Sprintf("Account score %.1f is below the review line of %g.", g.Score, p.Account.Review)
	case !fit.Pass(p):
		return Nurture, fmt.Sprintf("Account score %.1f reaches the review line of %g, but fit is not known.", g.Score, p.Account.Review)
	case active < 2:
		return Nurture, fmt.Sprintf("Account score %.1f comes from one person; a buying group needs two.", g.Score)
	case !trusted:
		return Nurture, fmt.Sprintf("Account score %.1f is interest: nobody's first-party evaluation, buying or usage signal is recent enough.", g.Score)
	case g.Score < p.Account.Engage:
		return Review, fmt.Sprintf("Account score %.1f reaches the review line of %g.", g.Score, p.Account.Review)
	}
	return Engage, fmt.Sprintf("Account score %.1f reaches the engage line of %g.", g.Score, p.Account.Engage)
}
