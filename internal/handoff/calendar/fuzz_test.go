package calendar_test

import (
	"testing"
	"time"

	"cusp/internal/handoff/calendar"
)

// A part of a day is refused, or it is one opening of at most a day that begins at the minute that it says.
func FuzzTimes(f *testing.F) {
	for _, s := range []string{
		"09:00-12:30", "9:00-9:01", "22:00-06:00", "00:00-24:00", "18:00-00:00", " 08:00 – 10:00 ", "24:00-01:00",
		"", "-", "--", "9-17", "09:60-10:00", "25:00-26:00", "+9:00-10:00", "09:00-12:30-14:00", "09:00-09:00", "٠٩:٠٠-١٢:٠٠", "0x:1f-\x00",
	} {
		f.Add(s)
	}
	monday := moment(f, "UTC", "2026-11-23")
	f.Fuzz(func(t *testing.T, text string) {
		c, problems := calendar.Compile(calendar.Spec{ID: "fuzz", Zone: "UTC", Hours: map[string]calendar.Times{"mon": {text}}})
		if problems != nil {
			if len(problems) != 1 || problems[0].Field != "hours.mon[0]" || problems[0].Hint == "" {
				t.Fatal(problems)
			}
			return
		}
		at, ok := c.NextOpen(monday)
		end, _ := c.NextClose(monday)
		if !ok || at < monday || at >= monday+day || end <= at || end-at > day || (at-monday)%minute != 0 || (end-at)%minute != 0 {
			t.Fatalf("%q is open from %v to %v", text, at, end)
		}
		again := time.UnixMicro(int64(at)).UTC().Format("15:04") + "-" + time.UnixMicro(int64(end)).UTC().Format("15:04")
		if again == "00:00-00:00" {
			again = "00:00-24:00"
		}
		c, problems = calendar.Compile(calendar.Spec{ID: "fuzz", Zone: "UTC", Hours: map[string]calendar.Times{"mon": {again}}})
		if end2, _ := c.NextClose(monday); problems != nil || end2 != end {
			t.Fatalf("%q and %q end at %v and %v", text, again, end, end2)
		}
	})
}

// Dates and times of people are refused with a hint, or they are an instant in the range.
func FuzzMoment(f *testing.F) {
	for _, s := range []string{
		"2026-03-29", "2026-03-29 02:30", "2026-03-29T02:30", "2026-03-29 02:30:15", "2026-03-29T02:30:00Z",
		"2026-02-29", "1969-12-31", "2200-01-01", "29.3.2026", "", "2026-03-29T02:30:00.123456789+14:00", "9999-12-31T23:59:59Z",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, err := calendar.Moment("Europe/Berlin", text)
		if err != nil {
			return
		}
		if again, err := calendar.Moment("Europe/Berlin", at.String()); len(at.String()) > 4 && at.Time().Year() > 0 && (err != nil || again != at) {
			t.Fatalf("%q is %v, which is %v, %v", text, at, again, err)
		}
		span, problems := calendar.Absence{From: text}.Span("Europe/Berlin")
		if problems == nil && span.From != at {
			t.Fatalf("an absence from %q begins at %v, not %v", text, span.From, at)
		}
	})
}
