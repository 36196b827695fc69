package playbook

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"cusp/internal/condition"
)

// ChangeKind says what happened to a part of a playbook.
type ChangeKind string

// The kinds of change. Moved is a change of order, reported only where order decides something.
const (
	Added   ChangeKind = "added"
	Removed ChangeKind = "removed"
	Changed ChangeKind = "changed"
	Renamed ChangeKind = "renamed"
	Moved   ChangeKind = "moved"
)

// Change is one difference between two playbooks, in words that marketing and sales both understand.
type Change struct {
	Section string     `json:"section"`           // the top-level key of the document: "signals"; "playbook" for its head
	Subject string     `json:"subject,omitempty"` // the id of the signal, criterion, exclusion or list
	Kind    ChangeKind `json:"kind"`
	Text    string     `json:"text"`             // "pricing_viewed: points 15 → 10"
	Effect  string     `json:"effect,omitempty"` // what it means, where that is certain: "fewer leads reach review"
}

// String is the change on one line.
func (c Change) String() string {
	if c.Effect == "" {
		return c.Text
	}
	return c.Text + ": " + c.Effect
}

// Diff says what b changes against a, section by section in the order of the format. It is empty when
// both decide alike: comments, layout and orders without a meaning are no difference. Neither may be nil.
func Diff(a, b *Playbook) []Change {
	d := &differ{}
	d.head(a, b)
	d.lists(a.Lists, b.Lists)
	d.excludes(a.Exclude, b.Exclude)
	d.fit(&a.Fit, &b.Fit)
	d.signals(a, b)
	d.intent(&a.Intent, &b.Intent)
	d.decide(&a.Decide, &b.Decide)
	d.account(&a.Account, &b.Account)
	d.momentum(&a.Momentum, &b.Momentum)
	return d.out
}

// differ collects changes of one section after the other.
type differ struct {
	section string
	out     []Change
}

func (d *differ) say(kind ChangeKind, subject, effect, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if subject != "" {
		text = subject + ": " + text
	}
	d.out = append(d.out, Change{Section: d.section, Subject: subject, Kind: kind, Text: text, Effect: effect})
}

// words reports a text that changed.
func (d *differ) words(subject, what, a, b string) {
	if a != b {
		d.say(Changed, subject, "", "%s %s → %s", what, orNone(a), orNone(b))
	}
}

// number reports a number that changed; up and down say what a larger and a smaller one mean.
func (d *differ) number(subject, what string, a, b float64, up, down string) {
	d.measure(subject, what, a, b, condition.FormatNumber, up, down)
}

// span reports a duration in seconds that changed; zero names what its absence means.
func (d *differ) span(subject, what string, a, b float64, zero string) {
	d.measure(subject, what, a, b, func(v float64) string {
		if v == 0 {
			return zero
		}
		return condition.FormatDuration(v)
	}, "", "")
}

func (d *differ) measure(subject, what string, a, b float64, show func(float64) string, up, down string) {
	if a == b {
		return
	}
	effect := up
	if b < a {
		effect = down
	}
	d.say(Changed, subject, effect, "%s %s → %s", what, show(a), show(b))
}

func (d *differ) condition(subject, what string, a, b *condition.Condition) {
	if conditionText(a) != conditionText(b) {
		d.say(Changed, subject, "", "%s %s → %s", what, quotedCondition(a), quotedCondition(b))
	}
}

// quotedCondition is the condition in the quotes that a playbook uses around it.
func quotedCondition(c *condition.Condition) string {
	if conditionText(c) == "" {
		return "none"
	}
	return "'" + c.Text + "'"
}

func conditionText(c *condition.Condition) string {
	if c == nil {
		return ""
	}
	return c.Text
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return strconv.Quote(s)
}

func (d *differ) head(a, b *Playbook) {
	d.section = "playbook"
	d.words("", "name", a.Name, b.Name)
	d.span("", "criteria are reviewed every", a.ReviewEvery.Seconds(), b.ReviewEvery.Seconds(), "never")
	d.section = "internal"
	d.set("", "our own e-mail domains", a.Internal.Domains, b.Internal.Domains)
	d.set("", "our own addresses", a.Internal.IPs, b.Internal.IPs)
}

