package route

import (
	"cmp"
	"slices"
)

// Memory is the number of handoffs that a pool remembers.
const Memory = 256

// MaxOwed bounds what a pool owes one rep: a rep who gives everything back cannot hoard turns.
const MaxOwed = 20

// one is a lead of a rep of weight 1, in the unit of [Standing.At]; a lead of a rep of weight w is one/w.
// It is a multiple of every weight up to 25 and of most round ones beyond, so that turns which are due
// together are seen to be.
const one = 26_771_144_400 * 40

// farthest bounds |At|. Honest histories stay within some tens of leads; only the arithmetic needs it.
const farthest = 1000 * one

// Pool is the state of one team's round robin. The zero Pool has not begun. Pools are values: no method
// changes its receiver.
type Pool struct {
	Reps     []Standing // sorted by rep
	Recent   []Given    // the last assignments, oldest first, at most [Memory]
	Turns    uint64     // leads assigned by this pool
	MadeGood bool       // the last lead made good for one that was given back
}

// Standing is a rep's place in a pool.
type Standing struct {
	Rep    RepID
	Weight int    // at the last turn in which the rep could take part
	At     int64  // what the rep has had less the fair share of it, divided by the weight; a lead is one
	Owed   int    // leads given back that the pool has yet to make good
	Last   uint64 // number of the last lead the rep got in this pool; 0: none
	Had    uint64 // leads assigned by this pool
	Back   [reasons]uint64
}

// Given is a remembered assignment.
type Given struct {
	Handoff HandoffID
	Rep     RepID
	Back    bool // credit has been given for it
}

// candidate is a rep who can take the lead at hand.
type candidate struct {
	rep    RepID
	weight int
}

// levelled says that a standing was moved so that those who can take a lead are within one of each other.
type levelled struct {
	rep   RepID
	leads float64 // positive: the rep was this far behind and does not make it up; negative: was ahead
}

// Find is who got a handoff, as far as the pool remembers.
func (p Pool) Find(h HandoffID) (Given, bool) {
	for _, g := range slices.Backward(p.Recent) {
		if h != 0 && g.Handoff == h {
			return g, true
		}
	}
	return Given{}, false
}

// Standing is a rep's place; ok is false for a rep who has not taken part.
func (p Pool) Standing(r RepID) (s Standing, ok bool) {
	if i, found := p.search(r); found {
		return p.Reps[i], true
	}
	return Standing{}, false
}

func (p Pool) search(r RepID) (int, bool) {
	return slices.BinarySearchFunc(p.Reps, r, func(s Standing, r RepID) int { return cmp.Compare(s.Rep, r) })
}

func (p Pool) clone() Pool {
	p.Reps, p.Recent = slices.Clone(p.Reps), slices.Clone(p.Recent)
	return p
}

// assign gives a lead to one of the candidates, of whom there is at least one. Reps who are no longer
// members are forgotten.
func (p Pool) assign(h HandoffID, members []RepID, all []candidate) (Pool, []Turn, []levelled) {
	p = p.clone()
	p.Reps = slices.DeleteFunc(p.Reps, func(s Standing) bool { return !slices.Contains(members, s.Rep) })
	moved := p.admit(all)
	p.centre()
	order, owed := p.order(all)
	p.take(order[0], owed, all)
	if p.Recent = append(p.Recent, Given{Handoff: h, Rep: order[0].Rep}); h == 0 {
		p.Recent = p.Recent[:len(p.Recent)-1]
	}
	if over := len(p.Recent) - Memory; over > 0 {
		p.Recent = slices.Delete(p.Recent, 0, over)
	}
	return p, order, moved
}

// admit lets the candidates into the turn: weights are brought up to date, standings that lie more than
// one lead apart are levelled, and who is here for the first time starts in the middle.
func (p *Pool) admit(all []candidate) []levelled {
	var known []*Standing
	for _, c := range all {
		if i, ok := p.search(c.rep); ok {
			p.Reps[i].reweigh(c.weight)
			known = append(known, &p.Reps[i])
		}
	}
	line, moved := level(known)
	for _, c := range all {
		if i, ok := p.search(c.rep); !ok {
			p.Reps = slices.Insert(p.Reps, i, Standing{Rep: c.rep, Weight: c.weight, At: line})
		}
	}
	return moved
}

