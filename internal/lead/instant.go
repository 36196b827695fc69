package lead

import (
	"math"
	"time"
)

// Instant is a moment in microseconds since 1970-01-01 UTC: the form in which Cusp stores and compares
// time. The zero Instant means "not set".
type Instant int64

// Never is later than every instant that occurs.
const Never Instant = math.MaxInt64

// At converts a time, dropping what is finer than a microsecond.
func At(t time.Time) Instant { return Instant(t.UnixMicro()) }

// Time converts back, in UTC.
func (i Instant) Time() time.Time { return time.UnixMicro(int64(i)).UTC() }

// Add moves the instant; it stops at [Never] and at the earliest instant instead of overflowing.
func (i Instant) Add(d time.Duration) Instant {
	sum := i + Instant(d/time.Microsecond)
	switch {
	case d > 0 && sum < i:
		return Never
	case d < 0 && sum > i:
		return math.MinInt64
	}
	return sum
}

// Sub is the time from j to i. Like [time.Time.Sub], it stops at the longest duration, 292 years:
// clients do send the year 1.
func (i Instant) Sub(j Instant) time.Duration {
	const longest = Instant(math.MaxInt64 / time.Microsecond)
	switch d := i - j; {
	case i > j && (d > longest || d < 0):
		return math.MaxInt64
	case i < j && (d < -longest || d > 0):
		return math.MinInt64
	default:
		return time.Duration(d) * time.Microsecond
	}
}

// Seconds is the time from j to i in seconds: the unit of the playbook's arithmetic.
func (i Instant) Seconds(j Instant) float64 { return float64(i-j) / 1e6 }

// String is RFC 3339 in UTC, to the microsecond.
func (i Instant) String() string { return i.Time().Format("2006-01-02T15:04:05.999999Z") }