// shownItems bounds how many items of a list one line names.
const shownItems = 8

// set reports what came into and left a list whose order does not matter.
func (d *differ) set(subject, what string, a, b []string) {
	in, out := lacking(b, a), lacking(a, b)
	var parts []string
	if len(in) > 0 {
		parts = append(parts, "added "+someOf(in))
	}
	if len(out) > 0 {
		parts = append(parts, "removed "+someOf(out))
	}
	if len(parts) > 0 {
		d.say(Changed, subject, "", "%s: %s", what, strings.Join(parts, "; "))
	}
}

// lacking are the items of a that b lacks, each once, in the order of a.
func lacking(a, b []string) []string {
	var left []string
	for _, item := range a {
		if !slices.Contains(b, item) && !slices.Contains(left, item) {
			left = append(left, item)
		}
	}
	return left
}

func someOf(items []string) string {
	if len(items) <= shownItems {
		return strings.Join(items, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(items[:shownItems], ", "), len(items)-shownItems)
}

func (d *differ) lists(a, b map[string][]string) {
	d.section = "lists"
	for _, name := range sortedUnion(a, b) {
		before, had := a[name]
		after, has := b[name]
		switch {
		case !had:
			d.say(Added, name, "", "new list of %d: %s", len(after), someOf(after))
		case !has:
			d.say(Removed, name, "", "list of %d removed", len(before))
		default:
			d.set(name, "list", before, after)
		}
	}
}

func sortedUnion[V any](a, b map[string]V) []string {
	var names []string
	for name := range a {
		names = append(names, name)
	}
	for name := range b {
		if _, both := a[name]; !both {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// pairs matches two lists of named things. Same holds the indices of things in both, in the order of b.
type pairs struct {
	same    [][2]int
	removed []int // indices in a
	added   []int // indices in b
}

func match(a, b []string) pairs {
	at := make(map[string]int, len(a))
	for i, id := range a {
		at[id] = i
	}
	var p pairs
	kept := map[int]bool{}
	for j, id := range b {
		i, ok := at[id]
		if !ok || kept[i] {
			p.added = append(p.added, j)
			continue
		}
		kept[i] = true
		p.same = append(p.same, [2]int{i, j})
	}
	for i := range a {
		if !kept[i] {
			p.removed = append(p.removed, i)
		}
	}
	return p
}

// rename takes the pairs that differ in nothing but their id out of removed and added.
func (p *pairs) rename(alike func(i, j int) bool) [][2]int {
	var renamed [][2]int
	p.removed = slices.DeleteFunc(p.removed, func(i int) bool {
		for k, j := range p.added {
			if alike(i, j) {
				renamed = append(renamed, [2]int{i, j})
				p.added = slices.Delete(p.added, k, k+1)
				return true
			}
		}
		return false
	})
	return renamed
}

// moved are the positions in same of the fewest things that must be moved to get from the order of a to
// that of b.
func (p *pairs) moved() []int {
	places := make([]int, len(p.same))
	for k := range p.same {
		places[k] = p.same[k][0]
	}
	return Displaced(places)
}

// Displaced are the positions of the fewest things that must be moved to get to this order, given the place
// that each had before: all but a longest ascending run of the places.
func Displaced(places []int) []int {
	best := make([]int, len(places)) // length of the longest run that ends here
	prev := make([]int, len(places))
	end := -1
	for k := range places {
		best[k], prev[k] = 1, -1
		for l := range k {
			if places[l] < places[k] && best[l]+1 > best[k] {
				best[k], prev[k] = best[l]+1, l
			}
		}
		if end < 0 || best[k] > best[end] {
			end = k
		}
	}
	keep := map[int]bool{}
	for k := end; k >= 0; k = prev[k] {
		keep[k] = true
	}
	var out []int
	for k := range places {
		if !keep[k] {
			out = append(out, k)
		}
	}
	return out
}

// capText writes the cap of a signal; 0 is none.
func capText(v float64) string {
	if v == 0 {
		return "none"
	}
	return condition.FormatNumber(v)
}
