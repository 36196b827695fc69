package calendar_test

import (
	"testing"
	"time"

	"cusp/internal/handoff/calendar"
)

func BenchmarkAdd(b *testing.B) {
	rep := compile(b, munich)
	spec := munich
	spec.Zone = "America/New_York"
	other := compile(b, spec)
	at := moment(b, "Europe/Berlin", "2026-11-24 17:58")
	away := calendar.Span{From: at, To: at.Add(14 * 24 * time.Hour)}
	var team []calendar.Calendar
	for range 50 {
		team = append(team, rep.Without(away))
	}
	for _, c := range []struct {
		name string
		cal  calendar.Calendar
		d    time.Duration
	}{
		{"five minutes", rep, 5 * time.Minute},
		{"a week", rep, 38 * time.Hour},
		{"a month", rep, 160 * time.Hour},
		{"absent, a week", rep.Without(away), 38 * time.Hour},
		{"rep and prospect, a month", calendar.Intersect(rep, other), 40 * time.Hour},
		{"team of fifty, a week", calendar.Union(team...), 38 * time.Hour},
		{"never", calendar.Intersect(rep, compile(b, calendar.Spec{Zone: "Asia/Tokyo", ID: "t", Hours: week("09:00-10:00")})), time.Hour},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.cal.Add(at, c.d)
			}
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		compile(b, munich)
	}
}
