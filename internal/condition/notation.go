package condition

import (
	"math"
	"regexp"
	"strconv"
)

// Day is a day in seconds: always 24 hours, whatever a clock on a wall does.
const Day = 86400.0

const maxDuration = 3650 * Day

// DurationHint tells how to write a duration.
const DurationHint = "write a number and a unit: 30m, 12h, 14d or 2w"

// DurationPattern is the regular expression that every duration matches, for schemas.
const DurationPattern = `^(0|[1-9][0-9]{0,6})([mhdw])$`

var durationForm = regexp.MustCompile(DurationPattern)

// ParseDuration reads "30m", "12h", "14d" or "2w" as seconds; a day is 24 hours.
func ParseDuration(s string) (float64, bool) {
	m := durationForm.FindStringSubmatch(s)
	if m == nil {
		return 0, false
	}
	n, err := strconv.ParseFloat(m[1], 64)
	unit := map[string]float64{"m": 60, "h": 3600, "d": Day, "w": 7 * Day}[m[2]]
	return n * unit, err == nil && n*unit <= maxDuration
}

// FormatDuration writes seconds in the largest unit that divides them.
func FormatDuration(seconds float64) string {
	for _, u := range []struct {
		name string
		size float64
	}{{"d", Day}, {"h", 3600}, {"m", 60}} {
		if seconds >= u.size && math.Mod(seconds, u.size) == 0 {
			return FormatNumber(seconds/u.size) + u.name
		}
	}
	return FormatNumber(seconds) + "s"
}

// FormatNumber writes a number in its shortest form, without an exponent where people would not use one.
func FormatNumber(v float64) string {
	if math.Abs(v) < 1e15 {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}
