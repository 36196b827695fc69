package handoff

import (
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"cusp/internal/condition"
	"cusp/internal/decide"
	"cusp/internal/document"
	"cusp/internal/fault"
)

// maxAttempts bounds the contact attempts of a track.
const maxAttempts = 100

// slas reads the clocks of both tracks.
func (r *reader) slas(s document.Section) {
	tracks, ok := s.Sub("sla", string(decide.TrackInbound), string(decide.TrackNurture))
	if !ok {
		return
	}
	for _, track := range []decide.Track{decide.TrackInbound, decide.TrackNurture} {
		t, ok := tracks.Sub(string(track), "business", "first_contact", "warn", "escalate", "reassign", "return", "attempts")
		if !ok {
			continue
		}
		before := r.d.Errors()
		sla := r.sla(t, r.plan.SLA[track])
		if r.d.Errors() == before {
			r.inOrder(t, &sla)
		}
		r.plan.SLA[track] = sla
	}
}

// sla reads the clocks of one track. Steps that are left out keep their distance from the first contact in
// proportion, so that who changes the promise alone gets clocks that fit it.
func (r *reader) sla(t document.Section, usual SLA) SLA {
	out := SLA{Business: t.Bool("business", usual.Business), Attempts: t.Whole("attempts", 1, maxAttempts, usual.Attempts)}
	out.FirstContact = r.span(t, "first_contact", usual.FirstContact)
	ratio := float64(out.FirstContact) / float64(usual.FirstContact)
	scaled := func(d time.Duration) time.Duration { return time.Duration(ratio * float64(d)).Round(time.Minute) }
	warn := scaled(usual.Warn)
	if warn >= out.FirstContact {
		warn = 0
	}
	out.Warn = r.span(t, "warn", warn)
	out.Escalate = r.span(t, "escalate", scaled(usual.Escalate))
	out.Reassign = r.span(t, "reassign", scaled(usual.Reassign))
	last := max(out.FirstContact, out.Escalate, out.Reassign)
	giveBack := usual.Return
	if giveBack <= last {
		giveBack = 2 * last
	}
	out.Return = r.span(t, "return", giveBack)
	return out
}

// inOrder refuses steps that come when they can do nothing any more.
func (r *reader) inOrder(t document.Section, sla *SLA) {
	text := func(d time.Duration) string { return condition.FormatDuration(d.Seconds()) }
	if sla.FirstContact == 0 {
		for _, key := range []string{"warn", "escalate", "reassign"} {
			if t.Has(key) && r.span(t, key, 0) > 0 {
				r.d.Refuse(t.Fields[key], "order", "add first_contact, or remove the step", "%s counts from a promise, but first_contact is off", t.Path(key))
			}
		}
		return
	}
	if sla.Warn >= sla.FirstContact {
		r.d.Refuse(t.At("warn"), "order", "remind before it is too late: make warn shorter than first_contact",
			"%s is %s, and the first contact is due after %s: a reminder after its deadline reminds nobody", t.Path("warn"), text(sla.Warn), text(sla.FirstContact))
	}
	for _, step := range []struct {
		key string
		at  time.Duration
	}{{"escalate", sla.Escalate}, {"reassign", sla.Reassign}} {
		if step.at > 0 && step.at < sla.FirstContact {
			r.d.Refuse(t.At(step.key), "order", "make it at least as long as first_contact",
				"%s is %s, before the first contact is due after %s: it would punish who still has time", t.Path(step.key), text(step.at), text(sla.FirstContact))
		}
	}
	if sla.Return == 0 {
		r.d.Refuse(t.At("return"), "order", "write how long an unanswered lead may lie, such as 7d",
			"%s is off: a lead that nobody answers would stay with sales for ever", t.Path("return"))
		return
	}
	if last := max(sla.FirstContact, sla.Escalate, sla.Reassign); sla.Return <= last {
		r.d.Refuse(t.At("return"), "order", "make it longer than every other step",
			"%s is %s: the lead would be back with marketing before the step after %s", t.Path("return"), text(sla.Return), text(last))
	}
}

