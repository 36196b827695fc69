package calendar

import (
	"slices"

	"cusp/internal/lead"
)

// minutes is a part of a local day, from the first minute until just before the last, counted from midnight.
type minutes struct {
	from, to int
}

const dayMinutes = 24 * 60

// local is the openings of a [Spec]. Every local day has its list of minutes, in order and with gaps between
// them; what reaches over midnight is on the list of the day that it reaches.
type local struct {
	zone      *zone
	full      [7][]minutes // by weekday, Sunday first: an ordinary day
	begun     [7][]minutes // the same without what the day before hands over
	weekly    bool         // some weekday has hours
	overnight bool         // some weekday hands over
	holidays  []*dayset
	dates     []int       // days with a list of their own, since 1970, in order
	lists     [][]minutes // of dates
}

func weekday(day int) int { return (day + 4) % 7 } // 1970 began on a Thursday

func (l *local) holiday(day int) bool {
	for _, h := range l.holidays {
		if h.has(day) {
			return true
		}
	}
	return false
}

// on is the list of a day.
func (l *local) on(day int) []minutes {
	if len(l.dates) > 0 {
		if i, ok := slices.BinarySearch(l.dates, day); ok {
			return l.lists[i]
		}
	}
	switch {
	case l.holiday(day):
		return nil
	case l.overnight && l.holiday(day-1):
		return l.begun[weekday(day)]
	}
	return l.full[weekday(day)]
}

// ahead is the day itself, or the next that may have a list when only dates have hours.
func (l *local) ahead(day int) int {
	if l.weekly {
		return day
	}
	i, _ := slices.BinarySearch(l.dates, day)
	if i == len(l.dates) {
		return lastDay + 1
	}
	return l.dates[i]
}

func (l *local) next(at, limit lead.Instant) (Span, bool) {
	now, segment := l.zone.shown(int64(at / 1_000_000))
	end, _ := l.zone.shown(int64((limit - 1) / 1_000_000))
	today, minute := int(now/86400), int(now%86400)/60
	if now < 0 { // west of Greenwich in the first hours of the range
		today, minute = 0, 0
	}
	for day := l.ahead(today); day <= int(end/86400); day = l.ahead(day + 1) {
		for _, m := range l.on(day) {
			if day == today && m.to <= minute {
				continue
			}
			from := max(l.zone.instant(int64(day)*86400+int64(m.from)*60, segment), at)
			to := l.zone.instant(int64(day)*86400+int64(m.to)*60, segment)
			switch {
			case from >= limit:
				return Span{}, false
			case from < min(to, last):
				return Span{from, min(to, last)}, true
			}
		}
	}
	return Span{}, false
}

// tidy sorts a list and joins what touches or overlaps.
func tidy(list []minutes) []minutes {
	slices.SortFunc(list, func(a, b minutes) int { return a.from - b.from })
	out := list[:0]
	for _, m := range list {
		if n := len(out); n > 0 && m.from <= out[n-1].to {
			out[n-1].to = max(out[n-1].to, m.to)
			continue
		}
		out = append(out, m)
	}
	return out
}

// within cuts a list to a range and counts from its begin.
func within(list []minutes, from, to int) []minutes {
	var out []minutes
	for _, m := range list {
		if m.from, m.to = max(m.from, from), min(m.to, to); m.from < m.to {
			out = append(out, minutes{m.from - from, m.to - from})
		}
	}
	return out
}

// minus takes the minutes of cuts out of a tidy list.
func minus(list, cuts []minutes) []minutes {
	for _, c := range cuts {
		var kept []minutes
		for _, m := range list {
			if left := (minutes{m.from, min(m.to, c.from)}); left.from < left.to {
				kept = append(kept, left)
			}
			if right := (minutes{max(m.from, c.to), m.to}); right.from < right.to {
				kept = append(kept, right)
			}
		}
		list = kept
	}
	return list
}
