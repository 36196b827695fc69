package calendar

import (
	_ "embed" // the list of zones
	"math"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // the IANA database, for systems without one

	"cusp/internal/fault"
	"cusp/internal/lead"
)

//go:embed zones.txt
var zoneNames string

// zones has an entry for each zone of the IANA database, with its transitions worked out at the first use.
var zones = sync.OnceValue(func() map[string]func() (*zone, error) {
	all := map[string]func() (*zone, error){}
	for name := range strings.FieldsSeq(zoneNames) {
		all[name] = sync.OnceValues(func() (*zone, error) { return load(name) })
	}
	return all
})

// zone is the clock of a place: what it shows from at[i] on is UTC plus offset[i]. All in seconds.
type zone struct {
	at     []int64
	offset []int64
	until  []int64 // the clock has shown everything before this when segment i ends, and not this
}

// load works out what the clocks of a zone do in the range of calendars.
func load(name string) (*zone, error) {
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, fault.New(fault.Internal, "the time zone %s cannot be read", name).WithCause(err)
	}
	z := &zone{}
	begin, end := int64(-2*86400), int64(lastDay+2)*86400
	for t := begin; t < end; {
		at := time.Unix(t, 0).In(loc)
		if _, offset := at.Zone(); len(z.at) == 0 || int64(offset) != z.offset[len(z.offset)-1] {
			z.at, z.offset = append(z.at, t), append(z.offset, int64(offset))
		}
		_, next := at.ZoneBounds()
		switch {
		case next.IsZero():
			t = end
		case next.Unix() > t:
			t = next.Unix()
		default: // the library puts the end of a leap year a day early; there is no change on the day itself
			t += 86400
		}
	}
	for i := range z.at {
		until := int64(math.MaxInt64)
		if i+1 < len(z.at) {
			until = z.at[i+1] + z.offset[i]
		}
		if i > 0 {
			until = max(until, z.until[i-1])
		}
		z.until = append(z.until, until)
	}
	return z, nil
}

// shown is the latest local second that the clock has shown at a second of UTC, and the segment in force.
// It never falls: in the hour that clocks repeat it stands still.
func (z *zone) shown(utc int64) (local int64, segment int) {
	lo, hi := 0, len(z.at)
	for lo+1 < hi {
		if mid := (lo + hi) / 2; z.at[mid] <= utc {
			lo = mid
		} else {
			hi = mid
		}
	}
	local = utc + z.offset[lo]
	if lo > 0 {
		local = max(local, z.until[lo-1]-1)
	}
	return local, lo
}

// instant is the first one at which the clock shows a local second or a later one. The segment is a guess.
func (z *zone) instant(local int64, segment int) lead.Instant {
	if local >= z.until[segment] || segment > 0 && local < z.until[segment-1] {
		lo, hi := 0, len(z.until)-1
		for lo < hi {
			if mid := (lo + hi) / 2; z.until[mid] > local {
				hi = mid
			} else {
				lo = mid + 1
			}
		}
		segment = lo
	}
	return lead.Instant(max(z.at[segment], local-z.offset[segment])) * 1_000_000
}

// find is the zone of a name, or what to write instead.
func find(name string) (*zone, *Problem) {
	if entry := zones()[name]; entry != nil {
		z, err := entry()
		if err != nil {
			return nil, &Problem{Code: "unreadable_zone", Message: err.Error(), Hint: "is the system's time zone database damaged?"}
		}
		return z, nil
	}
	hint := "write a name of the IANA database such as Europe/Berlin"
	if near := nearest(name, strings.Fields(zoneNames), 3); len(near) > 0 {
		hint = "did you mean " + strings.Join(near, ", ") + "?"
	}
	return nil, &Problem{Code: "unknown_zone", Message: quoted(name) + " is not a time zone", Hint: hint}
}

// Zones are the names of all time zones that calendars know, in order.
func Zones() []string { return strings.Fields(zoneNames) }

// Moment is the instant that a local date and time of a zone means: "2026-03-29", "2026-03-29 02:30" or
// "2026-03-29T02:30"; RFC 3339 with an offset is taken as it is. A time that the clocks skip means the moment
// of the jump, and one that they show twice the first. Errors are of the kind [fault.Invalid].
func Moment(zone, text string) (lead.Instant, error) {
	z, p := find(zone)
	if p != nil {
		return 0, Problems{*p}
	}
	m, p := parseMoment(text)
	if p != nil {
		return 0, Problems{*p}
	}
	return m.in(z, 0), nil
}
