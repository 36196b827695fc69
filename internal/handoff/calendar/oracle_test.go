package calendar_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/rickar/cal/v2"
	"github.com/rickar/cal/v2/au"
	"github.com/rickar/cal/v2/de"
	"github.com/rickar/cal/v2/fr"
	"github.com/rickar/cal/v2/gb"
	"github.com/rickar/cal/v2/jp"
	"github.com/rickar/cal/v2/us"

	"cusp/internal/handoff/calendar"
	"cusp/internal/lead"
)

const minute = lead.Instant(60_000_000)

// The oracle counts minutes. It looks at every minute of a window, asks the standard library what the clock
// on the wall shows, and reads the spec as its documentation says, one minute at a time.

var holidayLists = map[string][]*cal.Holiday{
	"DE": de.Holidays, "DE-BY": de.HolidaysBY, "US": us.Holidays, "GB": gb.Holidays, "FR": fr.Holidays,
	"JP": jp.Holidays, "AU-NSW": au.HolidaysNSW,
}

// oddities are places and days at which clocks or calendars do something.
var oddities = []struct{ zone, date string }{
	{"Europe/Berlin", "2026-03-29"}, {"Europe/Berlin", "2026-10-25"}, {"America/New_York", "2026-03-08"},
	{"America/New_York", "2026-11-01"}, {"Australia/Lord_Howe", "2026-04-05"}, {"Australia/Lord_Howe", "2026-10-04"},
	{"Pacific/Apia", "2011-12-30"}, {"Pacific/Kwajalein", "1993-08-21"}, {"Antarctica/Troll", "2026-03-29"},
	{"Asia/Kathmandu", "1986-01-01"}, {"Asia/Pyongyang", "2015-08-15"}, {"America/Caracas", "2016-05-01"},
	{"Africa/Casablanca", "2026-02-15"}, {"Africa/Casablanca", "2026-03-22"}, {"America/Sao_Paulo", "2018-11-04"},
	{"Africa/Cairo", "2026-04-24"}, {"Europe/Dublin", "2026-10-25"}, {"Asia/Kolkata", "2028-02-29"},
	{"Europe/Berlin", "2028-02-29"}, {"Europe/London", "2027-12-26"}, {"America/St_Johns", "2006-10-29"},
	{"Asia/Tokyo", "2026-09-22"}, {"Atlantic/Azores", "2026-10-25"}, {"America/Havana", "2026-11-01"},
	{"Europe/Paris", "2040-12-31"}, {"Australia/Sydney", "2040-12-31"},
}

type world struct {
	text string // for messages
	cal  calendar.Calendar
	from lead.Instant
	open []bool // by minute, the first is from
}

func hhmm(m int) string { return fmt.Sprintf("%02d:%02d", m/60, m%60) }

// randomTimes are up to n parts of a day; some reach over midnight.
func randomTimes(r *rand.Rand, n int) calendar.Times {
	var times calendar.Times
	if r.IntN(12) == 0 {
		return calendar.Times{"00:00-24:00"}
	}
	for at := r.IntN(20 * 60); len(times) < n && at < 24*60; {
		to := at + 1 + r.IntN(8*60)
		if to > 24*60 {
			times = append(times, hhmm(at)+"-"+hhmm(to-24*60))
			break
		}
		times = append(times, hhmm(at)+"-"+hhmm(to))
		at = to + r.IntN(3*60)
	}
	return times
}

// randomSpec is a spec whose dates lie around a day.
func randomSpec(r *rand.Rand, zone string, around time.Time) calendar.Spec {
	s := calendar.Spec{
		ID: "random", Zone: zone,
		Hours: map[string]calendar.Times{}, Closed: map[string]calendar.Times{}, Open: map[string]calendar.Times{},
	}
	for _, day := range []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"} {
		if r.IntN(4) > 0 {
			s.Hours[day] = randomTimes(r, 1+r.IntN(3))
		}
	}
	s.Hours["wed"] = randomTimes(r, 2)
	for _, code := range slices.Sorted(maps.Keys(holidayLists)) {
		if r.IntN(5) == 0 {
			s.Holidays = append(s.Holidays, code)
		}
	}
	for range r.IntN(4) {
		date := around.AddDate(0, 0, r.IntN(9)-2).Format(time.DateOnly)
		switch r.IntN(3) {
		case 0:
			s.Closed[date] = nil
			delete(s.Open, date)
		case 1:
			if times, listed := s.Closed[date]; !listed || times != nil {
				s.Closed[date] = randomTimes(r, 2)
			}
		default:
			if times, listed := s.Closed[date]; !listed || times != nil {
				s.Open[date] = randomTimes(r, 2)
			}
		}
	}
	return s
}

// naive reads a spec day by day.
type naive struct {
	spec     calendar.Spec
	holidays []daysOff
	days     map[int64]*[1440]bool
}

