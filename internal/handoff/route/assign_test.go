package route

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"cusp/internal/condition"
	"cusp/internal/decide"
	"cusp/internal/lead"
)

var update = flag.Bool("update", false, "rewrite golden files")

var (
	monday  = lead.At(time.Date(2026, 6, 1, 10, 0, 0, 0, time.UTC))
	evening = monday.Add(9 * time.Hour)
	tuesday = monday.Add(22 * time.Hour)
)

func when(t testing.TB, text string) *condition.Condition {
	t.Helper()
	c, found := condition.NewCompiler(map[string]int{"demo": 0}, nil).Compile(text, condition.Scope{Score: true})
	if c == nil {
		t.Fatalf("%s: %v", text, found)
	}
	return c
}

// office is a small sales organisation: DACH, enterprise, and everybody as the fallback.
func office(t testing.TB) (*Book, Reps) {
	t.Helper()
	reps := Reps{}
	for _, r := range []Rep{
		{ID: "ana", Name: "Ana", Weight: 3, Languages: []string{"de", "en"}},
		{ID: "ben", Name: "Ben", Weight: 2, Languages: []string{"de", "en"}},
		{ID: "cleo", Name: "Cleo", Weight: 1, Languages: []string{"de", "fr", "en"}, Territories: []string{"CH", "AT"}},
		{ID: "dan", Name: "Dan", Weight: 1, Tiers: []string{"enterprise"}},
		{ID: "eva", Name: "Eva", Weight: 1, Industries: []string{"Software"}},
		{ID: "max", Name: "Max", Weight: 1},
	} {
		r.Active, r.Capacity, r.OpenNow = true, 10, true
		reps[r.ID] = r
	}
	return &Book{
		Regions: map[string][]string{"DACH": {"DE", "AT", "CH"}},
		Rules: []Rule{
			{ID: "vip", When: when(t, "account.employees >= 5000"), Rep: "dan", Team: "enterprise"},
			{ID: "dach", Territories: []string{"DACH"}, Team: "dach"},
			{ID: "hot", Track: decide.TrackInbound, MinEngagement: 80, Team: "enterprise"},
		},
		Teams: []Team{
			{ID: "dach", Name: "DACH", Members: []RepID{"ana", "ben", "cleo"}, Overflow: "enterprise", Manager: "max"},
			{ID: "enterprise", Name: "Enterprise", Members: []RepID{"dan", "eva"}},
			{ID: "all", Name: "Everyone", Members: []RepID{"ana", "ben", "cleo", "dan", "eva"}, Fallback: true},
		},
		Manager: "max",
	}, reps
}

func edit(reps Reps, change func(*Rep), ids ...RepID) {
	for _, id := range ids {
		r := reps[id]
		change(&r)
		reps[id] = r
	}
}

func closedUntil(at lead.Instant) func(*Rep) {
	return func(r *Rep) { r.OpenNow, r.NextOpen = false, at }
}

func away(r *Rep) { r.OpenNow, r.Absent, r.NextOpen = false, true, lead.Never }
func full(r *Rep) { r.Open = r.Capacity }
func left(r *Rep) { r.Active = false }

