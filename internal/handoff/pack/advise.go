package pack

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"cusp/internal/handoff/framework"
)

// open is what to begin with, the best first: their own question; the case study that they read, else one
// of their industry; the industry, when there is no case study.
func (m *maker) open() []Opening {
	out := []Opening{}
	if o := m.openWithQuestion(); o != nil {
		out = append(out, *o)
	}
	if o := m.openWithStory(); o != nil {
		return append(out, *o)
	}
	industry := clean(m.in.Account.Industry, maxName)
	if industry == "" {
		return out
	}
	text := "How others in " + industry
	if n := m.in.Account.Employees; n > 0 {
		text += fmt.Sprintf(" with about %d people", n)
	}
	return append(out, Opening{Kind: "industry", Text: text + " solve this.", Because: "Their industry is known, and they have read no case study."})
}

// openWithQuestion answers what they asked last.
func (m *maker) openWithQuestion() *Opening {
	for i := range m.quotes {
		q := &m.quotes[i]
		for _, f := range q.findings {
			if f.Name() == "price" || f.Name() == "implementation" {
				return &Opening{
					Kind: "question", Text: "Answer what they asked: “" + q.sentence(f, maxLine) + "”",
					Because: fmt.Sprintf("They asked about the %s %s (%s).", f.Name(), ago(m.in.Now, q.at), q.where),
				}
			}
		}
	}
	return nil
}

func (m *maker) openWithStory() *Opening {
	seen := map[string]bool{}
	var newest *Happening
	for i := range m.in.Happenings {
		h := &m.in.Happenings[i]
		if h.Type != "page" || h.Ignored || h.At > m.in.Now || !story(h.Path) {
			continue
		}
		seen[h.Path] = true
		if newest == nil || h.At >= newest.At {
			newest = h
		}
	}
	if newest != nil {
		title, _ := newest.Properties["title"].(string)
		return &Opening{
			Kind: "case_study", Path: clean(newest.Path, maxLine), Text: "The case study " + storyName(title, newest.Path) + ": ask what in it is like their own situation.",
			Because: "They read it " + ago(m.in.Now, newest.At) + "; do not send it again.",
		}
	}
	for _, s := range m.in.Stories {
		if s.Industry != "" && strings.EqualFold(s.Industry, m.in.Account.Industry) && !seen[s.Path] {
			return &Opening{
				Kind: "case_study", Path: clean(s.Path, maxLine), Text: "The case study " + storyName(s.Title, s.Path) + ".",
				Because: "It is from their industry (" + clean(s.Industry, maxName) + "), and they have not read it.",
			}
		}
	}
	return nil
}

// story says whether a page is a case study: /customers/acme, /case-studies/acme.
func story(p string) bool {
	for _, prefix := range []string{"/customers/", "/case-studies/", "/case-study/", "/success-stories/", "/stories/"} {
		if rest, ok := strings.CutPrefix(p, prefix); ok && strings.Trim(rest, "/") != "" {
			return true
		}
	}
	return false
}

func storyName(title, p string) string {
	if title = clean(title, maxName); title != "" {
		return "“" + title + "”"
	}
	return "of " + clean(strings.ReplaceAll(path.Base(p), "-", " "), maxName)
}

// ask is what to find out: what is disputed, then what would change the decision, then what the
// frameworks lack, each question once.
func (m *maker) ask(views []framework.View) []OpenQuestion {
	out := []OpenQuestion{}
	add := func(q OpenQuestion) {
		if q.Text != "" && len(out) < maxAsks && !slices.ContainsFunc(out, func(o OpenQuestion) bool { return o.Text == q.Text || o.Key == q.Key }) {
			out = append(out, q)
		}
	}
	for _, v := range views {
		for _, item := range v.Items {
			if item.Disputed {
				add(OpenQuestion{Key: string(item.Key), Text: item.Ask, Because: "They have said different things about it."})
			}
		}
	}
	if m.in.Ask != "" {
		add(OpenQuestion{Key: "fit", Text: clean(m.in.Ask, maxLine), Because: "It would change the decision most."})
	}
	if m.settled(framework.Authority) == framework.No {
		add(OpenQuestion{Key: string(framework.Authority), Text: "Who decides about this, and could they join?", Because: "It is not this person, by what is known."})
	}
	for _, v := range views {
		for _, item := range v.Items {
			because := "Not known yet (" + v.Name + ")."
			if item.Stale {
				because = fmt.Sprintf("Known, but %d days old.", item.AgeDays)
			}
			add(OpenQuestion{Key: string(item.Key), Text: item.Ask, Because: because})
		}
	}
	return out
}

// settled is where the lead's own fact under a key stands; empty while nothing is known.
func (m *maker) settled(key framework.Key) framework.Standing {
	for _, k := range framework.Settle(m.facts, m.in.Now) {
		if k.Key == key && k.Of == "" {
			return k.Standing
		}
	}
	return ""
}

// avoid is what had better not be said, with the evidence.
func (m *maker) avoid() []Avoid {
	out := []Avoid{}
	add := func(text, because string) {
		if len(out) < maxAvoid {
			out = append(out, Avoid{text, because})
		}
	}
	m.avoidOffence(add)
	m.avoidDenied(add)
	if m.inbound() && len(m.quotes) > 0 {
		add("Do not ask them to tell their story again.", "They wrote it down ("+m.quotes[0].where+").")
	}
	if len(m.in.Signals) > 0 && !m.inbound() {
		add("Do not say which pages they visited.", "They have not asked for a call: being watched puts people off. Speak of the subject instead.")
	}
	if !m.in.FitKnown && len(m.in.Missing) > 0 {
		add("Do not guess at what is not known of them.", "Not known yet: "+clean(strings.ReplaceAll(strings.Join(m.in.Missing, ", "), "_", " "), maxLine)+".")
	}
	return out
}

// avoidOffence is about wishes and answers that they gave before.
func (m *maker) avoidOffence(add func(text, because string)) {
	for _, s := range m.in.Signals {
		if strings.Contains(s.ID, "unsubscribe") && s.Count > 0 {
			add("Do not put them on a mailing list.", "They unsubscribed "+ago(m.in.Now, s.Last)+".")
			break
		}
	}
	if rounds := m.before(); len(rounds) > 0 {
		last := rounds[0]
		if last.Outcome == "rejected" || last.Outcome == "recycled" {
			because := "The last handoff was " + last.Outcome
			if last.Reason != "" {
				because += ": " + last.Reason
			}
			add("Do not repeat the last pitch; ask what has changed.", because+".")
		}
	}
	for i := range m.in.Happenings {
		if h := &m.in.Happenings[i]; h.Type == "page" && !h.Ignored && strings.HasPrefix(h.Path, "/compare/") {
			add("Do not run down the competitor.", "They are comparing ("+clean(h.Path, maxLine)+"): say what you do better, in figures.")
			break
		}
	}
}

// avoidDenied is about what they said is not there.
func (m *maker) avoidDenied(add func(text, because string)) {
	for _, k := range framework.Settle(m.facts, m.in.Now) {
		if k.Standing != framework.No || k.Of != "" {
			continue
		}
		because := "They said so " + ago(m.in.Now, k.At)
		if k.Source == framework.Trait {
			because = "By the role"
		}
		if k.Value != "" {
			because += ": “" + clean(k.Value, maxLine) + "”"
		}
		switch k.Key {
		case framework.Budget, framework.Money:
			add("Do not press for a purchase now.", because+".")
		case framework.Timeline:
			add("Do not press for a date.", because+".")
		case framework.Authority:
			add("Do not negotiate with them alone; ask who decides.", because+".")
		default:
		}
	}
}
