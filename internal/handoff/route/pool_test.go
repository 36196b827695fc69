package route

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"cusp/internal/fault"
)

// turns assigns n leads among the same candidates and returns the winners.
func turns(p Pool, n int, all []candidate) (Pool, []RepID) {
	var got []RepID
	for range n {
		var order []Turn
		p, order, _ = p.assign(HandoffID(p.Turns+1), members(all), all)
		got = append(got, order[0].Rep)
	}
	return p, got
}

func members(all []candidate) []RepID {
	var ids []RepID
	for _, c := range all {
		ids = append(ids, c.rep)
	}
	return ids
}

func sequence(got []RepID) string {
	var s strings.Builder
	for _, r := range got {
		s.WriteString(string(r))
	}
	return s.String()
}

func team(weights ...int) []candidate {
	var all []candidate
	for i, w := range weights {
		all = append(all, candidate{RepID(rune('A' + i)), w})
	}
	return all
}

func TestPool_turnsAreSmooth(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		weights []int
		want    string
	}{
		{[]int{1, 1, 1}, "ABCABC"},
		{[]int{3, 2, 1}, "ABCABAABCABA"},
		{[]int{5, 1, 1}, "AABCAAAAABCAAA"},
		{[]int{4, 1, 1, 1, 1}, "AABCDEAAAABCDEAA"},
		{[]int{100, 50}, "ABAABA"},
		{[]int{7}, "AAA"},
	} {
		if _, got := turns(Pool{}, len(tc.want), team(tc.weights...)); sequence(got) != tc.want {
			t.Errorf("weights %v: got %s, want %s", tc.weights, sequence(got), tc.want)
		}
	}
}

// apart fails when two standings differ by more than one lead: half of the one's and half of the other's.
// A transfer of a lead from the one to the other would then have brought them closer together.
func apart(t *rapid.T, p Pool, all []candidate) {
	t.Helper()
	for _, a := range all {
		for _, b := range all {
			x, _ := p.Standing(a.rep)
			y, _ := p.Standing(b.rep)
			if 2*(x.At-y.At) > x.step()+y.step() {
				t.Fatalf("%s (weight %d, %.3f) and %s (weight %d, %.3f) are more than one lead apart",
					a.rep, a.weight, x.ahead(), b.rep, b.weight, y.ahead())
			}
		}
	}
}

// roster is a team whose eligible members and weights change from lead to lead.
type roster struct {
	weight map[RepID]int
	ids    []RepID
}

func (r *roster) draw(t *rapid.T) []candidate {
	var all []candidate
	for _, id := range r.ids {
		if rapid.IntRange(0, 2).Draw(t, "eligible") > 0 {
			all = append(all, candidate{id, r.weight[id]})
		}
	}
	if len(all) == 0 {
		all = append(all, candidate{r.ids[0], r.weight[r.ids[0]]})
	}
	return all
}

// change lets somebody join, leave or work more or less.
func (r *roster) change(t *rapid.T) {
	switch rapid.IntRange(0, 9).Draw(t, "change") {
	case 0:
		id := RepID(fmt.Sprintf("r%02d", rapid.IntRange(0, 20).Draw(t, "joins")))
		if !slices.Contains(r.ids, id) {
			r.ids, r.weight[id] = append(r.ids, id), rapid.IntRange(1, 12).Draw(t, "weight")
		}
	case 1:
		if len(r.ids) > 1 {
			r.ids = slices.Delete(r.ids, 0, 1)
		}
	case 2:
		r.weight[r.ids[0]] = rapid.IntRange(1, 12).Draw(t, "weight")
	}
}