// situations are what the table and the golden explanations tell.
var situations = []struct {
	name  string
	lead  Lead
	set   func(b *Book, reps Reps, l *Lead, pools Pools)
	want  Assignment // without Order and Turn
	codes []Code
}{
	{
		name: "the owner keeps the lead, however full", lead: Lead{Owner: "ben", AccountOwner: "ana", Country: "DE"},
		set:  func(_ *Book, reps Reps, _ *Lead, _ Pools) { edit(reps, full, "ben") },
		want: Assignment{Outcome: ToRep, Rep: "ben", From: monday}, codes: []Code{OwnerKeeps},
	},
	{
		name: "an owner outside hours begins at the opening", lead: Lead{Owner: "ben"},
		set:  func(_ *Book, reps Reps, _ *Lead, _ Pools) { edit(reps, closedUntil(tuesday), "ben") },
		want: Assignment{Outcome: ToRep, Rep: "ben", From: tuesday}, codes: []Code{OwnerKeeps, Opens},
	},
	{
		name: "an owner who left is passed over for the account owner", lead: Lead{Owner: "ben", AccountOwner: "ana"},
		set:  func(_ *Book, reps Reps, _ *Lead, _ Pools) { edit(reps, left, "ben") },
		want: Assignment{Outcome: ToRep, Rep: "ana", From: monday}, codes: []Code{OwnerPassed, AccountOwnerKeeps},
	},
	{
		name: "an absent owner and an account owner who had the lead are passed over",
		lead: Lead{Owner: "ben", AccountOwner: "ana", Country: "DE", Refused: []RepID{"ana"}},
		set: func(_ *Book, reps Reps, _ *Lead, _ Pools) {
			edit(reps, away, "ben")
			edit(reps, func(r *Rep) { r.Territories = nil }, "cleo")
		},
		want:  Assignment{Outcome: ToRep, Rep: "cleo", Team: "dach", Rule: "dach", From: monday},
		codes: []Code{OwnerPassed, AccountOwnerPassed, RuleSkipped, RuleMatched, TeamAsked, RepRefused, RepAbsent, RepTurn},
	},
	{
		name: "an owner nobody knows", lead: Lead{Owner: "zoe", AccountOwner: "yan", Country: "AT"},
		want:  Assignment{Outcome: ToRep, Rep: "ana", Team: "dach", Rule: "dach", From: monday},
		codes: []Code{OwnerPassed, AccountOwnerPassed, RuleSkipped, RuleMatched, TeamAsked, RepTurn},
	},
	{
		name: "a rule names a rep", lead: Lead{Country: "DE", Facts: &condition.Facts{Account: map[string]any{"employees": 9000.0}}},
		want:  Assignment{Outcome: ToRep, Rep: "dan", Rule: "vip", From: monday},
		codes: []Code{NoOwner, NoAccountOwner, RuleMatched, RuleRep},
	},
	{
		name: "a rule names a rep who is full: the team behind takes it",
		lead: Lead{Facts: &condition.Facts{Account: map[string]any{"employees": 9000.0}}},
		set:  func(_ *Book, reps Reps, _ *Lead, _ Pools) { edit(reps, full, "dan") },
		want: Assignment{Outcome: ToRep, Rep: "eva", Team: "enterprise", Rule: "vip", From: monday},
		codes: []Code{
			NoOwner, NoAccountOwner, RuleMatched, RuleRepUnable, TeamAsked, RepFull, RepTurn,
		},
	},
	{
		name: "territory and language decide who takes part", lead: Lead{Country: "CH", Language: "fr-CH"},
		want:  Assignment{Outcome: ToRep, Rep: "cleo", Team: "dach", Rule: "dach", From: monday},
		codes: []Code{NoOwner, NoAccountOwner, RuleSkipped, RuleMatched, TeamAsked, RepLanguage, RepLanguage, RepTurn},
	},
	{
		name: "industry and tier", lead: Lead{Track: decide.TrackInbound, Engagement: 85.5, Industry: "Retail", Tier: "smb"},
		want: Assignment{Outcome: ToRep, Rep: "ben", Team: "all", Rule: "hot", From: monday},
		set: func(_ *Book, reps Reps, _ *Lead, pools Pools) {
			pools["all"], _, _ = pools["all"].assign(1, []RepID{"ana", "ben"}, []candidate{{"ana", 3}, {"ben", 2}})
			edit(reps, func(r *Rep) { r.Weight = 0 }, "cleo")
		},
		codes: []Code{
			NoOwner, NoAccountOwner, RuleSkipped, RuleSkipped, RuleMatched, TeamAsked, RepTier, RepIndustry,
			NobodyFits, ToFallback, TeamAsked, RepWeight, RepTier, RepIndustry, RepTurn,
		},
	},
	{
		name: "no rule matches", lead: Lead{Country: "FR"},
		want: Assignment{Outcome: ToRep, Rep: "ana", Team: "all", From: monday},
		codes: []Code{
			NoOwner, NoAccountOwner, RuleSkipped, RuleSkipped, RuleSkipped, NoRule, ToFallback, TeamAsked, RepTerritory, RepTurn,
		},
	},
	{
		name: "everybody off: the team waits for the first opening", lead: Lead{Country: "DE"},
		set: func(_ *Book, reps Reps, _ *Lead, _ Pools) {
			edit(reps, closedUntil(tuesday), "ana")
			edit(reps, closedUntil(evening), "ben")
		},
		want:  Assignment{Outcome: ToQueue, Team: "dach", Rule: "dach", From: evening},
		codes: []Code{NoOwner, NoAccountOwner, RuleSkipped, RuleMatched, TeamAsked, RepClosed, RepClosed, RepTerritory, TeamOff, QueueOpening},
	},
	{
		name: "everybody off: the first to open have turns", lead: Lead{Country: "AT"},
		set: func(b *Book, reps Reps, _ *Lead, _ Pools) {
			b.Teams[0].Nurture = Policy{Wait: true, Grace: time.Hour}
			edit(reps, closedUntil(tuesday), "ana")
			edit(reps, closedUntil(evening), "ben")
			edit(reps, closedUntil(evening.Add(30*time.Minute)), "cleo")
		},
		want: Assignment{Outcome: ToRep, Rep: "ben", Team: "dach", Rule: "dach", From: evening},
		codes: []Code{
			NoOwner, NoAccountOwner, RuleSkipped, RuleMatched, TeamAsked, RepClosed, RepClosed, RepClosed, RepLater, RepTurn, Opens,
		},
	},
	{
		name: "who is on leave has no turn, even if back before the others open", lead: Lead{Country: "DE"},
		set: func(b *Book, reps Reps, _ *Lead, _ Pools) {
			b.Teams[0].Nurture = Policy{Wait: true}
			edit(reps, away, "ana")
			edit(reps, func(r *Rep) { r.NextOpen = evening }, "ana")
			edit(reps, closedUntil(tuesday), "ben")
		},
		want: Assignment{Outcome: ToRep, Rep: "ben", Team: "dach", Rule: "dach", From: tuesday},
		codes: []Code{
			NoOwner, NoAccountOwner, RuleSkipped, RuleMatched, TeamAsked, RepAbsent, RepClosed, RepTerritory, RepTurn, Opens,
		},
	},
	{
		name: "the opening is too far away: overflow", lead: Lead{Country: "DE", Track: decide.TrackInbound},
		set: func(b *Book, reps Reps, _ *Lead, _ Pools) {
			b.Teams[0].Inbound = Policy{MaxWait: time.Hour}
			edit(reps, closedUntil(tuesday), "ana", "ben")
		},
		want: Assignment{Outcome: ToRep, Rep: "dan", Team: "enterprise", Rule: "dach", From: monday},
		codes: []Code{
			NoOwner, NoAccountOwner, RuleSkipped, RuleMatched, TeamAsked, RepClosed, RepClosed, RepTerritory, TeamOff, TooLate,
			ToOverflow, TeamAsked, RepTurn,
		},
	},
	{
		name: "everybody full: the team waits for room", lead: Lead{Country: "DE"},
		set:   func(_ *Book, reps Reps, _ *Lead, _ Pools) { edit(reps, full, "ana", "ben") },
		want:  Assignment{Outcome: ToQueue, Team: "dach", Rule: "dach", From: lead.Never},
		codes: []Code{NoOwner, NoAccountOwner, RuleSkipped, RuleMatched, TeamAsked, RepFull, RepFull, RepTerritory, TeamFull, QueueRoom},
	},
	{
		name: "everybody full: the manager", lead: Lead{Country: "DE"},
		set: func(b *Book, reps Reps, _ *Lead, _ Pools) {
			b.Teams[0].Nurture = Policy{WhenFull: Manager}
			edit(reps, full, "ana", "ben")
		},
		want:  Assignment{Outcome: ToManager, Rep: "max", Team: "dach", Rule: "dach", From: monday},
		codes: []Code{NoOwner, NoAccountOwner, RuleSkipped, RuleMatched, TeamAsked, RepFull, RepFull, RepTerritory, TeamFull, ManagerGets},
	},
	{
		name: "teams that overflow into each other end at the manager", lead: Lead{Country: "DE", Industry: "Software", Tier: "enterprise"},
		set: func(b *Book, reps Reps, _ *Lead, _ Pools) {
			for i := range b.Teams {
				b.Teams[i].Nurture = Policy{WhenFull: Overflow}
			}
			b.Teams[1].Overflow = "dach"
			edit(reps, full, "ana", "ben", "cleo", "dan", "eva")
		},
		want: Assignment{Outcome: ToManager, Rep: "max", Team: "all", Rule: "dach", From: monday},
		codes: []Code{
			NoOwner, NoAccountOwner, RuleSkipped, RuleMatched, TeamAsked, RepFull, RepFull, RepTerritory, TeamFull,
			ToOverflow, TeamAsked, RepFull, RepFull, TeamFull,
			ToFallback, TeamAsked, RepFull, RepFull, RepTerritory, RepFull, RepFull, TeamFull, ManagerGets,
		},
	},
	{
		name: "nobody is left: marketing keeps the lead", lead: Lead{Country: "DE"},
		set: func(_ *Book, reps Reps, _ *Lead, _ Pools) {
			edit(reps, left, "ana", "ben", "cleo", "dan", "eva", "max")
		},
		want: Assignment{Outcome: ToMarketing, Rule: "dach", From: monday},
		codes: []Code{
			NoOwner, NoAccountOwner, RuleSkipped, RuleMatched, TeamAsked, RepInactive, RepInactive, RepInactive, NobodyFits,
			ToFallback, TeamAsked, RepInactive, RepInactive, RepInactive, RepInactive, RepInactive, NobodyFits, ManagerPassed, MarketingKeeps,
		},
	},
	{
		name: "a lead is made good", lead: Lead{Country: "DE"},
		set: func(_ *Book, _ Reps, _ *Lead, pools Pools) {
			p, _ := turns(Pool{}, 6, []candidate{{"ana", 3}, {"ben", 2}, {"cleo", 1}})
			pools["dach"], _, _ = p.Credit(2, "ben", NoShow)
		},
		want:  Assignment{Outcome: ToRep, Rep: "ben", Team: "dach", Rule: "dach", From: monday},
		codes: []Code{NoOwner, NoAccountOwner, RuleSkipped, RuleMatched, TeamAsked, RepTerritory, RepOwed},
	},
	{
		name: "a rep who alone had many leads does not pay for it later", lead: Lead{Country: "AT"},
		set: func(_ *Book, _ Reps, _ *Lead, pools Pools) {
			pools["dach"] = Pool{Reps: []Standing{
				{Rep: "ana", Weight: 3}, {Rep: "ben", Weight: 2}, {Rep: "cleo", Weight: 1, At: 4 * one},
			}}
		},
		want:  Assignment{Outcome: ToRep, Rep: "ana", Team: "dach", Rule: "dach", From: monday},
		codes: []Code{NoOwner, NoAccountOwner, RuleSkipped, RuleMatched, TeamAsked, Levelled, RepTurn},
	},
	{
		name: "the same handoff asked again", lead: Lead{Handoff: 2, Country: "AT"},
		set: func(_ *Book, _ Reps, _ *Lead, pools Pools) {
			pools["dach"], _ = turns(Pool{}, 6, []candidate{{"ana", 3}, {"ben", 2}, {"cleo", 1}})
		},
		want: Assignment{Outcome: ToRep, Rep: "ben", Team: "dach", From: monday, Repeated: true}, codes: []Code{AnsweredBefore},
	},
	{
		name: "the caller has the answer on record",
		lead: Lead{Handoff: 2, Before: &Assignment{Outcome: ToQueue, Team: "dach", From: evening}},
		want: Assignment{Outcome: ToQueue, Team: "dach", From: evening, Repeated: true}, codes: []Code{AnsweredBefore},
	},
}