// daysOff are the dates that the library itself calls holidays, as days since 1970.
type daysOff map[int64]bool

// askLibrary asks for each day of the years of the test. The library may not be asked by two at once.
func askLibrary() map[string]daysOff {
	calendar.Holidays("DE", 2026) // settles the zone of the library before
	all := map[string]daysOff{}
	for code, list := range holidayLists {
		c, days := cal.Calendar{Holidays: list}, daysOff{}
		for day := int64(4 * 365); day < 97*365; day++ {
			if actual, observed, _ := c.IsHoliday(time.Unix(day*86400, 0).UTC()); actual || observed {
				days[day] = true
			}
		}
		all[code] = days
	}
	return all
}

func (n *naive) date(day int64) time.Time { return time.Unix(day*86400, 0).UTC() }

func (n *naive) special(day int64) bool {
	date := n.date(day).Format(time.DateOnly)
	closed, listed := n.spec.Closed[date]
	_, open := n.spec.Open[date]
	return open || listed && len(closed) == 0 || n.holiday(day)
}

func (n *naive) holiday(day int64) bool {
	return slices.ContainsFunc(n.holidays, func(d daysOff) bool { return d[day] })
}

// begins are the parts that begin on a day.
func (n *naive) begins(day int64) calendar.Times {
	if times, ok := n.spec.Open[n.date(day).Format(time.DateOnly)]; ok {
		return times
	}
	if n.special(day) {
		return nil
	}
	return n.spec.Hours[[]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}[n.date(day).Weekday()]]
}

// parts are minutes from the midnight of the day on which they begin.
func parts(times calendar.Times) [][2]int {
	var list [][2]int
	for _, t := range times {
		var h1, m1, h2, m2 int
		if _, err := fmt.Sscanf(t, "%d:%d-%d:%d", &h1, &m1, &h2, &m2); err != nil {
			panic(err)
		}
		from, to := h1*60+m1, h2*60+m2
		if to <= from {
			to += 1440
		}
		list = append(list, [2]int{from, to})
	}
	return list
}

func covers(list [][2]int, minute int) bool {
	return slices.ContainsFunc(list, func(p [2]int) bool { return p[0] <= minute && minute < p[1] })
}

func (n *naive) day(day int64) *[1440]bool {
	if d := n.days[day]; d != nil {
		return d
	}
	d := &[1440]bool{}
	today, before := parts(n.begins(day)), parts(n.begins(day-1))
	if n.special(day) {
		before = nil
	}
	cut := parts(n.spec.Closed[n.date(day).Format(time.DateOnly)])
	cutBefore := parts(n.spec.Closed[n.date(day-1).Format(time.DateOnly)])
	for m := range d {
		d[m] = (covers(today, m) || covers(before, m+1440)) && !covers(cut, m) && !covers(cutBefore, m+1440)
	}
	n.days[day] = d
	return d
}

// minutes says of each of n minutes whether the spec is open. The clock that counts is the latest time that
// the wall has shown.
func (n *naive) minutes(from lead.Instant, count int) []bool {
	loc, err := time.LoadLocation(n.spec.Zone)
	if err != nil {
		panic(err)
	}
	open := make([]bool, count)
	latest := int64(-1 << 60)
	for i := -60 * 26; i < count; i++ {
		utc := int64(from)/60_000_000 + int64(i)
		_, offset := time.Unix(utc*60, 0).In(loc).Zone()
		latest = max(latest, utc+int64(offset)/60)
		if i >= 0 {
			open[i] = n.day(latest / 1440)[latest%1440]
		}
	}
	return open
}

func single(t *testing.T, off map[string]daysOff, r *rand.Rand, zone string, from lead.Instant, count int) world {
	t.Helper()
	spec := randomSpec(r, zone, from.Time())
	c, problems := calendar.Compile(spec)
	if problems != nil {
		t.Fatalf("%+v: %v", spec, problems)
	}
	n := &naive{spec: spec, days: map[int64]*[1440]bool{}}
	for _, code := range spec.Holidays {
		n.holidays = append(n.holidays, off[code])
	}
	return world{fmt.Sprintf("%+v", spec), c, from, n.minutes(from, count)}
}

func (w world) combine(text string, c calendar.Calendar, other []bool, f func(a, b bool) bool) world {
	open := make([]bool, len(w.open))
	for i := range open {
		open[i] = f(w.open[i], other[i])
	}
	return world{w.text + " " + text, c, w.from, open}
}