func TestPool_eligibleRepsAreNeverMoreThanOneLeadApart(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var p Pool
		r := roster{weight: map[RepID]int{"r00": 2, "r01": 1, "r02": 5}, ids: []RepID{"r00", "r01", "r02"}}
		for h := range HandoffID(rapid.IntRange(1, 120).Draw(t, "leads")) {
			r.change(t)
			all := r.draw(t)
			before := p.Encode()
			next, order, _ := p.assign(h+1, r.ids, all)
			if !slices.Equal(before, p.Encode()) {
				t.Fatal("assigning changed the pool that was passed in")
			}
			p = next
			apart(t, p, all)
			if again, _ := p.Find(h + 1); again.Rep != order[0].Rep {
				t.Fatal("the assignment is not remembered")
			}
			if rapid.IntRange(0, 5).Draw(t, "given back") == 0 {
				var err error
				if p, _, err = p.Credit(h+1, order[0].Rep, Reason(rapid.IntRange(0, 2).Draw(t, "reason"))); err != nil {
					t.Fatal(err)
				}
				apart(t, p, all)
			}
		}
	})
}

// Over any stretch in which the same reps could take every lead, what two of them got differs by at most
// one lead at each end of the stretch, however wild the history before was.
func TestPool_stretchesAreFair(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var p Pool
		r := roster{weight: map[RepID]int{"r00": 2, "r01": 1, "r02": 5}, ids: []RepID{"r00", "r01", "r02"}}
		for h := range HandoffID(rapid.IntRange(0, 40).Draw(t, "before")) {
			r.change(t)
			p, _, _ = p.assign(h+1, r.ids, r.draw(t))
		}
		all := r.draw(t)
		had := map[RepID]float64{}
		for range rapid.IntRange(1, 200).Draw(t, "stretch") {
			var order []Turn
			p, order, _ = p.assign(0, r.ids, all)
			had[order[0].Rep]++
			for _, a := range all {
				for _, b := range all {
					v, w := float64(a.weight), float64(b.weight)
					if d := had[a.rep]/v - had[b.rep]/w; d > 1/v+1/w+1e-9 {
						t.Fatalf("%s got %v at weight %v, %s got %v at weight %v", a.rep, had[a.rep], v, b.rep, had[b.rep], w)
					}
				}
			}
		}
	})
}

// Without credits and with the same people throughout, the counts themselves keep the bound.
func TestPool_countsKeepTheBoundFromTheBeginning(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		all := team(rapid.SliceOfN(rapid.IntRange(1, 30), 1, 12).Draw(t, "weights")...)
		had := make([]int, len(all))
		var p Pool
		for range rapid.IntRange(1, 150).Draw(t, "leads") {
			var order []Turn
			p, order, _ = p.assign(0, members(all), all)
			had[slices.IndexFunc(all, func(c candidate) bool { return c.rep == order[0].Rep })]++
			for i, a := range all {
				for j, b := range all {
					// had_i/w_i - had_j/w_j <= (1/w_i + 1/w_j)/2, times 2·w_i·w_j
					if 2*(had[i]*b.weight-had[j]*a.weight) > a.weight+b.weight {
						t.Fatalf("counts %v at weights %v", had, all)
					}
				}
			}
		}
	})
}

func TestPool_whoComesBackNeitherCatchesUpNorLoses(t *testing.T) {
	t.Parallel()
	all := team(1, 1, 1)
	p, _ := turns(Pool{}, 6, all)
	for range 50 { // C is on leave
		p, _, _ = p.assign(0, members(all), all[:2])
	}
	_, got := turns(p, 6, all)
	if n := strings.Count(sequence(got), "C"); n != 2 || strings.Contains(sequence(got), "CC") {
		t.Errorf("after leave C gets %d of 6 leads: %s", n, sequence(got))
	}
}

func TestPool_whoJoinsIsNotFlooded(t *testing.T) {
	t.Parallel()
	p, _ := turns(Pool{}, 500, team(1, 1))
	_, got := turns(p, 9, team(1, 1, 1))
	if n := strings.Count(sequence(got), "C"); n != 3 || strings.Contains(sequence(got), "CC") {
		t.Errorf("a joiner gets %d of 9 leads: %s", n, sequence(got))
	}
}

