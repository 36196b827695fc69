package calendar

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"cusp/internal/lead"
)

// Times are parts of a day such as "09:00-12:30". One that ends at or before its begin reaches into the next
// day: "22:00-06:00". A whole day is "00:00-24:00". In JSON and YAML a single part needs no list.
type Times []string

// UnmarshalJSON reads a text or a list of texts.
func (t *Times) UnmarshalJSON(text []byte) error {
	return t.read(func(into any) error { return json.Unmarshal(text, into) })
}

// UnmarshalYAML reads a text, a list of texts, or nothing.
func (t *Times) UnmarshalYAML(read func(into any) error) error { return t.read(read) }

func (t *Times) read(read func(into any) error) error {
	var one string
	if read(&one) == nil {
		if *t = nil; one != "" {
			*t = Times{one}
		}
		return nil
	}
	return read((*[]string)(t))
}

// parseTimes reads one part of a day; to is at most a day after from.
func parseTimes(text string) (minutes, *Problem) {
	wrong := &Problem{Code: "malformed_hours", Message: quoted(text) + " is not a part of a day", Hint: `write it as "09:00-12:30"`}
	begin, end, ok := strings.Cut(strings.ReplaceAll(text, "–", "-"), "-")
	if !ok {
		return minutes{}, wrong
	}
	from, ok1 := parseClock(strings.TrimSpace(begin))
	to, ok2 := parseClock(strings.TrimSpace(end))
	switch {
	case !ok1 || !ok2 || from == dayMinutes:
		return minutes{}, wrong
	case from == to:
		return minutes{}, &Problem{Code: "empty_hours", Message: quoted(text) + " has no length", Hint: `a whole day is "00:00-24:00"`}
	case to < from:
		to += dayMinutes
	}
	return minutes{from, to}, nil
}

// parseClock reads 9:00, 09:00 or 24:00 as minutes since midnight.
func parseClock(text string) (int, bool) {
	h, m, ok := strings.Cut(text, ":")
	if !ok || len(h) < 1 || len(h) > 2 || len(m) != 2 {
		return 0, false
	}
	hour, err1 := strconv.ParseUint(h, 10, 8)
	minute, err2 := strconv.ParseUint(m, 10, 8)
	if err1 != nil || err2 != nil || hour > 24 || minute > 59 || hour == 24 && minute > 0 {
		return 0, false
	}
	return int(hour)*60 + int(minute), true
}

// parseDate reads a date as days since 1970.
func parseDate(text string) (int, *Problem) {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return 0, &Problem{Code: "malformed_date", Message: quoted(text) + " is not a date", Hint: `write it as "2026-12-24"`}
	}
	if t.Year() < 1970 || t.Year() > lastYear {
		return 0, &Problem{Code: "date_out_of_range", Message: quoted(text) + " is outside 1970 to 2199", Hint: "check the year"}
	}
	return int(t.Unix() / 86400), nil
}

// moment is a date or time as a person writes it: seconds since 1970 on the local clock, or, when the text has
// an offset, an instant.
type moment struct {
	local int64
	fixed bool
	at    lead.Instant
}

// in is the instant that the moment means in a zone, some seconds of the local clock later.
func (m moment) in(z *zone, later int64) lead.Instant {
	if m.fixed {
		return m.at
	}
	return z.instant(m.local+later, 0)
}

func parseMoment(text string) (moment, *Problem) {
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return moment{fixed: true, at: lead.At(t)}, nil
	}
	for _, form := range []string{time.DateOnly, "2006-01-02 15:04", "2006-01-02T15:04", time.DateTime, "2006-01-02T15:04:05"} {
		t, err := time.Parse(form, text)
		switch {
		case err != nil:
			continue
		case t.Year() < 1970 || t.Year() > lastYear:
			return moment{}, &Problem{Code: "date_out_of_range", Message: quoted(text) + " is outside 1970 to 2199", Hint: "check the year"}
		}
		return moment{local: t.Unix()}, nil
	}
	return moment{}, &Problem{
		Code: "malformed_time", Message: quoted(text) + " is not a date or time",
		Hint: `write it as "2026-12-24", "2026-12-24 09:00" or "2026-12-24T09:00:00Z"`,
	}
}

// Absence is a time away as a person writes it. From and To are as [Moment] reads them, on the clock of the
// calendar's zone. A date alone is the whole day, so a To of "2026-08-14" includes the 14th; an empty To means
// until further notice.
type Absence struct {
	From string `json:"from" yaml:"from"`
	To   string `json:"to,omitempty" yaml:"to,omitempty"`
}

// Span is the absence on the time line, for [Calendar.Without]. All problems are returned at once.
func (a Absence) Span(zone string) (Span, Problems) {
	var all Problems
	z, p := find(zone)
	if p != nil {
		return Span{}, all.add("zone", p)
	}
	from, p := parseMoment(a.From)
	all = all.add("from", p)
	s := Span{from.in(z, 0), last}
	if a.To != "" {
		to, p := parseMoment(a.To)
		all = all.add("to", p)
		wholeDay := int64(0)
		if len(a.To) == len(time.DateOnly) {
			wholeDay = 86400
		}
		s.To = to.in(z, wholeDay)
	}
	if all == nil && s.From >= s.To {
		all = all.add("to", &Problem{Code: "ends_before_it_begins", Message: "the absence ends before it begins", Hint: "is the end earlier than the begin, or the same?"})
	}
	return s, all
}
