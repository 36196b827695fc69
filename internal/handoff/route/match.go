package route

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"cusp/internal/condition"
	"cusp/internal/lead"
)

// fits reports whether a rep takes leads of this kind at all; otherwise the hop says why not. It looks
// at nothing that passes by itself: those are absence, hours and load.
func (w *walk) fits(r Rep) (Hop, bool) {
	id, l := string(r.ID), w.lead
	switch {
	case !r.Active:
		return hop(RepInactive, id, "%s is no longer active.", r.title()), false
	case slices.Contains(l.Refused, r.ID):
		return hop(RepRefused, id, "%s had this lead before.", r.title()), false
	case r.Weight < 1:
		return hop(RepWeight, id, "%s has weight %d and takes no part in the turns.", r.title(), r.Weight), false
	case !speaks(r.Languages, l.Language):
		return hop(RepLanguage, id, "%s does not take leads in %s (takes %s).", r.title(), l.Language, someOf(r.Languages)), false
	case !w.covers(r.Territories, l.Country, true):
		return hop(RepTerritory, id, "%s does not take leads in %s (takes %s).", r.title(), l.Country, someOf(r.Territories)), false
	case !takes(r.Industries, l.Industry):
		return hop(RepIndustry, id, "%s does not take leads from %s (takes %s).", r.title(), l.Industry, someOf(r.Industries)), false
	case !takes(r.Tiers, l.Tier):
		return hop(RepTier, id, "%s does not take leads of tier %s (takes %s).", r.title(), l.Tier, someOf(r.Tiers)), false
	}
	return Hop{}, true
}

// presence is what keeps a rep who fits from a lead for the moment.
func presence(r Rep) (Hop, bool) {
	id := string(r.ID)
	until := ""
	if known(r.NextOpen) {
		until = " until " + clock(r.NextOpen)
	}
	switch {
	case r.Open >= r.Capacity:
		return hop(RepFull, id, "%s has %d of at most %d handoffs open.", r.title(), r.Open, max(r.Capacity, 0)), false
	case r.Absent:
		return hop(RepAbsent, id, "%s is absent%s.", r.title(), until), false
	case !r.OpenNow:
		return hop(RepClosed, id, "%s is outside working hours%s.", r.title(), until), false
	}
	return Hop{}, true
}

// takes compares a lead's property with a list of what a rep takes.
func takes(list []string, value string) bool {
	return len(list) == 0 || value == "" || slices.ContainsFunc(list, func(s string) bool { return strings.EqualFold(s, value) })
}

// speaks compares language tags: one without a region stands for all regions.
func speaks(list []string, language string) bool {
	if len(list) == 0 || language == "" {
		return true
	}
	base, region, _ := strings.Cut(language, "-")
	return slices.ContainsFunc(list, func(s string) bool {
		b, r, _ := strings.Cut(s, "-")
		return strings.EqualFold(b, base) && (r == "" || region == "" || strings.EqualFold(r, region))
	})
}

// covers reports whether a country lies in a list of countries and regions.
func (w *walk) covers(list []string, country string, unknown bool) bool {
	switch {
	case len(list) == 0:
		return true
	case country == "":
		return unknown
	}
	return slices.ContainsFunc(list, func(s string) bool {
		return strings.EqualFold(s, country) || takesNamed(w.book.Regions[s], country)
	})
}

func takesNamed(list []string, value string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return strings.EqualFold(s, value) })
}

// someOf lists the first few of what a rep takes.
func someOf(list []string) string {
	if len(list) > maxNamed {
		return fmt.Sprintf("%s and %d more", strings.Join(list[:maxNamed], ", "), len(list)-maxNamed)
	}
	return strings.Join(list, ", ")
}

// matches decides a rule and says why.
func (w *walk) matches(r *Rule) (Hop, bool) {
	l := w.lead
	switch {
	case r.Track != "" && r.Track != l.Track:
		return hop(RuleSkipped, r.ID, "Rule %q is for the %s track; the lead's track is %s.", r.ID, r.Track, orUnknown(string(l.Track))), false
	case !w.covers(r.Territories, l.Country, false):
		return hop(RuleSkipped, r.ID, "Rule %q is for %s; the lead's country is %s.", r.ID, someOf(r.Territories), orUnknown(l.Country)), false
	case l.Engagement < r.MinEngagement:
		return hop(RuleSkipped, r.ID, "Rule %q asks for an engagement of %g; the lead has %.4g.", r.ID, r.MinEngagement, l.Engagement), false
	case r.When == nil:
		return hop(RuleMatched, r.ID, "Rule %q matches%s.", r.ID, w.stated(r)), true
	}
	v := r.When.Explain(w.facts())
	if v.Truth == condition.True {
		return hop(RuleMatched, r.ID, "Rule %q matches: %s.", r.ID, ended(v.Because)), true
	}
	why := v.Because
	if v.Err != "" {
		why = v.Err
	}
	return hop(RuleSkipped, r.ID, "Rule %q does not match: %s.", r.ID, ended(why)), false
}

// stated is what a rule without a condition matched by.
func (w *walk) stated(r *Rule) string {
	var parts []string
	if r.Track != "" {
		parts = append(parts, "track "+string(r.Track))
	}
	if len(r.Territories) > 0 {
		parts = append(parts, "country "+w.lead.Country)
	}
	if r.MinEngagement > 0 {
		parts = append(parts, fmt.Sprintf("engagement %.4g", w.lead.Engagement))
	}
	if parts == nil {
		return " every lead"
	}
	return ": " + strings.Join(parts, ", ")
}

// maxWhy bounds what a hop quotes of a condition, in bytes.
const maxWhy = 300

// ended drops a full stop and what is too long.
func ended(s string) string {
	s = strings.TrimSuffix(s, ".")
	if len(s) <= maxWhy {
		return s
	}
	cut := maxWhy
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}

// facts are what conditions read, complete enough that none of them can fail.
func (w *walk) facts() *condition.Facts {
	var f condition.Facts
	if w.lead.Facts != nil {
		f = *w.lead.Facts
	}
	if f.History == nil {
		f.History = noHistory{}
	}
	return &f
}

// noHistory is the history of a lead of which nothing is known.
type noHistory struct{}

func (noHistory) Count(int, float64) int           { return 0 }
func (noHistory) SecondsSince(int) (float64, bool) { return 0, false }
func (noHistory) Fit() (float64, bool)             { return 0, false }
func (noHistory) Intent() float64                  { return 0 }

// begins is when a rep can begin: now, or at the next opening.
func begins(r Rep, now lead.Instant) lead.Instant {
	switch {
	case r.OpenNow:
		return now
	case known(r.NextOpen):
		return max(r.NextOpen, now)
	}
	return lead.Never
}
