package lead

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestIDsRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(0, math.MaxInt64).Draw(t, "n")
		person, err := ParsePersonID(PersonID(n).String())
		if err != nil || person != PersonID(n) {
			t.Fatalf("person %d came back as %d, %v", n, person, err)
		}
		account, err := ParseAccountID(AccountID(n).String())
		if err != nil || account != AccountID(n) {
			t.Fatalf("account %d came back as %d, %v", n, account, err)
		}
	})
}

// Pages of lists are cut at ids, by number in the database and by text at the edge.
func TestIDsSortAsTextAsTheySortAsNumbers(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.Int64Range(0, math.MaxInt64)
		a, b := id.Draw(t, "a"), id.Draw(t, "b")
		if got, want := strings.Compare(PersonID(a).String(), PersonID(b).String()), cmp.Compare(a, b); got != want {
			t.Fatalf("%d and %d compare as %d, their texts as %d", a, b, want, got)
		}
	})
}

func TestTextThatIsNoID(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]string{
		"nothing":               "",
		"a number":              "7",
		"an account":            AccountID(7).String(),
		"too short":             "per_000000000007",
		"too long":              "per_00000000000007",
		"a letter left out":     "per_000000000000l",
		"upper case":            strings.ToUpper(PersonID(7).String()),
		"space around":          " " + PersonID(7).String(),
		"more than 63 bits":     "per_8000000000000",
		"much more than 63":     "per_zzzzzzzzzzzzz",
		"a character of 2 byte": "per_00000000000é",
	} {
		if id, err := ParsePersonID(s); err == nil {
			t.Errorf("%s: %q was read as %d", name, s, id)
		} else if !strings.Contains(err.Error(), "person") {
			t.Errorf("%s: the error does not say what was wanted: %v", name, err)
		}
	}
}

func TestIDsStayTheSame(t *testing.T) {
	t.Parallel()
	// They stand in links, mails and other people's tables.
	for want, got := range map[string]string{
		"per_0000000000000": PersonID(0).String(),
		"per_0000000000001": PersonID(1).String(),
		"per_000000000010k": PersonID(1043).String(),
		"acc_7zzzzzzzzzzzz": AccountID(math.MaxInt64).String(),
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func FuzzParsePersonID(f *testing.F) {
	for _, s := range []string{"", "per_", "per_000000000010k", "acc_000000000010k", "per_8000000000000"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, err := ParsePersonID(s)
		if err == nil && (id < 0 || id.String() != s) {
			t.Errorf("%q was read as %d, which is written %s", s, id, id)
		}
	})
}

func TestEventTypesRoundTrip(t *testing.T) {
	t.Parallel()
	known := []EventType{Track, Page, Screen, Identify, Group, Alias, Merge, Unmerge, Verdict, Answered}
	if len(known) != len(eventTypeNames)-1 {
		t.Errorf("%d types are tested, %d exist", len(known), len(eventTypeNames)-1)
	}
	for _, k := range known {
		if back, ok := ParseEventType(k.String()); !ok || back != k {
			t.Errorf("%q was read as %d, %v", k, back, ok)
		}
	}
	for _, s := range []string{"", "Track", "track ", "batch"} {
		if k, ok := ParseEventType(s); ok {
			t.Errorf("%q was read as %v", s, k)
		}
	}
	if s := EventType(200).String(); s != "" {
		t.Errorf("an unknown type is called %q", s)
	}
}

func TestFlagsHas(t *testing.T) {
	t.Parallel()
	all := []Flags{Trusted, ClockSkew, BadTimestamp, Unscored, Bot}
	for i, a := range all {
		for j, b := range all {
			if a.Has(b) != (i == j) {
				t.Errorf("flag %d has flag %d: %v", a, b, a.Has(b))
			}
		}
	}
	if two := Trusted | Bot; !two.Has(Trusted|Bot) || two.Has(Trusted|Unscored) || !two.Has(0) {
		t.Error("several flags are not looked at together")
	}
}

func event(t *rapid.T) *Event {
	return &Event{
		Time:      Instant(rapid.Int64Range(0, 2).Draw(t, "time")),
		MessageID: rapid.SampledFrom([]string{"", "a", "b", "ab"}).Draw(t, "message"),
		Source:    SourceID(rapid.Int64Range(0, 2).Draw(t, "source")),
	}
}

// Fold order must be total, or equal histories could end in different scores.
func TestFoldOrderIsTotal(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := event(t), event(t), event(t)
		same := a.Time == b.Time && a.MessageID == b.MessageID && a.Source == b.Source
		if a.Compare(b) != -b.Compare(a) || (a.Compare(b) == 0) != same {
			t.Fatalf("%+v and %+v compare as %d and %d", a, b, a.Compare(b), b.Compare(a))
		}
		if a.Compare(b) <= 0 && b.Compare(c) <= 0 && a.Compare(c) > 0 {
			t.Fatalf("not transitive: %+v, %+v, %+v", a, b, c)
		}
	})
}

func TestFoldOrderIsTimeThenMessageThenSource(t *testing.T) {
	t.Parallel()
	ordered := []*Event{
		{Time: 1, MessageID: "z", Source: 9},
		{Time: 2, MessageID: "a", Source: 9},
		{Time: 2, MessageID: "b", Source: 1},
		{Time: 2, MessageID: "b", Source: 2},
	}
	if !slices.IsSortedFunc(ordered, (*Event).Compare) {
		t.Error("the order is another")
	}
}
