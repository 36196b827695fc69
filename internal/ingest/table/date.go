package table

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// dateFormat reads dates of one written form. Words stand for the forms that need no pattern.
type dateFormat struct {
	word   string // "iso", "unix", "unix_ms", "excel", "auto" (iso or unix, by looks), or empty
	layout string // of package time, when word is empty
	zoned  bool   // the layout holds an offset
}

// dateTokens are the parts of a date pattern, longest first, with their layouts of package time.
var dateTokens = []struct{ token, layout string }{
	{"YYYY", "2006"}, {"MMMM", "January"}, {"MMM", "Jan"}, {"SSS", "000"},
	{"YY", "06"}, {"MM", "01"}, {"DD", "02"}, {"HH", "15"}, {"hh", "03"}, {"mm", "04"}, {"ss", "05"},
	{"M", "1"}, {"D", "2"}, {"h", "3"}, {"A", "PM"}, {"Z", "Z07:00"},
}

const dateWords = "iso, unix, unix_ms, excel, or a pattern such as DD.MM.YYYY HH:mm:ss"

// parseDateFormat reads the pattern that a mapping gives: one of the words, or tokens such as YYYY, MM,
// DD, HH, mm, ss, SSS, A and Z (an offset) with anything but letters and digits between them.
func parseDateFormat(pattern string) (dateFormat, error) {
	switch pattern {
	case "iso", "unix", "unix_ms", "excel":
		return dateFormat{word: pattern}, nil
	}
	var layout strings.Builder
	seen := map[byte]bool{}
	for rest := pattern; rest != ""; {
		token, text, ok := leadingToken(rest)
		if !ok {
			return dateFormat{}, fmt.Errorf("%q in the date pattern %q is not understood", rest, pattern)
		}
		if token != "" && token != text {
			seen[token[0]] = true
		}
		layout.WriteString(text)
		rest = rest[len(token):]
	}
	if !seen['Y'] || !seen['M'] || !seen['D'] {
		return dateFormat{}, fmt.Errorf("the date pattern %q needs a year, a month and a day", pattern)
	}
	return dateFormat{layout: layout.String(), zoned: seen['Z']}, nil
}

// leadingToken cuts the first token, or the first character that stands for itself, off a pattern.
func leadingToken(s string) (token, layout string, ok bool) {
	for _, t := range dateTokens {
		if strings.HasPrefix(s, t.token) {
			return t.token, t.layout, true
		}
	}
	switch c := s[0]; {
	case c == 'T' || strings.IndexByte(" -./:,", c) >= 0:
		return s[:1], s[:1], true
	}
	return "", "", false
}

// parse reads a date; what carries no offset is taken in zone. Dates before the year 1900 and after
// 2200 are refused: they are slips of the pen or another format.
func (f dateFormat) parse(s string, zone *time.Location) (time.Time, error) {
	t, err := f.read(strings.TrimSpace(s), zone)
	if err != nil {
		return time.Time{}, err
	}
	if y := t.Year(); y < 1900 || y > 2200 {
		return time.Time{}, fmt.Errorf("the year %d is out of range", y)
	}
	return t.UTC(), nil
}

func (f dateFormat) read(s string, zone *time.Location) (time.Time, error) {
	switch f.word {
	case "iso":
		return parseISO(s, zone)
	case "auto":
		return parseAuto(s, zone)
	case "unix":
		return fromNumber(s, func(n float64) time.Time { return time.UnixMicro(int64(n * 1e6)) })
	case "unix_ms":
		return fromNumber(s, func(n float64) time.Time { return time.UnixMicro(int64(n * 1e3)) })
	case "excel":
		return fromNumber(s, func(n float64) time.Time { return excelTime(n, zone) })
	}
	t, err := time.ParseInLocation(f.layout, s, zone)
	if err != nil {
		return time.Time{}, errDate
	}
	return t, nil
}

var errDate = errors.New("is not a date of that form")

func fromNumber(s string, convert func(float64) time.Time) (time.Time, error) {
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || n != n || n < -1e14 || n > 1e14 {
		return time.Time{}, errDate
	}
	return convert(n), nil
}

// excelTime converts days since the last day of 1899, as spreadsheets count them, to the second.
func excelTime(days float64, zone *time.Location) time.Time {
	whole := int(days)
	seconds := int((days-float64(whole))*86400 + 0.5)
	return time.Date(1899, 12, 30+whole, 0, 0, seconds, 0, zone)
}

// isoLayouts are the unambiguous forms that programs write, tried in order.
var isoLayouts = []string{
	time.RFC3339Nano,
	"2006-01-02 15:04:05.999999999Z07:00",
	"2006-01-02 15:04:05.999999999 Z07:00",
	"2006-01-02 15:04:05.999999999 -0700",
	"2006-01-02 15:04:05.999999999-07",
	"2006-01-02T15:04:05.999999999-0700",
	"2006-01-02T15:04:05.999999999",
	"2006-01-02 15:04:05.999999999",
	"2006-01-02T15:04",
	"2006-01-02 15:04",
	"2006-01-02",
	"2006-01-02 15:04:05 UTC",
}

func parseISO(s string, zone *time.Location) (time.Time, error) {
	for _, layout := range isoLayouts {
		if t, err := time.ParseInLocation(layout, s, zone); err == nil {
			return t, nil
		}
	}
	return time.Time{}, errDate
}

// formatTime is how messages carry a time.
func formatTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.999999Z") }
