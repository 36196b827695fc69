package framework

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"cusp/internal/lead"
	"cusp/internal/signal"
)

// maxValue is how many characters of a value are kept.
const maxValue = 280

// Heard is something that a lead wrote, with what was read from it.
type Heard struct {
	Finding signal.Finding
	Text    string // the whole text
	Chat    bool   // in a chat; else a form, a mail or another text
	Of      string // the colleague who wrote it; empty for the lead
	At      lead.Instant
}

// Sentence is the sentence in which they said it, cut to a number of characters; the bare words when the
// text is not at hand.
func (h *Heard) Sentence(most int) string {
	start, end := h.Finding.Start, h.Finding.End
	if start < 0 || end > len(h.Text) || start >= end {
		return Clean(h.Finding.Quote, most)
	}
	for start > 0 && !ends(h.Text, start-1) {
		start--
	}
	for end < len(h.Text) && !ends(h.Text, end-1) {
		end++
	}
	if sentence := Clean(h.Text[start:end], signal.MaxText); utf8.RuneCountInString(sentence) <= most {
		return sentence
	}
	return Clean(h.Finding.Quote, most)
}

// ends says whether a sentence ends with the byte at i: with a line, or with a mark before white space.
func ends(text string, i int) bool {
	switch text[i] {
	case '\n':
		return true
	case '.', '!', '?':
		return i+1 == len(text) || strings.ContainsRune(" \t\r\n", rune(text[i+1]))
	}
	return false
}

// meanings is what a finding says about a key. A price question, urgency of tone and the like say nothing
// that sales need not ask.
var meanings = map[signal.Kind][]Key{
	signal.Budget:         {Budget},
	signal.Deadline:       {Timeline},
	signal.Approved:       {Prioritization},
	signal.FailedSolution: {Challenges},
	signal.Authority:      {Authority},
	signal.Urgency:        {Prioritization},
}

// FromText is what a finding in free text makes known, in the writer's words.
func FromText(h Heard) []Fact {
	standing, source := Yes, Signal
	if h.Finding.Negated {
		standing = No
	}
	if h.Chat {
		source = Chat
	}
	var out []Fact
	for _, key := range meanings[h.Finding.Kind] {
		out = append(out, Fact{
			Key: key, Standing: standing, Value: h.Sentence(maxValue), Source: source, Of: h.Of, At: h.At,
		})
	}
	return out
}

// fields are the names under which forms ask for a key, in snake case.
var fields = map[string]Key{
	"budget": Budget, "budget_range": Budget, "estimated_budget": Budget, "project_budget": Budget,
	"authority": Authority, "decision_maker": Authority, "decision_role": Authority, "buying_role": Authority,
	"need": Need, "needs": Need, "use_case": Need, "requirements": Need, "interest": Need,
	"timeline": Timeline, "timeframe": Timeline, "time_frame": Timeline, "deadline": Timeline, "start_date": Timeline, "when": Timeline,
	"challenge": Challenges, "challenges": Challenges, "pain_points": Challenges, "problem": Challenges,
	"priority": Prioritization, "prioritization": Prioritization,
	"goal": Goals, "goals": Goals, "plan": Plans, "plans": Plans,
	"consequences": Consequences, "implications": Implications, "money": Money,
}

// FromForm is what the fields of a form make known. Fields under other names, and empty ones, say
// nothing. The facts come in the order of [Keys].
func FromForm(properties map[string]any, of string, at lead.Instant) []Fact {
	best := map[Key]Fact{}
	names := map[Key]string{}
	for name, value := range properties {
		snake := strings.ReplaceAll(strings.ReplaceAll(strings.ToLower(name), "-", "_"), " ", "_")
		key, ok := fields[snake]
		if !ok {
			continue
		}
		f, ok := read(key, value)
		if before := names[key]; !ok || before != "" && before <= name {
			continue
		}
		f.Source, f.Of, f.At = Form, of, at
		best[key], names[key] = f, name
	}
	var out []Fact
	for _, key := range Keys() {
		if f, ok := best[key]; ok {
			out = append(out, f)
		}
	}
	return out
}

// FromTraits infers authority from who somebody is: owners and top managers decide, heads and managers
// share in it, and of students and interns it is known that they do not. Of everybody else nothing is
// inferred.
func FromTraits(traits map[string]any, of string, at lead.Instant) []Fact {
	title, _ := traits["title"].(string)
	seniority, _ := traits["seniority"].(string)
	standing, ok := authorityOf(strings.ToLower(seniority + " " + title))
	if !ok {
		return nil
	}
	value := title
	if value == "" {
		value = seniority
	}
	return []Fact{{Key: Authority, Standing: standing, Value: Clean(value, maxValue), Source: Trait, Of: of, At: at}}
}

func authorityOf(role string) (Standing, bool) {
	words := strings.FieldsFunc(role, func(r rune) bool { return !unicode.IsLetter(r) && r != '_' })
	has := func(list ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return slices.Contains(list, w) })
	}
	switch {
	case has("student", "intern", "internship", "trainee", "apprentice", "working_student"):
		return No, true
	case has("assistant"):
		return "", false
	case has("ceo", "cfo", "coo", "cto", "cio", "cmo", "cro", "cpo", "owner", "founder", "cofounder", "president", "c_level", "partner",
		"geschäftsführer", "executive") && !has("account", "vice", "sales"):
		return Yes, true
	case has("chief"):
		return Yes, true
	case has("vp", "vice", "head", "director", "manager", "lead"):
		return Partly, true
	}
	return "", false
}
