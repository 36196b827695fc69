package calendar

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Spec is a calendar as a person writes it.
type Spec struct {
	ID string `json:"id" yaml:"id"`
	// Zone is a name of the IANA database, such as Europe/Berlin.
	Zone string `json:"zone" yaml:"zone"`
	// Hours are the openings of an ordinary week, by mon, tue, wed, thu, fri, sat and sun.
	Hours map[string]Times `json:"hours,omitempty" yaml:"hours,omitempty"`
	// Holidays are countries and regions whose holidays are days off, such as DE, DE-BY or US.
	Holidays []string `json:"holidays,omitempty" yaml:"holidays,omitempty"`
	// Closed are dates off, or, with times, parts of dates off.
	Closed map[string]Times `json:"closed,omitempty" yaml:"closed,omitempty"`
	// Open are dates with exactly these hours, whatever weekday or holiday they are. Without times the date has
	// the hours of its weekday in spite of a holiday.
	Open map[string]Times `json:"open,omitempty" yaml:"open,omitempty"`
}

const (
	maxTimes = 48   // parts of one day
	maxDates = 5000 // under closed and open each
)

var (
	idForm   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$`)
	weekdays = [...]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
)

// compiler gathers a calendar and what is wrong with it.
type compiler struct {
	problems Problems
	hours    [7][]minutes // what begins on a weekday
	open     map[int][]minutes
	closed   map[int]bool
	cuts     map[int][]minutes
	local
}

// Compile makes a calendar of a spec, or says all that is wrong with it: then the calendar never opens.
func Compile(s Spec) (Calendar, Problems) {
	c := &compiler{open: map[int][]minutes{}, closed: map[int]bool{}, cuts: map[int][]minutes{}}
	if !idForm.MatchString(s.ID) {
		c.add("id", &Problem{Code: "malformed_id", Message: quoted(s.ID) + " is not an id", Hint: "use 1 to 64 letters, digits, dots, hyphens and underscores"})
	}
	var p *Problem
	if c.zone, p = find(s.Zone); p != nil {
		c.add("zone", p)
	}
	c.readHours(s.Hours)
	for i, code := range s.Holidays {
		place, p := locate(code)
		if c.add(fmt.Sprintf("holidays[%d]", i), p); p == nil {
			c.holidays = append(c.holidays, place.days())
		}
	}
	c.readDates("closed", s.Closed, c.close)
	c.readDates("open", s.Open, c.reopen)
	if len(c.problems) == 0 && !c.hasHours() && len(c.open) == 0 {
		c.add("hours", &Problem{Code: "never_open", Message: "the calendar has no hours", Hint: `add hours such as mon: ["09:00-17:00"]`})
	}
	if len(c.problems) > 0 {
		return Calendar{}, c.problems
	}
	c.link()
	out := c.local
	return Calendar{s.ID, &out}, nil
}

func (c *compiler) add(field string, p *Problem) { c.problems = c.problems.add(field, p) }

func (c *compiler) hasHours() bool {
	return slices.ContainsFunc(c.hours[:], func(l []minutes) bool { return len(l) > 0 })
}

func (c *compiler) readHours(hours map[string]Times) {
	for i := range weekdays {
		day := (i + 1) % 7 // problems in the order of a working week
		c.hours[day] = c.readTimes("hours."+weekdays[day], hours[weekdays[day]])
	}
	for _, name := range slices.Sorted(maps.Keys(hours)) {
		if slices.Contains(weekdays[:], name) {
			continue
		}
		hint := "days are mon, tue, wed, thu, fri, sat, sun"
		for _, day := range weekdays {
			if strings.HasPrefix(strings.ToLower(name), day) {
				hint = "did you mean " + day + "?"
			}
		}
		c.add("hours."+name, &Problem{Code: "unknown_weekday", Message: quoted(name) + " is not a weekday", Hint: hint})
	}
}

// readTimes reads the parts of one day; they may not overlap.
func (c *compiler) readTimes(field string, times Times) []minutes {
	if len(times) > maxTimes {
		c.add(field, &Problem{Code: "too_many", Message: fmt.Sprintf("%d parts of one day", len(times)), Hint: fmt.Sprintf("write at most %d", maxTimes)})
		return nil
	}
	var list []minutes
	for i, text := range times {
		m, p := parseTimes(text)
		if p == nil && slices.ContainsFunc(list, func(o minutes) bool { return m.from < o.to && o.from < m.to }) {
			p = &Problem{Code: "overlapping_hours", Message: quoted(text) + " overlaps another part of the day", Hint: "join the two into one"}
		}
		if c.add(fmt.Sprintf("%s[%d]", field, i), p); p == nil {
			list = append(list, m)
		}
	}
	return list
}

func (c *compiler) readDates(field string, dates map[string]Times, put func(field string, day int, list []minutes, whole bool)) {
	if len(dates) > maxDates {
		c.add(field, &Problem{Code: "too_many", Message: fmt.Sprintf("%d dates", len(dates)), Hint: fmt.Sprintf("write at most %d", maxDates)})
		return
	}
	for _, text := range slices.Sorted(maps.Keys(dates)) {
		at := field + "." + text
		day, p := parseDate(text)
		list := c.readTimes(at, dates[text])
		if p != nil {
			c.add(at, p)
			continue
		}
		put(at, day, list, len(dates[text]) == 0)
	}
}

func (c *compiler) close(_ string, day int, list []minutes, whole bool) {
	c.closed[day] = c.closed[day] || whole
	c.cuts[day] = append(c.cuts[day], within(list, 0, dayMinutes)...)
	if tail := within(list, dayMinutes, 2*dayMinutes); tail != nil {
		c.cuts[day+1] = append(c.cuts[day+1], tail...)
	}
}

func (c *compiler) reopen(field string, day int, list []minutes, whole bool) {
	switch {
	case c.closed[day]:
		c.add(field, &Problem{Code: "open_and_closed", Message: "the date is under closed as well", Hint: "take it out of one of the two"})
	case whole && len(c.hours[weekday(day)]) == 0:
		c.add(field, &Problem{
			Code: "no_usual_hours", Message: "the date falls on " + weekdays[weekday(day)] + ", which has no hours",
			Hint: `write the hours of the date, such as ["10:00-14:00"]`,
		})
	case whole:
		list = c.hours[weekday(day)]
	}
	c.open[day] = list
}

// link works out the lists of ordinary days and of all dates that differ.
func (c *compiler) link() {
	for day := range 7 {
		before := within(c.hours[(day+6)%7], dayMinutes, 2*dayMinutes)
		c.begun[day] = tidy(within(c.hours[day], 0, dayMinutes))
		c.full[day] = tidy(append(within(c.hours[day], 0, dayMinutes), before...))
		c.weekly = c.weekly || len(c.hours[day]) > 0
		c.overnight = c.overnight || before != nil
	}
	differ := map[int]bool{}
	for day := range c.open {
		differ[day], differ[day+1] = true, true
	}
	for day := range c.closed {
		differ[day], differ[day+1] = true, true
	}
	for day := range c.cuts {
		differ[day] = true
	}
	c.dates = slices.Sorted(maps.Keys(differ))
	for _, day := range c.dates {
		list := within(c.begins(day), 0, dayMinutes)
		if !c.alone(day) {
			list = append(list, within(c.begins(day-1), dayMinutes, 2*dayMinutes)...)
		}
		c.lists = append(c.lists, minus(tidy(list), c.cuts[day]))
	}
}

// alone says whether a date stands by itself: what the day before hands over ends at its midnight.
func (c *compiler) alone(day int) bool {
	_, open := c.open[day]
	return open || c.closed[day] || c.holiday(day)
}

// begins is what begins on a date.
func (c *compiler) begins(day int) []minutes {
	list, open := c.open[day]
	switch {
	case open:
		return list
	case c.closed[day] || c.holiday(day):
		return nil
	}
	return c.hours[weekday(day)]
}