// away takes random absences out.
func (w world) away(r *rand.Rand) world {
	gone := make([]bool, len(w.open))
	var spans []calendar.Span
	for range 1 + r.IntN(4) {
		a := r.IntN(len(w.open))
		b := min(len(w.open), a+r.IntN(3*1440))
		spans = append(spans, calendar.Span{From: w.from + lead.Instant(a)*minute, To: w.from + lead.Instant(b)*minute})
		for i := a; i < b; i++ {
			gone[i] = true
		}
	}
	return w.combine(fmt.Sprint("without ", spans), w.cal.Without(spans...), gone, func(a, b bool) bool { return a && !b })
}

func randomWorld(t *testing.T, off map[string]daysOff, r *rand.Rand) world {
	t.Helper()
	names := calendar.Zones()
	zone := names[r.IntN(len(names))]
	middle := time.Date(1975+r.IntN(90), 1, 1+r.IntN(366), r.IntN(24), r.IntN(60), 0, 0, time.UTC)
	if r.IntN(2) == 0 {
		odd := oddities[r.IntN(len(oddities))]
		zone = odd.zone
		day, err := time.Parse(time.DateOnly, odd.date)
		if err != nil {
			t.Fatal(err)
		}
		middle = day.Add(time.Duration(r.IntN(48)-24) * time.Hour)
	}
	count := (2 + r.IntN(5)) * 1440
	from := lead.At(middle.Add(-time.Duration(count/2) * time.Minute))
	w := single(t, off, r, zone, from, count)
	for r.IntN(3) == 0 {
		switch r.IntN(3) {
		case 0:
			w = w.away(r)
		case 1:
			o := single(t, off, r, names[r.IntN(len(names))], from, count)
			w = w.combine("or "+o.text, calendar.Union(w.cal, o.cal), o.open, func(a, b bool) bool { return a || b })
		default:
			o := single(t, off, r, names[r.IntN(len(names))], from, count)
			w = w.combine("and "+o.text, calendar.Intersect(o.cal, w.cal), o.open, func(a, b bool) bool { return a && b })
		}
	}
	return w
}

// scan is the first minute from i on that is open (or closed); the end of the window when there is none.
func (w world) scan(i int, open bool) int {
	for i < len(w.open) && w.open[i] != open {
		i++
	}
	return i
}

// same compares an answer with a minute; at the end of the window the oracle knows only "not before".
func (w world) same(got lead.Instant, ok bool, want int) bool {
	if want < len(w.open) {
		return ok && got == w.from+lead.Instant(want)*minute
	}
	return !ok || got >= w.from+lead.Instant(want)*minute
}

func (w world) check(t *testing.T, a, b, d int) {
	t.Helper()
	at, until := w.from+lead.Instant(a)*minute, w.from+lead.Instant(b)*minute
	within := at + lead.Instant(a*b)%minute // the answer is the same during the whole minute
	if got := w.cal.Open(within); got != w.open[a] {
		t.Errorf("Open(%v) = %v\n%s", within, got, w.text)
	}
	if got, ok := w.cal.NextOpen(at); !w.same(got, ok, w.scan(a, true)) {
		t.Errorf("NextOpen(%v) = %v, %v, not minute %d\n%s", at, got, ok, w.scan(a, true)-a, w.text)
	}
	if got, ok := w.cal.NextClose(at); !w.same(got, ok, w.scan(w.scan(a, true), false)) {
		t.Errorf("NextClose(%v) = %v, %v, not minute %d\n%s", at, got, ok, w.scan(w.scan(a, true), false)-a, w.text)
	}
	count := 0
	for i := a; i < b; i++ {
		if w.open[i] {
			count++
		}
	}
	if got := w.cal.Between(at, until); got != time.Duration(count)*time.Minute {
		t.Errorf("Between(%v, %v) = %v, not %d minutes\n%s", at, until, got, count, w.text)
	}
	due, left := a, d
	for ; left > 0 && due < len(w.open); due++ {
		if w.open[due] {
			left--
		}
	}
	got, ok := w.cal.Add(at, time.Duration(d)*time.Minute)
	if left == 0 && (!ok || got != w.from+lead.Instant(due)*minute) || left > 0 && ok && got <= w.from+lead.Instant(len(w.open))*minute {
		t.Errorf("Add(%v, %d minutes) = %v, %v, not minute %d\n%s", at, d, got, ok, due-a, w.text)
	}
}

func TestAgreesWithCountingMinutes(t *testing.T) {
	off := askLibrary() // before any other test runs beside this one
	t.Parallel()
	worlds, cases := 2500, 10
	if testing.Short() {
		worlds = 200
	}
	for part := range 4 {
		t.Run(fmt.Sprint(part), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(20260329, uint64(part)))
			for range worlds {
				w := randomWorld(t, off, r)
				for range cases {
					a, b := r.IntN(len(w.open)), r.IntN(len(w.open)+1)
					w.check(t, min(a, b), max(a, b), r.IntN(1+r.IntN(len(w.open))))
					if t.Failed() {
						return
					}
				}
			}
		})
	}
}