func TestPool_changedWeightsCountFromNowOn(t *testing.T) {
	t.Parallel()
	p, _ := turns(Pool{}, 301, team(1, 1))
	_, got := turns(p, 40, team(3, 1))
	if n := strings.Count(sequence(got), "B"); n < 9 || n > 11 {
		t.Errorf("B gets %d of 40 at weights 3:1: %s", n, sequence(got))
	}
}

// A rep who is half a lead ahead stays half a lead ahead, not half a lead of the old weight.
func TestPool_changedWeightsKeepWhatOneIsAhead(t *testing.T) {
	t.Parallel()
	p, _ := turns(Pool{}, 1, team(1, 1))
	_, order, moved := p.assign(0, []RepID{"A", "B"}, team(4, 1))
	if len(moved) > 0 || order[0].Rep != "B" || order[1].Ahead < 0.3 || order[1].Ahead > 0.7 {
		t.Errorf("order %+v, moved %+v", order, moved)
	}
}

// Leads that only some can take must not cost the others their share among each other: B and C, at 1:5,
// share every lead that both may have, whatever A and D get beside it.
func TestPool_othersLeadsDoNotDistortShares(t *testing.T) {
	t.Parallel()
	all := []candidate{{"A", 4}, {"B", 1}, {"C", 5}, {"D", 2}}
	for _, surge := range []int{1, 3, 10} {
		var p Pool
		had := map[RepID]int{}
		for range 600 {
			for range surge {
				p, _, _ = p.assign(0, members(all), []candidate{all[0], all[3]})
			}
			var order []Turn
			p, order, _ = p.assign(0, members(all), all)
			had[order[0].Rep]++
			p, order, _ = p.assign(0, members(all), all[1:3])
			had[order[0].Rep]++
		}
		if ratio := float64(had["C"]) / float64(had["B"]); ratio < 4.9 || ratio > 5.1 {
			t.Errorf("surge %d: C:B = %.2f, want 5 (%v)", surge, ratio, had)
		}
		if had["A"] < 150 || had["D"] < 75 { // their part of the 600 leads that all can take is 200 and 100
			t.Errorf("surge %d: A and D are kept from the common leads: %v", surge, had)
		}
	}
}

// In a long history in which anybody may be away for any lead, each rep still gets the share of the leads
// that the rep could have taken: at each lead, one's weight against those present. The twins A and B, who
// are always there together, also keep their 1:5.
func TestPool_longHistoriesGiveEverybodyTheirShare(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		r := rand.New(rand.NewPCG(seed, 1))
		all := team(1, 5, 1, 2, 3, 4, 6, 2, 1, 3)
		var p Pool
		had, share := map[RepID]float64{}, map[RepID]float64{}
		for range 10_000 {
			twins, crowd := r.IntN(2) == 0, r.IntN(3)
			var here []candidate
			total := 0
			for i, c := range all {
				if i < 2 && twins || i >= 2 && r.IntN(crowd+2) == 0 {
					here, total = append(here, c), total+c.weight
				}
			}
			if len(here) == 0 {
				continue
			}
			for _, c := range here {
				share[c.rep] += float64(c.weight) / float64(total)
			}
			var order []Turn
			p, order, _ = p.assign(0, members(all), here)
			had[order[0].Rep]++
			for _, s := range p.Reps {
				if a := s.ahead(); a > 10 || a < -10 {
					t.Fatalf("seed %d: %s drifted to %.2f leads", seed, s.Rep, a)
				}
			}
		}
		for _, c := range all {
			if d := had[c.rep] - share[c.rep]; d > 5+share[c.rep]/50 || d < -5-share[c.rep]/50 {
				t.Errorf("seed %d: %s got %.0f leads of a share of %.1f", seed, c.rep, had[c.rep], share[c.rep])
			}
		}
		if ratio := had["B"] / had["A"]; ratio < 4.9 || ratio > 5.1 {
			t.Errorf("seed %d: B:A = %.3f", seed, ratio)
		}
	}
}

