package calendar_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"hash/fnv"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"cusp/internal/fault"
	"cusp/internal/handoff/calendar"
	"cusp/internal/lead"
)

var update = flag.Bool("update", false, "write golden files anew")

func week(times ...string) map[string]calendar.Times {
	hours := map[string]calendar.Times{}
	for _, d := range []string{"mon", "tue", "wed", "thu", "fri"} {
		hours[d] = times
	}
	return hours
}

func compile(t testing.TB, s calendar.Spec) calendar.Calendar {
	t.Helper()
	if s.ID == "" {
		s.ID = "test"
	}
	c, problems := calendar.Compile(s)
	if problems != nil {
		t.Fatal(problems)
	}
	return c
}

func moment(t testing.TB, zone, text string) lead.Instant {
	t.Helper()
	at, err := calendar.Moment(zone, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// list shows openings in the zone's own clock.
func list(t *testing.T, c calendar.Calendar, zone, from, to string) string {
	t.Helper()
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for s := range c.Spans(moment(t, zone, from), moment(t, zone, to)) {
		const form = "Mon 2006-01-02 15:04 -0700"
		fmt.Fprintf(&b, "%s … %s = %v\n", s.From.Time().In(loc).Format(form), s.To.Time().In(loc).Format(form), s.Length())
	}
	return b.String()
}

func TestMomentsTheClockSkipsOrShowsTwice(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ zone, local, want string }{
		{"Europe/Berlin", "2026-03-29 01:59", "2026-03-29T00:59:00Z"},
		{"Europe/Berlin", "2026-03-29 02:30", "2026-03-29T01:00:00Z"}, // does not exist: the jump
		{"Europe/Berlin", "2026-03-29 03:00", "2026-03-29T01:00:00Z"},
		{"Europe/Berlin", "2026-03-29 03:01", "2026-03-29T01:01:00Z"},
		{"Europe/Berlin", "2026-10-25 02:30", "2026-10-25T00:30:00Z"}, // twice: the first
		{"Europe/Berlin", "2026-10-25 03:00", "2026-10-25T02:00:00Z"},
		{"Australia/Lord_Howe", "2026-10-04 02:15", "2026-10-03T15:30:00Z"},
		{"Australia/Lord_Howe", "2026-04-05 01:45", "2026-04-04T14:45:00Z"},
		{"Pacific/Apia", "2011-12-29 23:59", "2011-12-30T09:59:00Z"},
		{"Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z"}, // a day that was not: the jump
		{"Pacific/Apia", "2011-12-30 17:00", "2011-12-30T10:00:00Z"},
		{"Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00Z"},
		{"America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z"}, // no midnight
		{"Asia/Kathmandu", "2026-06-01 09:00", "2026-06-01T03:15:00Z"},
		{"America/St_Johns", "2026-06-01 09:00", "2026-06-01T11:30:00Z"},
		{"Europe/Berlin", "2028-02-29 09:00", "2028-02-29T08:00:00Z"},
		{"Europe/Berlin", "2040-12-31 09:00", "2040-12-31T08:00:00Z"},
		{"Europe/Berlin", "2199-07-01 09:00", "2199-07-01T07:00:00Z"},
		{"Europe/Berlin", "1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"},
		{"Europe/Berlin", "2026-03-29T02:30:00+05:00", "2026-03-28T21:30:00Z"},
	} {
		if got := moment(t, c.zone, c.local).String(); got != c.want {
			t.Errorf("%s in %s is %s, not %s", c.local, c.zone, got, c.want)
		}
	}
}

func TestOpeningsOnOddDays(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, from, to string
		spec           calendar.Spec
		want           string
	}{
		{"a night shift loses an hour", "2026-03-28", "2026-03-30", calendar.Spec{
			Zone: "Europe/Berlin", Hours: map[string]calendar.Times{"sat": {"22:00-06:00"}},
		}, "Sat 2026-03-28 22:00 +0100 … Sun 2026-03-29 06:00 +0200 = 7h0m0s\n"},
		{"a night shift gains an hour", "2026-10-24", "2026-10-26", calendar.Spec{
			Zone: "Europe/Berlin", Hours: map[string]calendar.Times{"sat": {"22:00-06:00"}},
		}, "Sat 2026-10-24 22:00 +0200 … Sun 2026-10-25 06:00 +0100 = 9h0m0s\n"},
		{"hours that the clock skips have no length", "2026-03-29", "2026-03-30", calendar.Spec{
			Zone: "Europe/Berlin", Hours: map[string]calendar.Times{"sun": {"02:00-03:00"}},
		}, ""},
		{"hours that the clock shows twice are worked once", "2026-10-25", "2026-10-26", calendar.Spec{
			Zone: "Europe/Berlin", Hours: map[string]calendar.Times{"sun": {"01:30-02:15", "02:30-02:45"}},
		}, "Sun 2026-10-25 01:30 +0200 … Sun 2026-10-25 02:15 +0200 = 45m0s\n" +
			"Sun 2026-10-25 02:30 +0200 … Sun 2026-10-25 02:45 +0200 = 15m0s\n"},
		{"what crosses the repeated hour lasts through both", "2026-10-25", "2026-10-26", calendar.Spec{
			Zone: "Europe/Berlin", Hours: map[string]calendar.Times{"sun": {"02:30-03:30"}},
		}, "Sun 2026-10-25 02:30 +0200 … Sun 2026-10-25 03:30 +0100 = 2h0m0s\n"},
		{"a day that was skipped", "2011-12-29", "2012-01-01", calendar.Spec{
			Zone: "Pacific/Apia", Hours: week("09:00-17:00"),
		}, "Thu 2011-12-29 09:00 -1000 … Thu 2011-12-29 17:00 -1000 = 8h0m0s\n"},
		{"round the clock is one opening", "2026-10-23", "2026-10-27", calendar.Spec{
			Zone: "Europe/Berlin", Hours: map[string]calendar.Times{"sat": {"00:00-24:00"}, "sun": {"00:00-24:00"}},
		}, "Sat 2026-10-24 00:00 +0200 … Mon 2026-10-26 00:00 +0100 = 49h0m0s\n"},
		{"Christmas with part days", "2026-12-23", "2026-12-29", calendar.Spec{
			Zone: "Europe/Berlin", Hours: week("09:00-12:30", "13:30-18:00"), Holidays: []string{"DE-BY"},
			Closed: map[string]calendar.Times{"2026-12-24": {"12:00-24:00"}, "2026-12-28": nil},
			Open:   map[string]calendar.Times{"2026-12-26": {"10:00-11:00"}},
		}, "Wed 2026-12-23 09:00 +0100 … Wed 2026-12-23 12:30 +0100 = 3h30m0s\n" +
			"Wed 2026-12-23 13:30 +0100 … Wed 2026-12-23 18:00 +0100 = 4h30m0s\n" +
			"Thu 2026-12-24 09:00 +0100 … Thu 2026-12-24 12:00 +0100 = 3h0m0s\n" +
			"Sat 2026-12-26 10:00 +0100 … Sat 2026-12-26 11:00 +0100 = 1h0m0s\n"},
		{"a night shift ends at the midnight of a holiday, and none begins on one", "2026-12-24", "2026-12-27", calendar.Spec{
			Zone: "Europe/Berlin", Hours: week("22:00-06:00"), Holidays: []string{"DE"},
		}, "Thu 2026-12-24 00:00 +0100 … Thu 2026-12-24 06:00 +0100 = 6h0m0s\n" +
			"Thu 2026-12-24 22:00 +0100 … Fri 2026-12-25 00:00 +0100 = 2h0m0s\n"},
		{"at work in spite of a holiday", "2026-10-12", "2026-10-13", calendar.Spec{
			Zone: "America/New_York", Hours: week("09:00-17:00"), Holidays: []string{"US"},
			Open: map[string]calendar.Times{"2026-10-12": nil},
		}, "Mon 2026-10-12 09:00 -0400 … Mon 2026-10-12 17:00 -0400 = 8h0m0s\n"},
		{"leap day", "2028-02-28", "2028-03-01", calendar.Spec{
			Zone: "Asia/Kolkata", Hours: week("09:00-17:00"), Closed: map[string]calendar.Times{"2028-02-29": {"09:00-12:00"}},
		}, "Mon 2028-02-28 09:00 +0530 … Mon 2028-02-28 17:00 +0530 = 8h0m0s\n" +
			"Tue 2028-02-29 12:00 +0530 … Tue 2028-02-29 17:00 +0530 = 5h0m0s\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, list(t, compile(t, c.spec), c.spec.Zone, c.from, c.to)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestNeverOpenAnswersFalse(t *testing.T) {
	t.Parallel()
	at := moment(t, "UTC", "2026-11-24 10:00")
	mornings := compile(t, calendar.Spec{Zone: "UTC", Hours: week("08:00-09:00")})
	evenings := compile(t, calendar.Spec{Zone: "UTC", Hours: week("18:00-19:00")})
	for name, c := range map[string]calendar.Calendar{
		"zero":             {},
		"no team":          calendar.Union(),
		"no pair":          calendar.Intersect(),
		"half a pair":      calendar.Intersect(mornings, calendar.Calendar{}),
		"never together":   calendar.Intersect(mornings, evenings),
		"away for good":    mornings.Without(calendar.Span{From: at, To: lead.Never}),
		"dates gone by":    compile(t, calendar.Spec{Zone: "UTC", Open: map[string]calendar.Times{"2020-01-01": {"09:00-10:00"}}}),
		"everyone is away": calendar.Union(mornings, evenings).Without(calendar.Span{From: at, To: at.Add(2 * calendar.Horizon)}),
	} {
		_, opens := c.NextOpen(at)
		_, closes := c.NextClose(at)
		_, due := c.Add(at, time.Hour)
		if c.Open(at) || opens || closes || due || c.Between(at, at.Add(time.Hour)) != 0 {
			t.Errorf("%s: %v %v %v %v", name, c.Open(at), opens, closes, due)
		}
		for s := range c.Spans(at, at.Add(time.Hour)) {
			t.Errorf("%s: open %v", name, s)
		}
		if due, ok := c.Add(at, 0); !ok || due != at {
			t.Errorf("%s: no time is due %v, %v", name, due, ok)
		}
	}
	if _, ok := calendar.Always().NextClose(at); ok {
		t.Error("what is always open closes")
	}
	if _, ok := calendar.Always().Add(at, -1); ok {
		t.Error("a deadline before its begin")
	}
}

func TestEndsOfTheRange(t *testing.T) {
	t.Parallel()
	c := compile(t, calendar.Spec{Zone: "America/New_York", Hours: week("09:00-17:00")})
	for _, at := range []lead.Instant{-1 << 63, -1, 0, lead.Never - 1, lead.Never} {
		if c.Open(at) || c.Between(at, at) != 0 {
			t.Errorf("open at %d", at)
		}
	}
	all := c.Between(-1<<63, lead.Never)
	if days := all / (8 * time.Hour); days < 59_990 || days > 60_020 {
		t.Errorf("%d working days in 230 years", days)
	}
	if at, ok := c.NextOpen(0); !ok || at.String() != "1970-01-01T14:00:00Z" {
		t.Errorf("the first opening is %v, %v", at, ok)
	}
	if at, ok := c.Add(moment(t, "UTC", "2199-12-30"), 1000*time.Hour); ok {
		t.Errorf("due %v, after the end", at)
	}
}

func TestAbsence(t *testing.T) {
	t.Parallel()
	const zone = "Europe/Berlin"
	for _, c := range []struct{ from, to, want string }{
		{"2026-08-03", "2026-08-14", "2026-08-02T22:00:00Z 2026-08-14T22:00:00Z"}, // the 14th included
		{"2026-03-29", "2026-03-29", "2026-03-28T23:00:00Z 2026-03-29T22:00:00Z"},
		{"2026-08-03 12:00", "2026-08-03 18:00", "2026-08-03T10:00:00Z 2026-08-03T16:00:00Z"},
		{"2026-08-03T12:00:00Z", "2026-08-04", "2026-08-03T12:00:00Z 2026-08-04T22:00:00Z"},
		{"2026-08-03", "", "2026-08-02T22:00:00Z 2200-01-01T00:00:00Z"},
	} {
		s, problems := calendar.Absence{From: c.from, To: c.to}.Span(zone)
		if got := s.From.String() + " " + s.To.String(); problems != nil || got != c.want {
			t.Errorf("%s to %s: %s, %v", c.from, c.to, got, problems)
		}
	}
	for want, c := range map[string]calendar.Absence{
		"from to":  {From: "3.8.2026", To: "2026-02-30"},
		"to":       {From: "2026-08-03 12:00", To: "2026-08-03 11:00"},
		"from":     {From: "", To: "2026-08-03 11:00"},
		"from  to": {From: "0026-08-03", To: "9026-08-03"},
	} {
		_, problems := c.Span(zone)
		var fields []string
		for _, p := range problems {
			fields = append(fields, p.Field)
		}
		if diff := cmp.Diff(strings.Fields(want), fields); diff != "" {
			t.Errorf("%+v: %s", c, diff)
		}
	}
	if _, problems := (calendar.Absence{From: "2026-08-03"}).Span("Mars/Olympus"); len(problems) != 1 || problems[0].Field != "zone" {
		t.Error(problems)
	}
}

func TestSpecFromJSONAndYAML(t *testing.T) {
	t.Parallel()
	want := calendar.Spec{
		ID: "munich", Zone: "Europe/Berlin", Hours: map[string]calendar.Times{"mon": {"09:00-12:30", "13:30-18:00"}, "tue": {"09:00-12:00"}},
		Holidays: []string{"DE-BY"}, Closed: map[string]calendar.Times{"2026-12-24": {"12:00-24:00"}, "2026-12-31": nil},
	}
	var fromYAML, fromJSON calendar.Spec
	err := yaml.Unmarshal([]byte(`
id: munich
zone: Europe/Berlin
hours: {mon: ["09:00-12:30", "13:30-18:00"], tue: "09:00-12:00"}
holidays: [DE-BY]
closed:
  2026-12-24: 12:00-24:00
  2026-12-31:
`), &fromYAML)
	if diff := cmp.Diff(want, fromYAML); err != nil || diff != "" {
		t.Error(err, diff)
	}
	err = json.Unmarshal([]byte(`{"id":"munich","zone":"Europe/Berlin","hours":{"mon":["09:00-12:30","13:30-18:00"],"tue":"09:00-12:00"},
		"holidays":["DE-BY"],"closed":{"2026-12-24":"12:00-24:00","2026-12-31":null}}`), &fromJSON)
	if diff := cmp.Diff(want, fromJSON); err != nil || diff != "" {
		t.Error(err, diff)
	}
	if err := json.Unmarshal([]byte(`{"hours":{"mon":9}}`), &fromJSON); err == nil {
		t.Error("a number for hours")
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s: %s", path, diff)
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	c, problems := calendar.Compile(calendar.Spec{
		Zone: "europe/berlim",
		Hours: map[string]calendar.Times{
			"monday": {"09:00-17:00"}, "tue": {"09:00-12:00", "11:00-13:00", "9-5", "14:00-14:00", "24:00-25:00"}, "holiday": nil,
		},
		Holidays: []string{"UK", "Germny", "DE-XX", "AU", "US-CA", "QQ", "Bayern", "", strings.Repeat("x", 1000)},
		Closed:   map[string]calendar.Times{"2026-13-01": nil, "2026-12-24": nil, "24.12.2026": nil, "1969-12-31": nil},
		Open:     map[string]calendar.Times{"2026-12-24": {"09:00-10:00"}, "2026-12-26": nil},
	})
	if _, ok := c.NextOpen(0); ok {
		t.Error("a faulty calendar opens")
	}
	golden(t, "problems.golden", problems.Error()+"\n")
	if err := problems.Err(); !fault.Is(err, fault.Invalid) {
		t.Errorf("problems are of the kind %v", fault.KindOf(err))
	}
	_, problems = calendar.Compile(calendar.Spec{ID: "empty", Zone: "UTC"})
	if len(problems) != 1 || problems[0].Code != "never_open" || calendar.Problems(nil).Err() != nil {
		t.Error(problems)
	}
	for _, zone := range []string{"", "Local", "localtime", "posix/Europe/Berlin", "right/Europe/Berlin", "../etc/passwd", "Factory"} {
		if _, err := calendar.Moment(zone, "2026-01-01"); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q is a zone", zone)
		}
	}
}

func TestHolidays(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for _, code := range []string{"DE-BY", "FR", "GB", "JP", "US"} {
		fmt.Fprintln(&b, code)
		for _, year := range []int{2026, 2027} {
			for _, h := range calendar.Holidays(code, year) {
				date, err := time.Parse(time.DateOnly, h.Date)
				if err != nil {
					t.Fatal(err)
				}
				fmt.Fprintf(&b, "  %s %s  %s\n", h.Date, date.Format("Mon"), h.Name)
			}
		}
	}
	golden(t, "holidays.golden", b.String())
}

// Japan's equinoxes are rules of the library that write into themselves.
func TestHolidaysOfManyYearsAtOnce(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	for year := 2000; year < 2080; year++ {
		all.Go(func() {
			once, again := calendar.Holidays("JP", year), calendar.Holidays("JP", year)
			if diff := cmp.Diff(once, again); diff != "" {
				t.Error(diff)
			}
		})
	}
	all.Wait()
}

// allHolidays is a hash of the holidays of all places in all years.
func allHolidays() string {
	h := fnv.New64a()
	for _, c := range calendar.Countries() {
		codes := []string{c.Code}
		for _, r := range c.Regions {
			codes = append(codes, r.Code)
		}
		for _, code := range codes {
			for year := 2000; year < 2060; year++ {
				fmt.Fprintln(h, code, calendar.Holidays(code, year))
			}
		}
	}
	return fmt.Sprintf("%x", h.Sum64())
}

func TestHolidaysDoNotDependOnTheMachine(t *testing.T) {
	t.Parallel()
	if os.Getenv("CUSP_TEST_PRINT_HOLIDAYS") != "" {
		fmt.Println("holidays:" + allHolidays())
		return
	}
	want := "holidays:" + allHolidays()
	for _, zone := range []string{"America/Santiago", "Pacific/Kiritimati"} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestHolidaysDoNotDependOnTheMachine$")
		cmd.Env = append(os.Environ(), "TZ="+zone, "CUSP_TEST_PRINT_HOLIDAYS=1")
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("on a machine in %s: %v, %s", zone, err, out)
		}
	}
}