func TestAssign(t *testing.T) {
	t.Parallel()
	for _, tc := range situations {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b, reps := office(t)
			pools, l := Pools{}, tc.lead
			if tc.set != nil {
				tc.set(b, reps, &l, pools)
			}
			before := maps.Clone(pools)
			after, got, hops := Assign(b, reps, pools, &l, monday)
			if !cmp.Equal(pools, before) {
				t.Error("the pools that were passed in have changed")
			}
			if got.Turn == cmp.Equal(after, before) {
				t.Errorf("Turn is %v, but the pools say otherwise", got.Turn)
			}
			plain := got
			plain.Turn, plain.Order = false, nil
			if d := cmp.Diff(tc.want, plain); d != "" {
				t.Errorf("assignment (-want +got):\n%s", d)
			}
			var codes []Code
			for _, h := range hops {
				codes = append(codes, h.Code)
			}
			if d := cmp.Diff(tc.codes, codes); d != "" {
				t.Errorf("codes (-want +got):\n%s", d)
			}
			dry, again := DryRun(b, reps, pools, &l, monday)
			if !cmp.Equal(dry, got) || !cmp.Equal(again, hops) {
				t.Error("a dry run answers otherwise")
			}
			golden(t, strings.Map(fileName, tc.name), tell(got, hops))
		})
	}
}

