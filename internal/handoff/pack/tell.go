package pack

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"cusp/internal/decide"
	"cusp/internal/handoff/framework"
	"cusp/internal/lead"
)

// who is the lead in one line.
func (m *maker) who() string {
	p := m.in.Person
	name := clean(cmp.Or(p.Name, p.Email, "Somebody not named yet"), maxName)
	line := name
	if p.Title != "" {
		line += ", " + clean(p.Title, maxName)
	}
	if email := clean(p.Email, maxName); email != "" && email != name {
		line += " <" + email + ">"
	}
	return line
}

// company is the account in one line.
func (m *maker) company() string {
	a := m.in.Account
	name := clean(cmp.Or(a.Name, a.Domain), maxName)
	if name == "" {
		return ""
	}
	var parts []string
	if a.Name != "" && a.Domain != "" {
		parts = append(parts, clean(a.Domain, maxName))
	}
	if a.Industry != "" {
		parts = append(parts, clean(a.Industry, maxName))
	}
	if a.Employees > 0 {
		parts = append(parts, fmt.Sprintf("%d employees", a.Employees))
	}
	if a.Country != "" {
		parts = append(parts, clean(a.Country, maxName))
	}
	if len(parts) == 0 {
		return name
	}
	return name + " (" + strings.Join(parts, ", ") + ")"
}

// why is why now: the reasons of the decision, the turn to serious, and what they said last that counts.
func (m *maker) why() []string {
	out := []string{}
	for _, r := range m.in.Reasons {
		out = append(out, clean(r, maxLine))
	}
	if at := m.in.SeriousAt; at != 0 {
		out = append(out, "Turned from curious to serious "+ago(m.in.Now, at)+".")
	}
	if words := m.lastWords(); words != "" {
		out = append(out, words)
	}
	return out[:min(len(out), maxReasons)]
}

// freshWords is how long what they wrote is a reason to call now.
const freshWords = 30 * 24 * time.Hour

// lastWords is the last thing they wrote that speaks for buying, unless it is long past.
func (m *maker) lastWords() string {
	for i := range m.quotes {
		q := &m.quotes[i]
		for _, f := range q.findings {
			if !f.Negated && m.in.Now.Sub(q.at) <= freshWords {
				return fmt.Sprintf("Wrote %s: “%s”", ago(m.in.Now, q.at), q.sentence(f, maxLine))
			}
		}
	}
	return ""
}

// did are the signals that speak of buying, the weightiest first; mere reading is left out.
func (m *maker) did() []Deed {
	var signals []Signal
	for _, s := range m.in.Signals {
		if s.Class != "interest" && s.Class != "negative" && s.Count > 0 {
			signals = append(signals, s)
		}
	}
	slices.SortStableFunc(signals, func(a, b Signal) int { return cmp.Compare(b.Value, a.Value) })
	out := []Deed{}
	for _, s := range signals[:min(len(signals), maxDeeds)] {
		times := "once"
		if s.Count > 1 {
			times = fmt.Sprintf("%d times", s.Count)
		}
		out = append(out, Deed{
			Signal: s.ID, Count: s.Count, LastAt: s.Last.String(),
			Text: fmt.Sprintf("%s %s, last %s", sentence(s.ID), times, ago(m.in.Now, s.Last)),
		})
	}
	return out
}

// sentence writes pricing_viewed as "Pricing viewed".
func sentence(id string) string {
	text := clean(strings.ReplaceAll(id, "_", " "), maxName)
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// read are the pages that they have seen, the newest first.
func (m *maker) read() []Reading {
	type seen struct {
		Reading
		at lead.Instant
	}
	pages := map[string]*seen{}
	for i := range m.in.Happenings {
		h := &m.in.Happenings[i]
		path := clean(h.Path, maxLine)
		if h.Type != "page" || path == "" || path == "/" || h.Ignored || h.At > m.in.Now {
			continue
		}
		if pages[path] == nil {
			pages[path] = &seen{Reading: Reading{Path: path}}
		}
		s := pages[path]
		s.Count++
		if h.At >= s.at {
			s.at, s.LastAt = h.At, h.At.String()
			title, _ := h.Properties["title"].(string)
			s.Title = clean(cmp.Or(title, h.Name), maxName)
		}
	}
	list := make([]*seen, 0, len(pages))
	for _, s := range pages {
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b *seen) int { return cmp.Or(cmp.Compare(b.at, a.at), cmp.Compare(a.Path, b.Path)) })
	out := []Reading{}
	for _, s := range list[:min(len(list), maxReadings)] {
		out = append(out, s.Reading)
	}
	return out
}

// colleagues are the others at the account: who has raised a hand or comes near it first.
func (m *maker) colleagues() []Other {
	people := slices.Clone(m.in.People)
	slices.SortStableFunc(people, func(a, b Colleague) int {
		return cmp.Or(cmp.Compare(b.Intent, a.Intent), cmp.Compare(b.LastSeen, a.LastSeen), cmp.Compare(a.Name, b.Name))
	})
	out := []Other{}
	for _, c := range people {
		if c.Name == "" || len(out) == maxColleagues {
			continue
		}
		o := Other{Name: clean(c.Name, maxName), Title: clean(c.Title, maxName), Decision: c.Decision}
		if c.LastSeen != 0 {
			o.LastSeen = c.LastSeen.String()
		}
		for _, f := range framework.FromTraits(map[string]any{"title": c.Title}, o.Name, m.in.Now) {
			o.Decides = f.Standing == framework.Yes
		}
		out = append(out, o)
	}
	return out
}

// before are earlier handoffs, the newest first.
func (m *maker) before() []Earlier {
	rounds := slices.Clone(m.in.Rounds)
	slices.SortStableFunc(rounds, func(a, b Round) int { return cmp.Compare(b.At, a.At) })
	out := []Earlier{}
	for _, r := range rounds[:min(len(rounds), maxReasons)] {
		out = append(out, Earlier{At: r.At.String(), Outcome: r.Outcome, Reason: clean(r.Reason, maxLine), Note: clean(r.Note, maxLine)})
	}
	return out
}

// inbound says that they raised a hand.
func (m *maker) inbound() bool { return m.in.Track == decide.TrackInbound }

// ago words how long something is past, in the largest unit that fits.
func ago(now, then lead.Instant) string {
	d := max(0, now.Sub(then))
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d days ago", int(d.Hours()/24))
	case d >= 2*time.Hour:
		return fmt.Sprintf("%d hours ago", int(d.Hours()))
	case d >= 2*time.Minute:
		return fmt.Sprintf("%d minutes ago", int(d.Minutes()))
	}
	return "just now"
}
