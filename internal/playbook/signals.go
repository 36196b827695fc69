package playbook

import (
	"maps"
	"math"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"cusp/internal/condition"
	"cusp/internal/document"
	"cusp/internal/fault"
)

// signalIDs reads the ids first, because conditions anywhere may name any signal.
func (r *reader) signalIDs(nodes []*yaml.Node) {
	r.ids = make(map[string]int, len(nodes))
	for i, n := range nodes {
		if n.Kind != yaml.MappingNode {
			continue
		}
		for j := 0; j+1 < len(n.Content); j += 2 {
			id := n.Content[j+1].Value
			if _, taken := r.ids[id]; n.Content[j].Value == "id" && !taken {
				r.ids[id] = i
			}
		}
	}
}

func (r *reader) signals(nodes []*yaml.Node) {
	seen := map[string]*yaml.Node{}
	classes := [NumClasses]Class{Interest, Evaluation, Buying, Usage, Negative}
	stages := [...]JourneyStage{StageNone, Awareness, Consideration, DecisionStage}
	for i, n := range nodes {
		s := r.d.Section(n, "signal", "id", "class", "stage", "origin", "on", "where", "points", "half_life", "cap", "once_per", "track")
		s.Require("id", "")
		s.Require("class", "one of interest, evaluation, buying, usage, negative")
		s.Require("on", "write on: {page: '/pricing*'} or on: {track: 'Demo Requested'}")
		s.Require("points", "how much one occurrence is worth; 0 is allowed")
		sig := Signal{
			ID:         s.ID("id"),
			Class:      classes[s.Choice("class", classNames[:], 0)],
			Stage:      stages[s.Choice("stage", journeyStageNames[1:], -1)+1],
			ThirdParty: s.Choice("origin", []string{"first_party", "third_party"}, 0) == 1,
			Inbound:    s.Choice("track", []string{"nurture", "inbound"}, 0) == 1,
			On:         r.trigger(s),
			Where:      r.c.Read(s, "where", condition.Scope{Event: true, Score: true}),
			Points:     s.Number("points", -1000, 1000, 0),
			HalfLife:   s.Duration("half_life", 60, 0),
			Cap:        s.Number("cap", 0, 1000, 0),
			OncePer:    s.Duration("once_per", 60, 0),
		}
		s.Unique(seen, "id", sig.ID, "signal")
		if s.Field("cap") != nil && sig.Cap == 0 {
			r.d.Refuse(s.Fields["cap"], "out_of_range", "remove the signal or give it room", "a cap of 0 would hold nothing")
		}
		for _, key := range []string{"id", "class", "points", "on", "track", "half_life"} {
			r.where[spot{"signal " + key, i}] = s.At(key)
		}
		r.p.Signals = append(r.p.Signals, sig)
	}
}

func (r *reader) trigger(s document.Section) Trigger {
	t := Trigger{Signal: -1}
	on, ok := s.Sub("on", "page", "track", "identify", "form", "signal", "text", "turn")
	if !ok {
		return t
	}
	if len(on.Fields) == 0 && len(on.Node.Content) > 0 {
		return t // an unknown key, reported already
	}
	if len(on.Fields) != 1 {
		r.d.Refuse(on.Node, "trigger", "a signal with two causes is two signals, or one made of the other: on: {signal: id}",
			"signal.on names %d things that can happen; it needs exactly one", len(on.Fields))
		return t
	}
	kinds := map[string]TriggerKind{
		"page": OnPage, "track": OnTrack, "identify": OnIdentify, "form": OnForm, "signal": OnSignal, "text": OnText, "turn": OnTurn,
	}
	for key := range on.Fields {
		t.Kind = kinds[key]
		r.triggerValue(&t, on, key)
	}
	return t
}

func (r *reader) triggerValue(t *Trigger, on document.Section, key string) {
	n := on.Fields[key]
	switch t.Kind {
	case OnIdentify:
		if n.ShortTag() != "!!bool" || n.Value != "true" {
			r.d.Refuse(n, "wrong_type", "write on: {identify: true}", "on.identify must be true")
		}
	case OnText:
		if i := on.Choice(key, textTriggers(), -1); i >= 0 {
			t.Value = textTriggers()[i]
		}
	case OnTurn:
		on.Choice(key, []string{"serious"}, 0)
	case OnSignal:
		t.Value = on.Text(key, document.MaxText)
		source, ok := r.ids[t.Value]
		if t.Value != "" && !ok {
			r.d.Refuse(n, "unknown_signal", fault.Suggest(t.Value, slices.Sorted(maps.Keys(r.ids))), "there is no signal %q", t.Value)
			return
		}
		t.Signal = source
	case OnPage:
		t.Value = on.Text(key, document.MaxText)
		r.glob(n, t.Value)
	case OnTrack, OnForm:
		t.Value = on.Text(key, document.MaxText)
	}
}

func (r *reader) glob(n *yaml.Node, glob string) {
	switch {
	case glob == "":
	case strings.ContainsAny(glob, "?#"):
		r.d.Refuse(n, "glob", "match the path, and test event.context.page.search in `where`",
			"a page is matched by its path; the query string is not part of it")
	case strings.Contains(glob, "://"):
		r.d.Refuse(n, "glob", "begin with the slash after the host name", "a page is matched by its path, not by its whole address")
	case glob[0] != '/' && glob[0] != '*':
		r.d.Refuse(n, "glob", "write /"+glob, "a path begins with / (or with * for anything)")
	}
}

// bound is the largest value that signals can reach. It is open when the value is approached but never
// reached, as the sum of a geometric series is.
type bound struct {
	most float64
	open bool
}

// strongest is the largest value that one signal can hold, by its cap, and by the geometric series
// points·(1 + q + q² + …) with q = 2^(−once_per/half_life), since counted occurrences are at least
// once_per apart.
func (s *Signal) strongest() bound {
	if s.Points <= 0 {
		return bound{}
	}
	b := bound{most: math.Inf(1), open: true}
	if s.HalfLife > 0 && s.OncePer > 0 {
		b.most = s.Points / (1 - math.Exp2(-s.OncePer/s.HalfLife))
	}
	if s.Cap > 0 && s.Cap <= b.most {
		b = bound{most: s.Cap, open: b.most == s.Cap}
	}
	return b
}

func (b bound) plus(o bound) bound {
	return bound{b.most + o.most, b.open && b.most > 0 || o.open && o.most > 0}
}

// held is the bound under a cap; +Inf is no cap.
func (b bound) held(limit float64) bound {
	if b.most > limit {
		return bound{most: limit}
	}
	return b
}

// reaches reports whether a threshold can be met.
func (b bound) reaches(threshold float64) bool {
	return b.most > threshold || b.most == threshold && !b.open
}

// TextFindings are what the product reads from free text: the values of `on: {text: …}`. With "no_"
// before it, a finding stands for its negation.
func TextFindings() []string {
	return []string{"budget", "deadline", "approved", "failed_solution", "authority", "urgency", "price", "implementation"}
}

func textTriggers() []string {
	found := TextFindings()
	for _, f := range TextFindings() {
		found = append(found, "no_"+f)
	}
	return found
}
