package route

import (
	"maps"
	"slices"
	"strings"

	"cusp/internal/condition"
	"cusp/internal/decide"
)

// part is a share of the leads of a rule: one track and one country, or all countries.
type part struct {
	track   decide.Track
	country string // empty: the rule says nothing about countries
}

// shadows reports a rule that earlier rules forestall, wholly or for some of its countries or tracks.
func (l *linter) shadows(i int) {
	r := &l.book.Rules[i]
	parts := l.parts(r)
	var lost []part
	var by []string
	for _, p := range parts {
		earlier, names := l.earlier(i, p)
		if len(earlier) > 0 && condition.Covered(r.When, earlier) {
			lost = append(lost, p)
			by = append(by, l.culprits(r, earlier, names)...)
		}
	}
	if len(lost) == 0 {
		return
	}
	slices.Sort(by)
	who := quotedList(slices.Compact(by))
	if len(lost) == len(parts) {
		l.refuse("unreachable", r.ID, "put the narrower rule first, or remove this one",
			"rule %q can never match: whenever it would, %s matched before", r.ID, who)
		return
	}
	l.warn("overlap", r.ID, "put the narrower rule first, or take the part out", "rule %q never gets leads %s: %s matches before", r.ID, wording(lost, parts), who)
}

// parts takes a rule apart.
func (l *linter) parts(r *Rule) []part {
	tracks := []decide.Track{decide.TrackInbound, decide.TrackNurture}
	if r.Track != "" {
		tracks = []decide.Track{r.Track}
	}
	countries := l.countries(r.Territories)
	if countries == nil {
		countries = []string{""}
	}
	var all []part
	for _, t := range tracks {
		for _, c := range countries {
			all = append(all, part{t, c})
		}
	}
	return all
}

// earlier are the conditions of the rules before i that take every lead of a part, but for the condition.
func (l *linter) earlier(i int, p part) (conditions []*condition.Condition, names []string) {
	for j := range i {
		r := &l.book.Rules[j]
		countries := l.countries(r.Territories)
		if (r.Track == "" || r.Track == p.track) && r.MinEngagement <= l.book.Rules[i].MinEngagement &&
			(countries == nil || slices.Contains(countries, p.country)) {
			conditions, names = append(conditions, r.When), append(names, r.ID)
		}
	}
	return conditions, names
}

// culprits is the one rule that suffices, else all of them.
func (l *linter) culprits(r *Rule, earlier []*condition.Condition, names []string) []string {
	for k := range earlier {
		if condition.Covered(r.When, earlier[k:k+1]) {
			return names[k : k+1]
		}
	}
	return names
}

func quotedList(names []string) string {
	return `"` + strings.Join(names, `" or "`) + `"`
}

// wording names the parts that are lost: countries that are lost altogether, then those of one track.
func wording(lost, all []part) string {
	tracks := map[string][]decide.Track{} // by country
	for _, p := range lost {
		tracks[p.country] = append(tracks[p.country], p.track)
	}
	whole := len(tracksOf(all))
	groups := map[decide.Track][]string{} // "" for every track
	for _, c := range slices.Sorted(maps.Keys(tracks)) {
		if len(tracks[c]) == whole {
			groups[""] = append(groups[""], c)
			continue
		}
		groups[tracks[c][0]] = append(groups[tracks[c][0]], c)
	}
	var text []string
	for _, t := range slices.Sorted(maps.Keys(groups)) {
		var words []string
		if countries := groups[t]; countries[0] != "" {
			words = append(words, "from "+strings.Join(countries, ", "))
		}
		if t != "" {
			words = append(words, "on the "+string(t)+" track")
		}
		text = append(text, strings.Join(words, " "))
	}
	return strings.Join(text, ", nor ")
}

func tracksOf(all []part) map[decide.Track]bool {
	tracks := map[decide.Track]bool{}
	for _, p := range all {
		tracks[p.track] = true
	}
	return tracks
}
