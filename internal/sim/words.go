package sim

import (
	"math/rand/v2"
	"strings"
)

// saying is a way to say something, and what it says about buying; no label: nothing.
type saying struct {
	label string
	ways  []string
}

// buyerSayings are what people who buy write into a form.
func buyerSayings() []saying {
	return []saying{
		{"budget", []string{"We have a budget of 40k for this.", "Budget is approved on our side.", "We've set aside 25,000 EUR for a new tool.", "There is budget available this year."}},
		{"deadline", []string{"We need to go live before Q3.", "Our contract with the current vendor ends in June.", "It must be in place by the end of September.", "We have to decide by the end of the month."}},
		{"approved", []string{"The project has been approved.", "The board signed off on it last week.", "We got the green light from management."}},
		{"failed_solution", []string{"Our current tool keeps crashing.", "We tried another vendor and it didn't work for us.", "We've outgrown spreadsheets.", "Our existing system can't keep up."}},
		{"authority", []string{"I'm the decision maker for this.", "I make the final call on software purchases.", "I'm the budget holder."}},
		{"urgency", []string{"We need this ASAP.", "It is urgent for us.", "Please call me back as soon as possible."}},
		{"price", []string{"How much does it cost for 120 people?", "Could you send me a quote?", "What's the pricing for 300 users?"}},
		{"implementation", []string{"How long does implementation take?", "Does it integrate with NetSuite?", "Can we migrate our data from the old system?"}},
	}
}

// denials are what people write who are interested and not ready.
func denials() []saying {
	return []saying{
		{"no_budget", []string{"We have no budget until next year.", "There's no budget for this right now."}},
		{"no_deadline", []string{"There is no deadline.", "We have no fixed timeline."}},
		{"no_approved", []string{"The project is not approved yet.", "We are waiting for approval from the board."}},
		{"no_authority", []string{"I'm not the decision maker.", "My manager makes the final decision."}},
		{"no_urgency", []string{"No rush.", "It's not urgent."}},
	}
}

// smallTalk says nothing about buying.
func smallTalk() []saying {
	return []saying{{"", []string{
		"I'd like to learn more about your product.", "Great webinar yesterday.", "Please send me the slides.",
		"I enjoyed your article on expense policies.", "Is the recording available somewhere?", "We're a team of 40.",
		"My colleague recommended you.", "Do you have customers in the logistics sector?",
	}}}
}

func studentTalk() []saying {
	return []saying{{"", []string{
		"I'm a student working on my thesis about spend management.", "I need some figures for my dissertation.",
		"My thesis deadline is in May, could you answer ten questions?",
	}}}
}

func supplierTalk() []saying {
	return []saying{{"", []string{
		"We offer SEO services and could boost your traffic.", "We build websites and would like to work with you.",
		"We sell lists of finance leaders.",
	}}}
}

// say puts n different sayings together; a greeting and a closing make it a message.
func say(r *rand.Rand, from []saying, n int) (message string, labels []string) {
	var b strings.Builder
	if r.IntN(2) == 0 {
		b.WriteString("Hi team,\n")
	}
	for _, i := range r.Perm(len(from))[:min(n, len(from))] {
		if s := b.String(); s != "" && !strings.HasSuffix(s, "\n") {
			b.WriteByte(' ')
		}
		b.WriteString(pick(r, from[i].ways))
		if from[i].label != "" {
			labels = append(labels, from[i].label)
		}
	}
	if r.IntN(4) == 0 {
		b.WriteString("\nBest regards,\n" + pick(r, firstNames()))
	}
	return b.String(), labels
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }
