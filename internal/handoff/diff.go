package handoff

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"cusp/internal/condition"
	"cusp/internal/decide"
	"cusp/internal/handoff/calendar"
	"cusp/internal/handoff/route"
	"cusp/internal/playbook"
)

// thing is a named part of a plan in words: what it says, property by property.
type thing struct {
	id    string
	says  []property
	order bool // its place among the others decides something
}

type property struct{ name, value string }

// Diff says what b changes against a, in words that marketing and sales both understand. It is empty when
// both hand leads over alike. Neither may be nil.
func Diff(a, b *Plan) []playbook.Change {
	d := &differ{}
	d.property("", "", "the manager of last resort", orNone(a.Manager), orNone(b.Manager), "")
	d.things("team", a.teamThings(), b.teamThings(), "its leads go to others")
	d.things("calendar", a.calendarThings(), b.calendarThings(), "")
	d.things("region", a.regionThings(), b.regionThings(), "")
	d.things("routing rule", a.ruleThings(), b.ruleThings(), "leads that it matched follow the rules after it")
	d.clocks(a, b)
	d.things("reason", a.reasonThings(), b.reasonThings(), "sales cannot give it any more")
	d.property("", "", "frameworks", listed(a.Frameworks), listed(b.Frameworks), "")
	d.things("alert", a.alertThings(), b.alertThings(), "")
	d.property("", "", "quiet hours", a.Quiet.text(), b.Quiet.text(), "")
	return d.out
}

// differ collects the changes.
type differ struct{ out []playbook.Change }

func (d *differ) say(kind playbook.ChangeKind, subject, text, effect string) {
	if subject != "" {
		text = subject + ": " + text
	}
	d.out = append(d.out, playbook.Change{Section: "handoff", Subject: subject, Kind: kind, Text: text, Effect: effect})
}

// property reports a value that changed.
func (d *differ) property(subject, what, name, a, b, effect string) {
	if a != b {
		d.say(playbook.Changed, subject, strings.TrimSpace(what+" "+name)+" "+a+" → "+b, effect)
	}
}

// things compares two lists by id; removed is what removing one means.
func (d *differ) things(kind string, a, b []thing, removed string) {
	find := func(all []thing, id string) int {
		return slices.IndexFunc(all, func(t thing) bool { return t.id == id })
	}
	for _, t := range a {
		if find(b, t.id) < 0 {
			d.say(playbook.Removed, t.id, kind+" removed ("+t.text()+")", removed)
		}
	}
	var places []int // in a, of those that are in both
	var stayed []thing
	for _, t := range b {
		i := find(a, t.id)
		if i < 0 {
			d.say(playbook.Added, t.id, "new "+kind+": "+t.text(), "")
			continue
		}
		for j, p := range t.says {
			d.property(t.id, kind, p.name, a[i].says[j].value, p.value, "")
		}
		places, stayed = append(places, i), append(stayed, t)
	}
	for _, k := range playbook.Displaced(places) {
		if stayed[k].order {
			d.say(playbook.Moved, stayed[k].id, fmt.Sprintf("%s moved from place %d to %d", kind, places[k]+1, k+1), "the first rule that matches decides")
		}
	}
}

// text is all that a thing says that is not usual.
func (t *thing) text() string {
	var parts []string
	for _, p := range t.says {
		if p.value != none {
			parts = append(parts, p.name+" "+p.value)
		}
	}
	return orNone(strings.Join(parts, ", "))
}

// none is how nothing is written.
const none = "none"

func orNone(s string) string { return cmp.Or(s, none) }

func listed(items []string) string { return orNone(strings.Join(items, ", ")) }

func (p *Plan) teamThings() []thing {
	var all []thing
	for i := range p.Teams {
		t := &p.Teams[i]
		fallback := none
		if t.Fallback {
			fallback = "yes"
		}
		all = append(all, thing{id: t.ID, says: []property{
			{"name", t.Name},
			{"calendar", cmp.Or(t.Calendar, "always open")},
			{"fallback", fallback},
			{"overflow", orNone(t.Overflow)},
			{"manager", orNone(t.Manager)},
			{"inbound policy", policyText(t.Inbound)},
			{"nurture policy", policyText(t.Nurture)},
		}})
	}
	return all
}

func policyText(p route.Policy) string {
	resorts := map[route.Resort]string{route.Queue: "queue", route.Overflow: "overflow", route.Manager: "manager"}
	text := "off: " + resorts[p.WhenOff] + "; full: " + resorts[p.WhenFull]
	if p.Wait {
		text += "; waits for the opening"
	}
	if p.Grace > 0 {
		text += ", grace " + spanText(p.Grace)
	}
	if p.MaxWait > 0 {
		text += "; at most " + spanText(p.MaxWait)
	}
	return text
}

func spanText(d time.Duration) string {
	if d == 0 {
		return "off"
	}
	return condition.FormatDuration(d.Seconds())
}