func TestPool_Credit(t *testing.T) {
	t.Parallel()
	all := team(1, 1, 1)
	p, got := turns(Pool{}, 3, all)
	if sequence(got) != "ABC" {
		t.Fatalf("got %s", sequence(got))
	}
	p, h, err := p.Credit(2, "B", Rejected)
	if err != nil || h.Code != CreditGiven {
		t.Fatalf("credit: %v, %v", h, err)
	}
	same, h, err := p.Credit(2, "B", NoShow)
	if err != nil || h.Code != CreditRepeated || !cmp.Equal(same, p) {
		t.Errorf("the same lead is given back twice: %v, %v", h, err)
	}
	// B's lead is made good at once; then each has a turn as before, B last because B has just had one.
	p, got = turns(p, 4, all)
	if sequence(got) != "BACB" {
		t.Errorf("got %s, want BACB", sequence(got))
	}
	s, _ := p.Standing("B")
	if s.Owed != 0 || s.Had != 3 || s.Back != [reasons]uint64{1, 0, 0} {
		t.Errorf("standing of B: %+v", s)
	}
}

func TestPool_madeGoodLeadsLeaveRoomForOthers(t *testing.T) {
	t.Parallel()
	all := team(1, 1, 1)
	p, _ := turns(Pool{}, 9, all)
	for h := HandoffID(1); h <= 9; h += 3 { // all three of A's
		p, _, _ = p.Credit(h, "A", Absence)
	}
	// Three leads are made good (the first, third and fifth); the turns go on between them.
	if _, got := turns(p, 9, all); sequence(got) != "ABACAABCA" {
		t.Errorf("got %s", sequence(got))
	}
}

func TestPool_creditRefusals(t *testing.T) {
	t.Parallel()
	p, _ := turns(Pool{}, 2, team(1, 1))
	for _, tc := range []struct {
		handoff HandoffID
		rep     RepID
		why     Reason
		want    fault.Kind
	}{
		{1, "B", Rejected, fault.Conflict},
		{1, "Z", Rejected, fault.NotFound},
		{1, "A", reasons, fault.Invalid},
	} {
		got, _, err := p.Credit(tc.handoff, tc.rep, tc.why)
		if fault.KindOf(err) != tc.want || !cmp.Equal(got, p) {
			t.Errorf("credit %d to %s: %v", tc.handoff, tc.rep, err)
		}
	}
}

func TestPool_creditIsBounded(t *testing.T) {
	t.Parallel()
	p, _ := turns(Pool{}, 50, team(1))
	for h := range HandoffID(50) {
		p, _, _ = p.Credit(h+1, "A", Rejected)
	}
	if s, _ := p.Standing("A"); s.Owed != MaxOwed || s.Back[Rejected] != 50 {
		t.Errorf("owed %d, given back %d", s.Owed, s.Back[Rejected])
	}
}

func TestPool_memoryIsBounded(t *testing.T) {
	t.Parallel()
	p, _ := turns(Pool{}, 3*Memory, team(1, 2, 3))
	if len(p.Recent) != Memory {
		t.Errorf("remembers %d", len(p.Recent))
	}
	if _, ok := p.Find(1); ok {
		t.Error("the first handoff is still there")
	}
	p, h, err := p.Credit(1, "A", NoShow) // older than the memory: given once, and remembered from here on
	if err != nil || h.Code != CreditGiven || len(p.Recent) != Memory {
		t.Errorf("%v, %v, %d", h, err, len(p.Recent))
	}
	if _, h, _ = p.Credit(1, "A", NoShow); h.Code != CreditRepeated {
		t.Errorf("given twice: %v", h)
	}
	if n := len(p.Encode()); n > 2000 {
		t.Errorf("a full pool takes %d bytes", n)
	}
}