// centre moves all standings together, which changes nobody's turn, so that the team as a whole is level:
// what levelling forgives and what leavers take along would add up otherwise.
func (p *Pool) centre() {
	total, mean := int64(0), int64(0)
	for i := range p.Reps {
		total += int64(p.Reps[i].Weight)
	}
	for i := range p.Reps {
		mean += p.Reps[i].At / total * int64(p.Reps[i].Weight)
	}
	for i := range p.Reps {
		p.Reps[i].At = held(p.Reps[i].At - mean)
	}
}

// reweigh keeps what the rep is ahead or behind, in leads, when the weight changes.
func (s *Standing) reweigh(weight int) {
	if s.Weight != weight {
		s.At = held(s.At * int64(s.Weight) / int64(weight))
		s.Weight = weight
	}
}

func held(at int64) int64 { return min(max(at, -farthest), farthest) }

// step is one lead of this rep.
func (s *Standing) step() int64 { return one / int64(s.Weight) }

// due orders the turns, doubled to stay whole: half a lead after the standing.
func (s *Standing) due() int64 { return 2*s.At + s.step() }

// ahead is the standing in leads.
func (s *Standing) ahead() float64 { return float64(s.At) * float64(s.Weight) / one }

// order sorts the candidates by turn. Owed says that the first of them is made good for a lead that was
// given back: at most every second lead is used for that, so that nobody who waits is starved by it.
func (p *Pool) order(all []candidate) (order []Turn, owed bool) {
	places := make([]*Standing, len(all))
	for i, c := range all {
		at, _ := p.search(c.rep)
		places[i] = &p.Reps[at]
		owed = owed || places[i].Owed > 0 && !p.MadeGood
	}
	slices.SortFunc(places, func(a, b *Standing) int {
		if owed && (a.Owed > 0) != (b.Owed > 0) {
			return cmp.Compare(b.Owed, a.Owed) // one of them is 0
		}
		return cmp.Or(cmp.Compare(a.due(), b.due()), cmp.Compare(a.Last, b.Last), cmp.Compare(a.Rep, b.Rep))
	})
	for _, s := range places {
		order = append(order, Turn{
			Rep: s.Rep, Weight: s.Weight, Ahead: s.ahead(), Owed: s.Owed, Due: float64(s.due()) / (2 * one),
		})
	}
	return order, owed
}

// take hands the lead to the first in order. A lead by turn is shared out by weight: everybody who could
// have had it is entitled to a part of it, and the one who got it has had a whole. A lead that makes good
// for an earlier one moves nobody: that turn was used when the earlier one was assigned.
func (p *Pool) take(first Turn, owed bool, all []candidate) {
	p.Turns++
	p.MadeGood = owed
	total := 0
	for _, c := range all {
		total += c.weight
	}
	for _, c := range all {
		i, _ := p.search(c.rep)
		s := &p.Reps[i]
		if !owed {
			s.At -= one / int64(total)
		}
		if s.Rep != first.Rep {
			s.At = held(s.At)
			continue
		}
		if owed {
			s.Owed--
		} else {
			s.At += s.step()
		}
		s.At, s.Last, s.Had = held(s.At), p.Turns, s.Had+1
	}
}

// level moves standings as little as possible, in leads, so that each lies within half a lead of one
// line; then no two are more than one lead apart. It returns the line. Standings that are close enough
// already, the usual case, stay.
//
// A standing is close to a line between low and high. The sum of all moves, weighted by weight, is
// convex in the line and changes its slope by a weight at each of these ends; so it is least where half
// of the slopes lie below.
func level(all []*Standing) (line int64, moved []levelled) {
	if len(all) == 0 {
		return 0, nil
	}
	type end struct {
		at     int64
		weight int
	}
	var ends []end
	highest, lowest, total := int64(-4*farthest), int64(4*farthest), 0
	for _, s := range all {
		low, high := 2*s.At-s.step(), 2*s.At+s.step()
		highest, lowest, total = max(highest, low), min(lowest, high), total+s.Weight
		ends = append(ends, end{low, s.Weight}, end{high, s.Weight})
	}
	if highest <= lowest {
		return (highest + lowest) / 4, nil
	}
	slices.SortFunc(ends, func(a, b end) int { return cmp.Compare(a.at, b.at) })
	for _, e := range ends {
		line = e.at
		if total -= e.weight; total <= 0 {
			break
		}
	}
	for _, s := range all {
		low, high := (line-s.step()+1)>>1, (line+s.step())>>1 // rounded inwards
		if at := min(max(s.At, low), high); at != s.At {
			moved = append(moved, levelled{s.Rep, float64(at-s.At) * float64(s.Weight) / one})
			s.At = at
		}
	}
	return line / 2, moved
}
