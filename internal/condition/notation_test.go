package condition

import "testing"

func TestParseDuration(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]float64{
		"30m": 1800, "12h": 43200, "14d": 14 * Day, "2w": 14 * Day, "0d": 0, "3650d": 3650 * Day,
		"": -1, "14": -1, "d": -1, "1.5d": -1, "-1d": -1, "14 d": -1, "3651d": -1, "1y": -1, "01d": -1, "99999999d": -1,
	} {
		got, ok := ParseDuration(text)
		if ok != (want >= 0) || ok && got != want {
			t.Errorf("ParseDuration(%q) = %v, %v, want %v", text, got, ok, want)
		}
	}
}