func TestEveryPlaceAndZoneCompiles(t *testing.T) {
	t.Parallel()
	for _, c := range calendar.Countries() {
		codes := []string{}
		if c.Whole {
			codes = append(codes, c.Code)
		}
		for _, r := range c.Regions {
			codes = append(codes, r.Code)
		}
		for _, code := range codes {
			compile(t, calendar.Spec{Zone: "UTC", Hours: week("09:00-17:00"), Holidays: []string{strings.ToLower(code)}})
			if n := len(calendar.Holidays(code, 2026)); n < 5 || n > 30 {
				t.Errorf("%s has %d holidays in 2026", code, n)
			}
		}
	}
	for _, zone := range calendar.Zones() {
		loc, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		for year := 1971; year < 2200; year += 3 {
			noon := time.Date(year, time.Month(1+year%12), 1+year%28, 12, 0, 0, 0, loc)
			if got := moment(t, zone, noon.Format("2006-01-02 15:04")); got != lead.At(noon) {
				t.Errorf("noon in %s is %v, not %v", zone, got, lead.At(noon))
			}
		}
	}
}

// The reference lists what can be written under holidays, and its example is a calendar.
func TestReferenceIsTrue(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "reference", "calendars.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(page), "```yaml\n")
	text, _, _ = strings.Cut(text, "```")
	var example calendar.Spec
	if err := yaml.Unmarshal([]byte(text), &example); err != nil {
		t.Fatal(err)
	}
	c := compile(t, example)
	if got := list(t, c, example.Zone, "2026-12-31", "2027-01-07"); strings.Count(got, "\n") != 6 { // Mon, Tue, Wed: two parts each; Fri is a holiday
		t.Error(got)
	}
	for _, c := range calendar.Countries() {
		if row := "| " + c.Code + " | " + c.Name + " |"; !strings.Contains(string(page), row) {
			t.Errorf("the reference lacks %s", row)
		}
		for _, r := range c.Regions {
			if !strings.Contains(string(page), r.Code+" "+r.Name) {
				t.Errorf("the reference lacks %s %s", r.Code, r.Name)
			}
		}
	}
}
