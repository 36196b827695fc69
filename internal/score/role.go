package score

import (
	"slices"
	"strings"
	"unicode"
)

// The roles of a buying group.
const (
	RoleDecisionMaker = "decision_maker"
	RoleFinance       = "finance"
	RoleTechnical     = "technical"
	RoleManager       = "manager"
	RoleUser          = "user"
)

// roleWords map words of a title to roles, tried in this order: who controls money or technology counts
// as that even with a chief's title, because those roles are what a buying group lacks most often.
var roleWords = []struct {
	role  string
	words []string
}{
	{RoleFinance, []string{"cfo", "finance", "financial", "procurement", "purchasing", "controller", "treasurer", "buyer"}},
	{RoleTechnical, []string{
		"cto", "cio", "ciso", "it", "engineer", "engineering", "developer", "architect", "technology", "technical", "security", "devops", "data",
	}},
	{RoleDecisionMaker, []string{"ceo", "coo", "cmo", "cro", "chief", "president", "vp", "svp", "evp", "founder", "owner", "partner", "head", "director", "managing"}},
	{RoleManager, []string{"manager", "lead", "supervisor"}},
}

// Role is the part in a buying group that a job title suggests; empty without a title. A title that says
// nothing of power makes a user.
func Role(title string) string {
	words := strings.FieldsFunc(strings.ToLower(title), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	if len(words) == 0 {
		return ""
	}
	for _, x := range roleWords {
		if slices.ContainsFunc(words, func(w string) bool { return slices.Contains(x.words, w) }) {
			return x.role
		}
	}
	return RoleUser
}