// reasons reads the codes that a rejection may carry; a list replaces the default one.
func (r *reader) reasons(s document.Section) {
	if !s.Has("reasons") {
		return
	}
	r.plan.Reasons = nil
	seen := map[string]*yaml.Node{}
	barriers := []Barrier{QualificationGap, Timing, Expectations}
	var words []string
	for _, b := range barriers {
		words = append(words, string(b))
	}
	found := map[Barrier]bool{}
	for _, n := range s.List("reasons", maxReasons) {
		t := r.d.Section(n, "reason", "code", "label", "barrier", "recycle")
		t.Require("code", "")
		t.Require("barrier", "say why such leads do not become deals: "+strings.Join(words, ", "))
		reason := Reason{
			Code: t.ID("code"), Label: t.Text("label", maxLabel), Barrier: barriers[t.Choice("barrier", words, 0)], Recycle: r.span(t, "recycle", 0),
		}
		t.Unique(seen, "code", reason.Code, "reason")
		if reason.Label == "" {
			reason.Label = strings.ReplaceAll(reason.Code, "_", " ")
		}
		if reason.Recycle > maxRecycle {
			r.d.Refuse(t.Fields["recycle"], "out_of_range", "disqualify for good, or look again within three years",
				"%s is longer than three years", t.Path("recycle"))
		}
		found[reason.Barrier] = true
		r.plan.Reasons = append(r.plan.Reasons, reason)
	}
	n := s.Field("reasons")
	if n == nil || n.Kind != yaml.SequenceNode {
		return
	}
	if len(n.Content) == 0 {
		r.d.Refuse(n, "empty", "list at least one reason, or remove the key for the default ones", "handoff.reasons is empty: sales could not say no")
		return
	}
	for i, b := range barriers {
		if !found[b] {
			r.d.Warn(n, "lonely_barrier", "add a reason with barrier: "+words[i], "no reason has the barrier %s: rejections cannot tell it from the others", b)
		}
	}
}

// frameworkNames are the frameworks in which a qualified lead is written down.
func frameworkNames() []string { return []string{"bant", "champ", "gpctba"} }

func (r *reader) frameworks(s document.Section) {
	if !s.Has("frameworks") {
		return
	}
	r.plan.Frameworks = r.words(s, "frameworks", frameworkNames())
}

// words reads a list of words out of a few, each at most once.
func (r *reader) words(s document.Section, key string, known []string) []string {
	var all []string
	for _, n := range s.List(key, len(known)*2) {
		v, ok := r.d.Text(n, "each of "+s.Path(key), maxLabel)
		switch {
		case !ok:
		case !slices.Contains(known, v):
			r.d.Refuse(n, "unknown_value", fault.Suggest(v, known), "%q is not one of the values of %s", v, s.Path(key))
		case slices.Contains(all, v):
			r.d.Refuse(n, "duplicate_id", "keep one of them", "%s has %q twice", s.Path(key), v)
		default:
			all = append(all, v)
		}
	}
	return all
}

// occasions are what alerts can be about.
func occasions() []string {
	return []string{"assigned", "warning", "breach", "escalated", "reassigned", "returned", "answered"}
}

// alerts reads who hears of what; a list replaces the default one.
func (r *reader) alerts(s document.Section) {
	if !s.Has("alerts") {
		return
	}
	r.plan.Alerts = nil
	for _, n := range s.List("alerts", maxAlerts) {
		t := r.d.Section(n, "alert", "on", "tracks", "to")
		t.Require("on", "one or more of "+strings.Join(occasions(), ", "))
		t.Require("to", "owner, manager, or the id of a destination")
		a := Alert{On: r.words(t, "on", occasions()), Destination: t.ID("to")}
		for _, track := range r.words(t, "tracks", []string{string(decide.TrackInbound), string(decide.TrackNurture)}) {
			a.Tracks = append(a.Tracks, decide.Track(track))
		}
		if on := t.Field("on"); on != nil && on.Kind == yaml.SequenceNode && len(on.Content) == 0 {
			r.d.Refuse(on, "empty", "one or more of "+strings.Join(occasions(), ", "), "the alert to %s is about nothing", a.Destination)
		}
		r.plan.Alerts = append(r.plan.Alerts, a)
	}
}

// quiet reads the hours in which alerts wait.
func (r *reader) quiet(s document.Section) {
	t, ok := s.Sub("quiet", "from", "to")
	if !ok {
		return
	}
	t.Require("from", `write from: "20:00"`)
	t.Require("to", `write to: "07:00"`)
	q := Quiet{r.clock(t, "from"), r.clock(t, "to")}
	if q.From >= 0 && q.To >= 0 && q.From == q.To && t.Has("from") && t.Has("to") {
		r.d.Refuse(t.Fields["to"], "order", "write different times, or remove `quiet`", "quiet hours begin and end at the same minute")
	}
	r.plan.Quiet = q
}

// clock reads a time of day in minutes after midnight; -1 when it is absent or wrong.
func (r *reader) clock(s document.Section, key string) int {
	v := s.Text(key, maxLabel)
	if v == "" {
		return -1
	}
	at, err := time.Parse("15:04", v)
	if err != nil || len(v) != len("15:04") {
		r.d.Refuse(s.Fields[key], "bad_time", `write it as "20:00"`, "%s %q is not a time of day", s.Path(key), v)
		return -1
	}
	return at.Hour()*60 + at.Minute()
}
