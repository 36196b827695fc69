package framework

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"cusp/internal/fault"
	"cusp/internal/lead"
	"cusp/internal/signal"
)

var now = lead.At(time.Date(2026, 6, 1, 9, 0, 0, 0, time.UTC))

func daysAgo(n int) lead.Instant { return now.Add(-time.Duration(n) * 24 * time.Hour) }

func TestWhatHolds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		facts    []Fact
		want     Standing
		disputed bool
	}{
		"the newest statement": {
			[]Fact{{Key: Budget, Standing: No, Source: Rep, At: daysAgo(90)}, {Key: Budget, Standing: Yes, Source: Form, At: daysAgo(1)}},
			Yes, true,
		},
		"an old contradiction is no dispute": {
			[]Fact{{Key: Budget, Standing: No, Source: Rep, At: daysAgo(200)}, {Key: Budget, Standing: Yes, Source: Form, At: daysAgo(1)}},
			Yes, false,
		},
		"the rep at the same instant": {
			[]Fact{{Key: Budget, Standing: Yes, Source: Signal, At: daysAgo(1)}, {Key: Budget, Standing: No, Source: Rep, At: daysAgo(1)}},
			No, true,
		},
		"a statement before anything inferred": {
			[]Fact{{Key: Budget, Standing: Yes, Source: Trait, At: now}, {Key: Budget, Standing: No, Source: Rep, At: daysAgo(300)}},
			No, false,
		},
		"nothing from later": {
			[]Fact{{Key: Budget, Standing: Yes, Source: Rep, At: now.Add(time.Second)}, {Key: Budget, Standing: No, Source: Rep, At: now}},
			No, false,
		},
	} {
		got := Settle(c.facts, now)
		if len(got) != 1 || got[0].Standing != c.want || got[0].Disputed != c.disputed {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func someFacts(t *rapid.T) []Fact {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Fact {
		return Fact{
			Key:      rapid.SampledFrom(Keys()).Draw(t, "key"),
			Standing: rapid.SampledFrom([]Standing{Yes, Partly, No}).Draw(t, "standing"),
			Value:    rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "value"),
			Source:   rapid.SampledFrom([]Source{Rep, Form, Chat, Signal, Trait}).Draw(t, "source"),
			Of:       rapid.SampledFrom([]string{"", "Bo"}).Draw(t, "of"),
			At:       daysAgo(rapid.IntRange(-1, 400).Draw(t, "days")),
		}
	}), 0, 12).Draw(t, "facts")
}

func TestOrderDoesNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		facts := someFacts(t)
		other := slices.Clone(rapid.Permutation(facts).Draw(t, "permutation"))
		if d := cmp.Diff(Settle(facts, now), Settle(other, now)); d != "" {
			t.Fatal(d)
		}
		a, b := BackToNurture(facts, now)
		c, d := BackToNurture(other, now)
		if a != c || b != d {
			t.Fatalf("%q %q, in another order %q %q", a, b, c, d)
		}
	})
}

func TestViewsShareTheFacts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		facts := someFacts(t)
		for _, v := range Views(IDs(), facts, now) {
			fresh := 0
			for _, item := range v.Items {
				if item.Known && !item.Stale {
					fresh++
				}
				if (item.Ask == "") != (item.Known && !item.Stale && !item.Disputed) {
					t.Fatalf("%s: %+v", v.ID, item)
				}
				if item.Known && !slices.ContainsFunc(facts, func(f Fact) bool { return f.Standing == item.Standing && f.Value == item.Value }) {
					t.Fatalf("%s invents %+v", v.ID, item)
				}
			}
			if want := float64(fresh) / float64(len(v.Items)); v.Completeness != want {
				t.Fatalf("%s is %g complete, want %g", v.ID, v.Completeness, want)
			}
		}
	})
}

func TestOneStatementFillsSeveralFrameworks(t *testing.T) {
	t.Parallel()
	facts := []Fact{{Key: Budget, Standing: Yes, Value: "60k", Source: Rep, By: "amy@cusp.example", At: daysAgo(3)}}
	views := Views([]string{"bant", "champ", "nonsense", "gpctba"}, facts, now)
	got := map[string]Item{}
	for _, v := range views {
		for _, item := range v.Items {
			if item.Known {
				got[v.ID+"."+string(item.Key)] = item
			}
		}
	}
	if len(views) != 3 || len(got) != 3 || got["champ.money"].From != Budget || got["bant.budget"].AgeDays != 3 || got["gpctba.budget"].By == "" {
		t.Errorf("%+v", got)
	}
}

func TestNoAuthorityGoesBackToNurture(t *testing.T) {
	t.Parallel()
	no := Fact{Key: Authority, Standing: No, Value: "an intern collects offers", Source: Rep, At: daysAgo(2)}
	for name, c := range map[string]struct {
		facts []Fact
		back  bool
		bring string
	}{
		"nothing known":             {nil, false, ""},
		"no authority":              {[]Fact{no}, true, ""},
		"they decide":               {[]Fact{{Key: Authority, Standing: Yes, Source: Rep, At: now}}, false, ""},
		"they share in it":          {[]Fact{no, {Key: Authority, Standing: Partly, Source: Rep, At: now}}, false, ""},
		"no money is another thing": {[]Fact{{Key: Budget, Standing: No, Source: Rep, At: now}}, false, ""},
		"a colleague decides":       {[]Fact{no, {Key: Authority, Standing: Yes, Of: "Bo Lee", Source: Trait, At: now}}, false, "Bo Lee"},
		"a colleague shares only":   {[]Fact{no, {Key: Authority, Standing: Partly, Of: "Bo Lee", Source: Trait, At: now}}, true, ""},
		"the colleague does not after all": {
			[]Fact{no, {Key: Authority, Standing: Yes, Of: "Bo Lee", Source: Trait, At: now}, {Key: Authority, Standing: No, Of: "Bo Lee", Source: Rep, At: now}},
			true, "",
		},
	} {
		because, bring := BackToNurture(c.facts, now)
		if (because != "") != c.back || bring != c.bring {
			t.Errorf("%s: %q, %q", name, because, bring)
		}
	}
}

