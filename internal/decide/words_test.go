package decide

import "testing"

func TestFigure_showsTheSideOfTheLine(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		score float64
		want  string
	}{{39.96, "39.96"}, {39.9999, "39.9999"}, {40, "40.0"}, {41.23, "41.2"}, {39.94, "39.9"}} {
		if got := Figure(tt.score, 40, 70); got != tt.want {
			t.Errorf("Figure(%v) = %s, want %s", tt.score, got, tt.want)
		}
	}
}

func TestSpan(t *testing.T) {
	t.Parallel()
	for seconds, want := range map[float64]string{1: "1 seconds", 119: "119 seconds", 120: "2 minutes", 7200: "2 hours", 172800: "2 days", 2.6e6: "30 days"} {
		if got := Span(seconds); got != want {
			t.Errorf("Span(%v) = %s, want %s", seconds, got, want)
		}
	}
}

func TestAskFor(t *testing.T) {
	t.Parallel()
	if got := AskFor([]string{"account.employees", "person.title"}); got != "How many people work at your company?" {
		t.Errorf("a known fact: %s", got)
	}
	if got := AskFor([]string{"person.favourite_tool"}); got != "What is the favourite tool?" {
		t.Errorf("another fact: %s", got)
	}
	if got := AskFor(nil); got != "" {
		t.Errorf("nothing: %s", got)
	}
}
