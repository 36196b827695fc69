package calendar

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rickar/cal/v2"
)

// dayset is a set of local days of the range of calendars.
type dayset [lastDay/64 + 1]uint64

func (s *dayset) has(day int) bool {
	return day >= 0 && day < lastDay && s[day/64]>>(day%64)&1 == 1
}

func (s *dayset) put(day int) {
	if day >= 0 && day < lastDay {
		s[day/64] |= 1 << (day % 64)
	}
}

// place is a country or region as a [Spec] names it.
type place struct {
	name string
	list []*cal.Holiday
	days func() *dayset // of all years, worked out at the first use
}

// places has an entry for each code.
//
// The library reckons in the zone of the machine, and where a clock skips a midnight it takes the day before:
// on a server in Santiago, Brazil's 7 September 2031 fell on the 6th. So it is told once, before it is first
// asked, to reckon in UTC.
var places = sync.OnceValue(func() map[string]place {
	cal.DefaultLoc = time.UTC
	all := map[string]place{}
	put := func(code, name string, list []*cal.Holiday) {
		all[code] = place{name, list, sync.OnceValue(func() *dayset { return daysOf(list) })}
	}
	for _, c := range countries() {
		if c.list != nil {
			put(c.code, c.name, c.list)
		}
		for _, r := range c.regions {
			put(c.code+"-"+r.code, c.name+", "+r.name, r.list)
		}
	}
	return all
})

// Holiday is a day on which a place does not work.
type Holiday struct {
	Date string `json:"date"` // 2026-12-25
	Name string `json:"name"` // in the language of the place; "(observed)" when moved off a weekend
}

// Holidays are the holidays of a place such as DE or DE-BY in a year, in order; none when the place is not
// known. A holiday on a weekend that is made up for on another day counts on both days.
func Holidays(code string, year int) []Holiday {
	var all []Holiday
	for y := year - 1; y <= year+1; y++ { // what is made up for may cross the new year
		for _, h := range places()[code].list {
			for i, day := range occurrences(h, y) {
				date := time.Unix(int64(day)*86400, 0).UTC()
				if date.Year() != year {
					continue
				}
				name := h.Name
				if i > 0 {
					name += " (observed)"
				}
				all = append(all, Holiday{date.Format(time.DateOnly), name})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b Holiday) int { return cmp.Compare(a.Date, b.Date) })
	return slices.Compact(all)
}

// library is held while the library reckons: some of its rules, Japan's for one, note the year in themselves.
var library sync.Mutex

// occurrences are the days of a holiday of one year: the day itself, then the day on which it is observed
// when that is another.
func occurrences(h *cal.Holiday, year int) []int {
	library.Lock()
	defer library.Unlock()
	actual, observed := h.Calc(year)
	if actual.IsZero() {
		return nil
	}
	days := []int{civil(actual)}
	if day := civil(observed); !observed.IsZero() && day != days[0] {
		days = append(days, day)
	}
	return days
}

// civil is the date of a time as days since 1970. A few of the library's rules are bound to the zone of the
// machine, where a midnight that the clocks skip comes out an hour before; half a day on, the date is right.
func civil(t time.Time) int {
	y, m, d := t.Add(12 * time.Hour).Date()
	return int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

func daysOf(list []*cal.Holiday) *dayset {
	s := &dayset{}
	for year := 1969; year <= lastYear+1; year++ {
		for _, h := range list {
			for _, day := range occurrences(h, year) {
				s.put(day)
			}
		}
	}
	return s
}

// Country is a country whose holidays are known.
type Country struct {
	Code    string   `json:"code"` // ISO 3166-1
	Name    string   `json:"name"`
	Whole   bool     `json:"whole"`   // false: name a region, there is no list for the country
	Regions []Region `json:"regions"` // those with a list of their own
}

// Region is a part of a country with holidays of its own.
type Region struct {
	Code string `json:"code"` // as in a [Spec]: DE-BY
	Name string `json:"name"`
}

// Countries are the countries whose holidays are known, by code.
func Countries() []Country {
	var all []Country
	for _, c := range countries() {
		out := Country{Code: c.code, Name: c.name, Whole: c.list != nil}
		for _, r := range c.regions {
			out.Regions = append(out.Regions, Region{c.code + "-" + r.code, r.name})
		}
		all = append(all, out)
	}
	return all
}

// locate is the place of a code in any case, or what to write instead.
func locate(text string) (place, *Problem) {
	code := strings.ToUpper(strings.TrimSpace(text))
	if p, ok := places()[code]; ok {
		return p, nil
	}
	head, _, _ := strings.Cut(code, "-")
	for _, c := range countries() {
		if c.code == head {
			return place{}, unknownRegion(text, c)
		}
	}
	p := &Problem{Code: "unknown_country", Message: quoted(text) + " is not a country with known holidays"}
	if p.Hint = "did you mean " + strings.Join(like(text), ", ") + "?"; len(like(text)) == 0 {
		p.Hint = "write the code of a country such as DE or of a region such as DE-BY; other days go under closed"
	}
	return place{}, p
}

func unknownRegion(text string, c country) *Problem {
	p := &Problem{Code: "unknown_region", Message: "no holidays are known for " + quoted(text)}
	if len(c.regions) == 0 {
		p.Hint = "write " + c.code + " and name the other days of the region under closed"
		return p
	}
	var codes []string
	if c.list != nil {
		codes = append(codes, c.code)
	}
	for _, r := range c.regions {
		codes = append(codes, c.code+"-"+r.code)
	}
	p.Hint = c.name + " has " + strings.Join(codes, ", ")
	return p
}

// otherwise are codes that people use for countries and that ISO 3166 does not.
var otherwise = [][2]string{{"UK", "GB"}, {"EN", "GB"}, {"EL", "GR"}, {"USA", "US"}, {"ENGLAND", "GB"}, {"HOLLAND", "NL"}}

// like are countries whose code or name is near to a text.
func like(text string) []string {
	var codes, names, found []string
	full := map[string]string{}
	for _, c := range countries() {
		codes, names = append(codes, c.code), append(names, c.name)
		full[c.code], full[c.name] = c.code+" ("+c.name+")", c.code+" ("+c.name+")"
		for _, r := range c.regions {
			code := c.code + "-" + r.code
			names = append(names, r.name)
			full[r.name] = code + " (" + r.name + ")"
		}
	}
	for _, o := range otherwise {
		if strings.EqualFold(text, o[0]) {
			return []string{full[o[1]]}
		}
	}
	candidates := names
	if len(text) <= 3 {
		candidates = codes
	}
	for _, name := range nearest(text, candidates, 4) {
		found = append(found, full[name])
	}
	return found
}
