package calendar_test

import (
	"fmt"
	"time"

	"cusp/internal/handoff/calendar"
)

var munich = calendar.Spec{
	ID: "munich", Zone: "Europe/Berlin",
	Hours: map[string]calendar.Times{
		"mon": {"09:00-12:30", "13:30-18:00"}, "tue": {"09:00-12:30", "13:30-18:00"}, "wed": {"09:00-12:30", "13:30-18:00"},
		"thu": {"09:00-12:30", "13:30-18:00"}, "fri": {"09:00-15:00"},
	},
	Holidays: []string{"DE-BY"},
	Closed:   map[string]calendar.Times{"2026-12-24": {"12:00-24:00"}},
}

// A lead that arrives in the afternoon of Christmas Eve waits for the Monday after.
func ExampleCalendar_Add() {
	c, _ := calendar.Compile(munich)
	arrived, _ := calendar.Moment("Europe/Berlin", "2026-12-24 11:30")
	due, _ := c.Add(arrived, time.Hour)
	fmt.Println(due)
	// Output: 2026-12-28T08:30:00Z
}

func ExampleCalendar_Between() {
	c, _ := calendar.Compile(munich)
	assigned, _ := calendar.Moment("Europe/Berlin", "2026-11-27 14:00") // a Friday
	contacted, _ := calendar.Moment("Europe/Berlin", "2026-11-30 09:20")
	fmt.Println(c.Between(assigned, contacted), "of", contacted.Sub(assigned))
	// Output: 1h20m0s of 67h20m0s
}

func ExampleCalendar_Without() {
	c, _ := calendar.Compile(munich)
	away, _ := calendar.Absence{From: "2026-11-23", To: "2026-11-25 12:00"}.Span("Europe/Berlin")
	monday, _ := calendar.Moment("Europe/Berlin", "2026-11-23 10:00")
	back, _ := c.Without(away).NextOpen(monday)
	fmt.Println(back)
	// Output: 2026-11-25T11:00:00Z
}

// The hours in which the rep in Munich and the prospect in New York are both at work.
func ExampleIntersect() {
	rep, _ := calendar.Compile(munich)
	prospect, _ := calendar.Compile(calendar.Spec{
		ID: "new-york", Zone: "America/New_York",
		Hours:    map[string]calendar.Times{"wed": {"09:00-17:00"}, "thu": {"09:00-17:00"}, "fri": {"08:00-17:00"}},
		Holidays: []string{"US"},
	})
	from, _ := calendar.Moment("UTC", "2026-11-25")
	for s := range calendar.Intersect(rep, prospect).Spans(from, from.Add(72*time.Hour)) {
		fmt.Println(s.From, s.Length())
	}
	// Output:
	// 2026-11-25T14:00:00Z 3h0m0s
	// 2026-11-27T13:00:00Z 1h0m0s
}

func ExampleCompile_problems() {
	_, problems := calendar.Compile(calendar.Spec{
		ID: "oslo", Zone: "Europe/Olso", Hours: map[string]calendar.Times{"mon": {"9-17"}}, Holidays: []string{"UK"},
	})
	fmt.Println(problems)
	// Output:
	// zone: "Europe/Olso" is not a time zone; did you mean Europe/Oslo?
	// hours.mon[0]: "9-17" is not a part of a day; write it as "09:00-12:30"
	// holidays[0]: "UK" is not a country with known holidays; did you mean GB (United Kingdom)?
}
