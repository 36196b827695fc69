package pack

import (
	"cmp"
	"slices"
	"strings"

	"cusp/internal/handoff/framework"
	"cusp/internal/lead"
	"cusp/internal/signal"
)

// maker holds what is gathered on the way to a pack.
type maker struct {
	in     *Input
	quotes []quote // newest first
	facts  []framework.Fact
}

// quote is a text that they wrote, with what was read from it.
type quote struct {
	at       lead.Instant
	where    string
	text     string
	findings []signal.Finding
}

// listen reads what they wrote, newest first.
func (m *maker) listen() {
	events := slices.Clone(m.in.Happenings)
	slices.SortStableFunc(events, func(a, b Happening) int { return cmp.Compare(b.At, a.At) })
	seen := map[string]bool{}
	for i := range events {
		h := &events[i]
		if h.Ignored || h.At > m.in.Now || h.Type != "track" && h.Type != "identify" {
			continue
		}
		m.facts = append(m.facts, framework.FromForm(h.Properties, "", h.At)...)
		for _, text := range signal.Texts(h.Properties) {
			if seen[text] {
				continue // the same message sent twice is one
			}
			seen[text] = true
			m.hear(h, text)
		}
	}
}

// sentence is the one in which they said something.
func (q *quote) sentence(f signal.Finding, most int) string {
	h := framework.Heard{Finding: f, Text: q.text}
	return h.Sentence(most)
}

func (m *maker) hear(h *Happening, text string) {
	q := quote{at: h.At, where: where(h), text: text, findings: signal.Read(text)}
	m.quotes = append(m.quotes, q)
	for _, f := range q.findings {
		m.facts = append(m.facts, framework.FromText(framework.Heard{
			Finding: f, Text: text, Chat: strings.Contains(strings.ToLower(h.Name), "chat"), At: h.At,
		})...)
	}
}

// infer adds what titles tell: of the lead, and of the colleagues under their names.
func (m *maker) infer() {
	traits := map[string]any{"title": m.in.Person.Title, "seniority": m.in.Person.Traits["seniority"]}
	m.facts = append(m.facts, framework.FromTraits(traits, "", m.in.Now)...)
	for _, c := range m.in.People {
		if c.Name != "" {
			m.facts = append(m.facts, framework.FromTraits(map[string]any{"title": c.Title}, clean(c.Name, maxName), m.in.Now)...)
		}
	}
}

// where names the form, chat or mail that a text came in.
func where(h *Happening) string {
	for _, key := range []string{"form_name", "formName", "form_id", "formId", "form", "subject"} {
		if name, _ := h.Properties[key].(string); name != "" {
			return clean(h.Name+" ("+name+")", maxLine)
		}
	}
	if h.Name != "" {
		return clean(h.Name, maxLine)
	}
	return h.Type
}

// said are their words. What says something about buying comes before small talk; of each kind the newest
// comes first.
func (m *maker) said() []Quote {
	order := slices.Clone(m.quotes)
	slices.SortStableFunc(order, func(a, b quote) int { return cmp.Compare(silent(a), silent(b)) })
	order = order[:min(len(order), maxQuotes)]
	slices.SortStableFunc(order, func(a, b quote) int { return cmp.Compare(b.at, a.at) })
	out := []Quote{}
	for _, q := range order {
		about := []string{}
		for _, f := range q.findings {
			about = append(about, f.Name())
		}
		out = append(out, Quote{At: q.at.String(), Where: q.where, Text: excerpt(&q), About: about})
	}
	return out
}

func silent(q quote) int {
	if len(q.findings) == 0 {
		return 1
	}
	return 0
}

// excerpt is a text that is short enough, or the sentences of a long one that say something.
func excerpt(q *quote) string {
	whole := clean(q.text, maxQuote+1)
	if len([]rune(whole)) <= maxQuote || len(q.findings) == 0 {
		return clean(q.text, maxQuote)
	}
	var parts []string
	for _, f := range q.findings {
		if part := q.sentence(f, maxQuote); !slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(p, part) }) {
			parts = append(parts, part)
		}
	}
	return clean("… "+strings.Join(parts, " … ")+" …", maxQuote)
}

func clean(text string, most int) string { return framework.Clean(text, most) }