func TestFactsFromText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]Fact{
		"We have a budget of 40k for this.": {{Key: Budget, Standing: Yes}},
		"We have no budget this year.":      {{Key: Budget, Standing: No}},
		"What does it cost?":                nil,
		"It must be live by 1 September.":   {{Key: Timeline, Standing: Yes}},
	} {
		var got []Fact
		for _, found := range signal.Read(text) {
			for _, f := range FromText(Heard{Finding: found, Text: text, At: now}) {
				if f.Value != text || f.Source != Signal || f.At != now {
					t.Errorf("%q gives %+v", text, f)
				}
				got = append(got, Fact{Key: f.Key, Standing: f.Standing})
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%q: %s", text, d)
		}
	}
}

func TestFactsFromForms(t *testing.T) {
	t.Parallel()
	got := FromForm(map[string]any{
		"Budget Range": "20-50k", "timeframe": "please select", "decision-maker": false, "use_case": "lead routing", "message": "hi",
		"priority": "", "goals": []any{"x"},
	}, "", now)
	want := []Fact{
		{Key: Budget, Standing: Yes, Value: "20-50k", Source: Form, At: now},
		{Key: Authority, Standing: No, Source: Form, At: now},
		{Key: Need, Standing: Yes, Value: "lead routing", Source: Form, At: now},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestAuthorityFromTitles(t *testing.T) {
	t.Parallel()
	for title, want := range map[string]Standing{
		"CEO": Yes, "Geschäftsführer": Yes, "Chief Revenue Officer": Yes, "Founder & CEO": Yes, "Managing Partner": Yes, "Account Executive": "",
		"Vice President Sales": Partly, "VP of Marketing": Partly, "Head of Sales": Partly, "Working Student": No, "Sales Intern": No,
		"Assistant to the CEO": "", "International Analyst": "", "": "", "Account Manager": Partly,
	} {
		facts := FromTraits(map[string]any{"title": title}, "", now)
		got := Standing("")
		if len(facts) > 0 {
			got = facts[0].Standing
		}
		if got != want {
			t.Errorf("%q: %q, want %q", title, got, want)
		}
	}
}

func TestWhatRepsFillIn(t *testing.T) {
	t.Parallel()
	got, err := Parse(map[string]any{
		"budget": float64(60000), "authority": map[string]any{"standing": "partly", "value": "with the CFO"}, "need": "no\nleads  lost",
		"timeline": nil, "plans": false, "goals": "Yes",
	}, "amy@cusp.example", now)
	if err != nil {
		t.Fatal(err)
	}
	want := []Fact{
		{Key: Budget, Standing: Yes, Value: "60000", Amount: 60000, Source: Rep, By: "amy@cusp.example", At: now},
		{Key: Authority, Standing: Partly, Value: "with the CFO", Source: Rep, By: "amy@cusp.example", At: now},
		{Key: Need, Standing: Yes, Value: "no leads lost", Source: Rep, By: "amy@cusp.example", At: now},
		{Key: Goals, Standing: Yes, Source: Rep, By: "amy@cusp.example", At: now},
		{Key: Plans, Standing: No, Source: Rep, By: "amy@cusp.example", At: now},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestWhatRepsMayNotFillIn(t *testing.T) {
	t.Parallel()
	for name, answers := range map[string]map[string]any{
		"unknown key":     {"bugdet": true},
		"blank":           {"budget": " "},
		"a list":          {"budget": []any{"x"}},
		"below nothing":   {"budget": float64(-1)},
		"an empty object": {"budget": map[string]any{}},
		"unknown word":    {"budget": map[string]any{"standing": "maybe"}},
		"nested":          {"budget": map[string]any{"value": map[string]any{"value": "x"}}},
	} {
		if facts, err := Parse(answers, "", now); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %+v, %v", name, facts, err)
		}
	}
	_, err := Parse(map[string]any{"bugdet": true}, "", now)
	if e, ok := errors.AsType[*fault.Error](err); !ok || !strings.Contains(e.Hint, "consequences") {
		t.Errorf("the hint does not name the known facts: %v", err)
	}
}

func TestTheWholeSentence(t *testing.T) {
	t.Parallel()
	text := "Hello!\nOur tool v2.1 fails. We have a budget of 1.5m, really. Bye"
	for _, c := range []struct {
		quote string
		text  string
		most  int
		want  string
	}{
		{"have a budget", text, 100, "We have a budget of 1.5m, really."},
		{"tool", text, 100, "Our tool v2.1 fails."},
		{"Bye", text, 100, "Bye"},
		{"Hello", text, 100, "Hello!"},
		{"have a budget", text, 20, "have a budget"},
		{"have a budget", "", 20, "have a budget"},
	} {
		at := strings.Index(text, c.quote)
		h := Heard{Finding: signal.Finding{Quote: c.quote, Start: at, End: at + len(c.quote)}, Text: c.text}
		if got := h.Sentence(c.most); got != c.want {
			t.Errorf("%q in at most %d: %q, want %q", c.quote, c.most, got, c.want)
		}
	}
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{"", "a b", "a\x00\u202eb", "\xff", strings.Repeat("é ", 400)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Clean(s, 20)
		if n := len([]rune(got)); n > 20 || strings.ContainsAny(got, "\n\r\t\x00\u202e") || Clean(got, 20) != got {
			t.Errorf("%q became %q", s, got)
		}
	})
}
