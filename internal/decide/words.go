package decide

import (
	"fmt"
	"strconv"
	"time"

	"cusp/internal/lead"
)

// Figure writes a score to one decimal place, or to as many as it takes to show on which side of the
// lines it stands.
func Figure(score float64, lines ...float64) string {
	for places := 1; ; places++ {
		text := strconv.FormatFloat(score, 'f', places, 64)
		shown, err := strconv.ParseFloat(text, 64)
		honest := err == nil
		for _, line := range lines {
			honest = honest && (shown >= line) == (score >= line)
		}
		if honest || places > 9 {
			return text
		}
	}
}

// Ago words how long something is past.
func Ago(now, then lead.Instant) string {
	return Span(now.Seconds(then))
}

// Span words seconds as people do: in the largest unit that fits.
func Span(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%.0f days", d.Hours()/24)
	case d >= 2*time.Hour:
		return fmt.Sprintf("%.0f hours", d.Hours())
	case d >= 2*time.Minute:
		return fmt.Sprintf("%.0f minutes", d.Minutes())
	}
	return fmt.Sprintf("%.0f seconds", d.Seconds())
}
