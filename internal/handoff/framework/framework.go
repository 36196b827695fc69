// Package framework keeps what sales wants to know of a deal as ONE set of typed facts, and shows it as
// BANT, CHAMP or GPCTBA/C&I.
//
// A [Fact] says what is known about one [Key], who said it, where, and when. Facts come from what leads
// write in forms, mails and chats ([Prefill]), from who they are, and from reps ([Parse]). A framework is
// a list of questions over the facts ([Views]): whoever fills in BANT has filled in as much of CHAMP.
// [Settle] chooses among several facts about the same key; [BackToNurture] is the rule that a lead whom
// nobody with authority stands behind goes back to marketing.
//
// Everything here is a pure function of its arguments.
package framework

import (
	"cmp"
	"slices"
	"time"

	"cusp/internal/lead"
)

// Key is something that sales wants to know of a deal.
type Key string

// The keys.
const (
	Budget         Key = "budget"         // is money set aside, and how much
	Authority      Key = "authority"      // who decides, and is it this person
	Need           Key = "need"           // what they need it for
	Timeline       Key = "timeline"       // by when it must be done
	Challenges     Key = "challenges"     // what does not work today
	Money          Key = "money"          // could money be found, and what would it return
	Prioritization Key = "prioritization" // where it stands among their projects
	Goals          Key = "goals"          // what they want to reach, in figures
	Plans          Key = "plans"          // how they mean to reach it
	Consequences   Key = "consequences"   // what happens if they do not
	Implications   Key = "implications"   // what becomes possible if they do
)

// Keys are all keys, in the order in which they are shown.
func Keys() []Key {
	return []Key{Budget, Authority, Need, Timeline, Challenges, Money, Prioritization, Goals, Plans, Consequences, Implications}
}

// Standing is what a fact means for the deal.
type Standing string

// The standings.
const (
	Yes    Standing = "yes"    // it is there: money, authority, a date, a need
	Partly Standing = "partly" // in part: shares in the decision, some of the money
	No     Standing = "no"     // it is known to be missing
)

// Source is how a fact became known.
type Source string

// The sources. All but Trait are statements of somebody.
const (
	Rep    Source = "rep"    // a rep wrote it down
	Form   Source = "form"   // they filled in a field
	Chat   Source = "chat"   // they said it in a chat
	Signal Source = "signal" // read from what they wrote in free text
	Trait  Source = "trait"  // inferred from who they are, such as a title
)

// rank is the order of sources for facts of the same instant, the weightiest first.
func (s Source) rank() int { return slices.Index([]Source{Rep, Form, Chat, Signal, Trait}, s) }

// Fact is what is known about one key.
type Fact struct {
	Key      Key
	Standing Standing
	Value    string  // in words: theirs where they wrote it
	Amount   float64 // of money, in the unit that Value names; 0 for none
	Source   Source
	Of       string // the colleague whom it is about; empty for the lead
	By       string // the rep who wrote it down; empty for what leads say themselves
	At       lead.Instant
}

// Age is how old the fact is at an instant.
func (f *Fact) Age(now lead.Instant) time.Duration { return max(0, now.Sub(f.At)) }

// Stale says that the fact is so old that it should be asked again: money and dates after half a year,
// everything else after a year.
func (f *Fact) Stale(now lead.Instant) bool {
	const day = 24 * time.Hour
	switch f.Key {
	case Budget, Money, Timeline, Prioritization:
		return f.Age(now) > 180*day
	default:
		return f.Age(now) > 365*day
	}
}

// Known is what holds about one key, after all facts about it were weighed.
type Known struct {
	Fact
	Disputed bool // another statement that is not stale says something else
	Other    Fact // that statement; only when Disputed
}

// Settle chooses what holds about each key: the newest statement; on the same instant that of the rep,
// the form, the chat, the text. What is only inferred holds when nobody has said anything. Facts from
// after now do not exist yet. The result has one entry for each key that something is known of, in the
// order of [Keys], and does not depend on the order of facts.
func Settle(facts []Fact, now lead.Instant) []Known {
	var out []Known
	for _, key := range Keys() {
		if k, ok := settleKey(facts, key, now); ok {
			out = append(out, k)
		}
	}
	return out
}

func settleKey(facts []Fact, key Key, now lead.Instant) (Known, bool) {
	var about []Fact
	for _, f := range facts {
		if f.Key == key && f.At <= now {
			about = append(about, f)
		}
	}
	if len(about) == 0 {
		return Known{}, false
	}
	slices.SortFunc(about, weigh)
	k := Known{Fact: about[0]}
	for _, f := range about[1:] {
		if f.Source != Trait && k.Source != Trait && f.Standing != k.Standing && f.Of == k.Of && !f.Stale(now) {
			k.Disputed, k.Other = true, f
			break
		}
	}
	return k, true
}

// weigh orders facts about one key, the one that holds first. The last comparisons only make the order
// total.
func weigh(a, b Fact) int {
	return cmp.Or(
		cmp.Compare(inferred(a), inferred(b)), cmp.Compare(b.At, a.At), cmp.Compare(a.Source.rank(), b.Source.rank()),
		cmp.Compare(a.Of, b.Of), cmp.Compare(a.By, b.By), cmp.Compare(a.Standing, b.Standing), cmp.Compare(a.Value, b.Value), cmp.Compare(a.Amount, b.Amount),
	)
}

func inferred(f Fact) int {
	if f.Source == Trait {
		return 1
	}
	return 0
}

// BackToNurture applies the rule "no authority, back to nurture": sales has no business with somebody
// who does not decide, as long as nobody who does stands behind them. facts are those of the lead and of
// the colleagues; a colleague's carry their name in Of. It answers why the lead goes back, or the
// colleague to bring in instead; both are empty while nothing is known against the lead.
func BackToNurture(facts []Fact, now lead.Instant) (because, bring string) {
	var own, others []Fact
	for _, f := range facts {
		switch {
		case f.Key != Authority:
		case f.Of == "":
			own = append(own, f)
		default:
			others = append(others, f)
		}
	}
	mine, ok := settleKey(own, Authority, now)
	if !ok || mine.Standing != No {
		return "", ""
	}
	slices.SortStableFunc(others, weigh)
	for _, f := range others {
		if k, ok := settleKey(of(others, f.Of), Authority, now); ok && k.Standing == Yes {
			return "", f.Of
		}
	}
	if mine.Value == "" {
		return "No authority: the lead does not decide, and nobody who does is known.", ""
	}
	return "No authority (" + mine.Value + "), and nobody who decides is known.", ""
}

func of(facts []Fact, who string) []Fact {
	var out []Fact
	for _, f := range facts {
		if f.Of == who {
			out = append(out, f)
		}
	}
	return out
}
