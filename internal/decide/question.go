package decide

import "strings"

// questions are the words in which people are asked for the usual facts, when the playbook has none of
// its own.
var questions = map[string]string{
	"account.employees":  "How many people work at your company?",
	"account.industry":   "Which industry is your company in?",
	"account.country":    "In which country is your company based?",
	"account.revenue":    "What is your company's yearly revenue, roughly?",
	"account.domain":     "What is your company's website?",
	"account.technology": "Which tools do you use today?",
	"person.title":       "What is your role?",
	"person.seniority":   "What is your role, and whom do you report to?",
	"person.department":  "Which team are you in?",
	"person.country":     "Where are you based?",
	"person.email":       "What is your work e-mail address?",
	"person.company":     "Which company do you work for?",
}

// AskFor words the question for what is missing; the first missing fact is asked for first.
func AskFor(missing []string) string {
	if len(missing) == 0 {
		return ""
	}
	if text, ok := questions[missing[0]]; ok {
		return text
	}
	_, name, _ := strings.Cut(missing[0], ".")
	return "What is the " + strings.ReplaceAll(name, "_", " ") + "?"
}
