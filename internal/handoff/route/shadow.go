package route

import (
	"encoding/binary"
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
	at      int    // its place in reach; -1 without one
}

// shape is a rule as the search for shadows needs it.
type shape struct {
	countries []string // nil for everywhere
	at        []int    // the same, as places in reach
	reach     []bool   // by country: the rule takes it; nil for everywhere
	cases     condition.Cases
	provable  bool // cases are all there is to the condition
}

// shapes prepares all rules: a book may have hundreds, each with all countries of the world.
func (l *linter) shapes() {
	index := map[string]int{}
	l.shape = make([]shape, len(l.book.Rules))
	for i := range l.book.Rules {
		s := &l.shape[i]
		s.countries = l.countries(l.book.Rules[i].Territories)
		for _, c := range s.countries {
			if _, ok := index[c]; !ok {
				index[c] = len(index)
			}
			s.at = append(s.at, index[c])
		}
		s.cases = l.book.Rules[i].When.Ways()
		s.provable = s.cases != nil
	}
	for i := range l.shape {
		s := &l.shape[i]
		if s.countries == nil {
			continue
		}
		s.reach = make([]bool, len(index))
		for _, c := range s.at {
			s.reach[c] = true
		}
	}
}

// answer is whether earlier rules forestall a part, and which.
type answer struct {
	lost bool
	by   []string
}

// shadows reports a rule that earlier rules forestall, wholly or for some of its countries or tracks.
func (l *linter) shadows(i int) {
	if l.shape == nil {
		l.shapes()
	}
	r := &l.book.Rules[i]
	parts := l.parts(i)
	answers := map[string]answer{} // by the earlier rules: most parts of a rule have the same
	var lost []part
	var by []string
	for _, p := range parts {
		earlier, key := l.earlier(i, p)
		a, ok := answers[key]
		if !ok {
			a.lost, a.by = l.forestalled(i, earlier)
			answers[key] = a
		}
		if a.lost {
			lost, by = append(lost, p), append(by, a.by...)
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
func (l *linter) parts(i int) []part {
	tracks := []decide.Track{decide.TrackInbound, decide.TrackNurture}
	if t := l.book.Rules[i].Track; t != "" {
		tracks = []decide.Track{t}
	}
	s := &l.shape[i]
	var all []part
	for _, t := range tracks {
		if s.countries == nil {
			all = append(all, part{track: t, at: -1})
		}
		for k, c := range s.countries {
			all = append(all, part{t, c, s.at[k]})
		}
	}
	return all
}

// earlier are the rules before i that take every lead of a part, but for the condition; key names them.
func (l *linter) earlier(i int, p part) (rules []int, key string) {
	var name []byte
	for j := range i {
		r, s := &l.book.Rules[j], &l.shape[j]
		if (r.Track == "" || r.Track == p.track) && r.MinEngagement <= l.book.Rules[i].MinEngagement &&
			(s.reach == nil || p.at >= 0 && s.reach[p.at]) {
			rules, name = append(rules, j), binary.AppendUvarint(name, uint64(j))
		}
	}
	return rules, string(name)
}

// forestalled reports whether it can be shown that earlier rules take every lead of a rule, and names the
// one that suffices, else all of them.
func (l *linter) forestalled(i int, earlier []int) (lost bool, by []string) {
	mine := &l.shape[i]
	for _, j := range earlier {
		by = append(by, l.book.Rules[j].ID)
		if l.book.Rules[j].When == nil {
			return true, by[len(by)-1:]
		}
	}
	if len(earlier) == 0 || !mine.provable {
		return false, nil
	}
	var all condition.Cases
	for _, j := range earlier {
		if l.prover.Spent() {
			return false, nil
		}
		all = append(all, l.shape[j].cases...)
	}
	if !l.prover.Covered(mine.cases, all) {
		return false, nil
	}
	for k, j := range earlier {
		if l.prover.Covered(mine.cases, l.shape[j].cases) {
			return true, by[k : k+1]
		}
	}
	return true, by
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