func (p *Plan) calendarThings() []thing {
	var all []thing
	for _, id := range slices.Sorted(maps.Keys(p.Specs)) {
		s := p.Specs[id]
		all = append(all, thing{id: id, says: []property{
			{"zone", s.Zone}, {"hours", daysText(s.Hours)}, {"holidays", listed(s.Holidays)}, {"closed", daysText(s.Closed)}, {"open", daysText(s.Open)},
		}})
	}
	return all
}

// weekdays is the order of a working week; dates come after it in their own order.
var weekdays = []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}

// daysText writes days with their times in order.
func daysText(days map[string]calendar.Times) string {
	keys := slices.SortedFunc(maps.Keys(days), func(a, b string) int {
		return cmp.Or(cmp.Compare(slices.Index(weekdays, a), slices.Index(weekdays, b)), cmp.Compare(a, b))
	})
	parts := make([]string, len(keys))
	for i, k := range keys {
		parts[i] = strings.TrimSpace(k + " " + strings.Join(days[k], " "))
	}
	return listed(parts)
}

func (p *Plan) regionThings() []thing {
	var all []thing
	for _, name := range slices.Sorted(maps.Keys(p.Regions)) {
		all = append(all, thing{id: name, says: []property{{"countries", listed(slices.Sorted(slices.Values(p.Regions[name])))}}})
	}
	return all
}

func (p *Plan) ruleThings() []thing {
	var all []thing
	for i := range p.Rules {
		r := &p.Rules[i]
		when := none
		if r.When != nil {
			when = "‘" + r.When.Text + "’"
		}
		to := string(r.Team)
		if r.Rep != "" {
			to = string(r.Rep)
			if r.Team != "" {
				to += " or " + string(r.Team)
			}
		}
		engagement := none
		if r.MinEngagement > 0 {
			engagement = condition.FormatNumber(r.MinEngagement)
		}
		all = append(all, thing{id: r.ID, order: true, says: []property{
			{"when", when}, {"track", orNone(string(r.Track))}, {"territories", listed(r.Territories)}, {"engagement from", engagement}, {"to", to},
		}})
	}
	return all
}

// clocks compares the clocks of both tracks.
func (d *differ) clocks(a, b *Plan) {
	for _, track := range []decide.Track{decide.TrackInbound, decide.TrackNurture} {
		x, y := a.SLA[track], b.SLA[track]
		counts := map[bool]string{false: "by the wall clock", true: "in working time"}
		d.property(string(track), "", "clocks run", counts[x.Business], counts[y.Business], "")
		d.property(string(track), "", "first contact within", spanText(x.FirstContact), spanText(y.FirstContact), promiseEffect(x.FirstContact, y.FirstContact))
		for _, step := range []struct {
			name string
			a, b time.Duration
		}{
			{"warning after", x.Warn, y.Warn},
			{"escalation after", x.Escalate, y.Escalate},
			{"reassignment after", x.Reassign, y.Reassign},
			{"back to marketing after", x.Return, y.Return},
		} {
			d.property(string(track), "", step.name, spanText(step.a), spanText(step.b), "")
		}
		d.property(string(track), "", "attempts", strconv.Itoa(x.Attempts), strconv.Itoa(y.Attempts), "")
	}
}

func promiseEffect(a, b time.Duration) string {
	switch {
	case b == 0:
		return "nothing is promised any more"
	case a == 0:
		return "a promise, with a clock"
	case b < a:
		return "sales must be faster"
	}
	return "leads may wait longer"
}

func (p *Plan) reasonThings() []thing {
	var all []thing
	for i := range p.Reasons {
		r := &p.Reasons[i]
		again := none
		if r.Recycle > 0 {
			again = "after " + spanText(r.Recycle)
		}
		all = append(all, thing{id: r.Code, says: []property{{"label", r.Label}, {"barrier", string(r.Barrier)}, {"comes back", again}}})
	}
	return all
}

// alertThings names alerts by where they go and on which tracks; several to one place are one.
func (p *Plan) alertThings() []thing {
	var all []thing
	for i := range p.Alerts {
		a := &p.Alerts[i]
		tracks := make([]string, len(a.Tracks))
		for j, t := range a.Tracks {
			tracks[j] = string(t)
		}
		slices.Sort(tracks)
		id := a.Destination
		if len(tracks) == 1 {
			id += " (" + tracks[0] + ")"
		}
		at := slices.IndexFunc(all, func(t thing) bool { return t.id == id })
		if at < 0 {
			at, all = len(all), append(all, thing{id: id, says: []property{{"on", ""}}})
		}
		on := append(strings.Fields(strings.ReplaceAll(all[at].says[0].value, ",", " ")), a.On...)
		slices.Sort(on)
		all[at].says[0].value = listed(slices.Compact(on))
	}
	return all
}

// text writes the quiet hours.
func (q Quiet) text() string {
	if q.From == q.To {
		return none
	}
	return fmt.Sprintf("%02d:%02d–%02d:%02d", q.From/60, q.From%60, q.To/60, q.To%60)
}