func fileName(r rune) rune {
	switch r {
	case ' ':
		return '_'
	case ',', ':':
		return -1
	}
	return r
}

func tell(a Assignment, hops []Hop) string {
	var s strings.Builder
	for _, h := range hops {
		fmt.Fprintf(&s, "%-20s %-10s %s\n", h.Code, h.Subject, h.Text)
	}
	fmt.Fprintf(&s, "=> %s rep=%q team=%q rule=%q from=%s\n", a.Outcome, a.Rep, a.Team, a.Rule, a.From)
	return s.String()
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", path, d)
	}
}

// Whatever the state of the people, there is exactly one owner, exactly one decisive step, and the same
// question has the same answer.
func TestAssign_alwaysAnswersOnce(t *testing.T) {
	t.Parallel()
	b, people := office(t)
	ids := slices.Sorted(maps.Keys(people))
	rapid.Check(t, func(t *rapid.T) {
		reps := maps.Clone(people)
		for _, id := range ids {
			changes := []func(*Rep){func(*Rep) {}, closedUntil(tuesday), away, full, left}
			edit(reps, changes[rapid.IntRange(0, len(changes)-1).Draw(t, string(id))], id)
		}
		book := *b
		book.Teams = slices.Clone(b.Teams)
		for i := range book.Teams {
			p := Policy{
				Wait: rapid.Bool().Draw(t, "wait"), WhenOff: Resort(rapid.IntRange(0, 2).Draw(t, "off")),
				WhenFull: Resort(rapid.IntRange(0, 2).Draw(t, "full")),
			}
			book.Teams[i].Nurture, book.Teams[i].Inbound = p, p
		}
		l := &Lead{
			Handoff: 7, Owner: rapid.SampledFrom([]RepID{"", "ana", "zoe"}).Draw(t, "owner"),
			Country: rapid.SampledFrom([]string{"", "DE", "FR"}).Draw(t, "country"),
			Track:   rapid.SampledFrom([]decide.Track{"", decide.TrackInbound}).Draw(t, "track"), Engagement: 90,
		}
		pools, a, hops := Assign(&book, reps, Pools{}, l, monday)
		decisive := 0
		for _, h := range hops {
			if h.Decisive() {
				decisive++
			}
			if h.Text == "" || strings.Contains(h.Text, "%!") {
				t.Fatalf("hop without words: %+v", h)
			}
		}
		if decisive != 1 {
			t.Fatalf("%d decisive steps: %v", decisive, hops)
		}
		if (a.Outcome == ToRep || a.Outcome == ToManager) == (a.Rep == "") || a.Outcome == ToQueue && a.Team == "" || a.Outcome == 0 {
			t.Fatalf("no owner: %+v", a)
		}
		again, second, _ := Assign(&book, reps, pools, l, monday)
		if second.Rep != a.Rep || second.Team != a.Team || second.From != a.From || !cmp.Equal(again, pools) || second.Repeated != a.Turn {
			t.Fatalf("asked again: %+v, before %+v", second, a)
		}
	})
}
