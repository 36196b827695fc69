package signal

import (
	"strings"

	"cusp/internal/lead"
	"cusp/internal/playbook"
)

// formEvents are the names under which trackers report a sent form.
var formEvents = [...]string{"Form Submitted", "Form Submit", "Form Completed"}

// formKeys are the properties that name the form.
var formKeys = [...]string{"form", "form_name", "formName", "form_id", "formId", "name"}

// Matcher finds the signals of a playbook that an event may raise. It is immutable and safe for
// concurrent use.
type Matcher struct {
	tracks   map[string][]int
	pages    []pageTrigger
	identify []int
	forms    map[string][]int
	texts    map[string][]int
	turns    []int
	chains   [][]int
}

type pageTrigger struct {
	glob   string
	signal int
}

// NewMatcher indexes the signals of a playbook by what raises them.
func NewMatcher(p *playbook.Playbook) *Matcher {
	m := &Matcher{
		tracks: map[string][]int{}, forms: map[string][]int{}, texts: map[string][]int{},
		chains: make([][]int, len(p.Signals)),
	}
	for i := range p.Signals {
		switch on := p.Signals[i].On; on.Kind {
		case playbook.OnTrack:
			m.tracks[on.Value] = append(m.tracks[on.Value], i)
		case playbook.OnPage:
			m.pages = append(m.pages, pageTrigger{on.Value, i})
		case playbook.OnIdentify:
			m.identify = append(m.identify, i)
		case playbook.OnForm:
			m.forms[on.Value] = append(m.forms[on.Value], i)
		case playbook.OnText:
			m.texts[on.Value] = append(m.texts[on.Value], i)
		case playbook.OnTurn:
			m.turns = append(m.turns, i)
		case playbook.OnSignal:
			m.chains[on.Signal] = append(m.chains[on.Signal], i)
		}
	}
	return m
}

// Named are the signals that the event's type and name raise; the slice must not be changed.
func (m *Matcher) Named(e *lead.Event) []int {
	switch e.Type {
	case lead.Track:
		return m.tracks[e.Name]
	case lead.Identify:
		return m.identify
	default:
		return nil
	}
}

// Pages appends the signals that a visit to the path raises.
func (m *Matcher) Pages(dst []int, path string) []int {
	for _, t := range m.pages {
		if Glob(t.glob, path) {
			dst = append(dst, t.signal)
		}
	}
	return dst
}

// ReadsForms says whether the event is a sent form and any signal waits for one.
func (m *Matcher) ReadsForms(e *lead.Event) bool {
	if len(m.forms) == 0 || e.Type != lead.Track {
		return false
	}
	for _, name := range formEvents {
		if e.Name == name {
			return true
		}
	}
	return false
}

// Forms appends the signals that the form named in the event's properties raises.
func (m *Matcher) Forms(dst []int, properties map[string]any) []int {
	for _, key := range formKeys {
		if name, ok := properties[key].(string); ok && name != "" {
			return append(dst, m.forms[name]...)
		}
	}
	return dst
}

// ReadsTexts says whether any signal waits for what free text says.
func (m *Matcher) ReadsTexts() bool { return len(m.texts) > 0 }

// Texts are the signals that a finding such as "budget" or "no_budget" raises.
func (m *Matcher) Texts(finding string) []int { return m.texts[finding] }

// Turns are the signals raised in the moment in which a lead turns serious.
func (m *Matcher) Turns() []int { return m.turns }

// Chained are the signals that are tried each time signal i is counted, in playbook order.
func (m *Matcher) Chained(i int) []int { return m.chains[i] }

// Glob matches a path against a pattern in which * stands for any characters, slashes included.
func Glob(pattern, path string) bool {
	head, rest, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == path
	}
	if !strings.HasPrefix(path, head) {
		return false
	}
	path = path[len(head):]
	for {
		part, more, again := strings.Cut(rest, "*")
		if !again {
			return strings.HasSuffix(path, part)
		}
		i := strings.Index(path, part)
		if i < 0 {
			return false
		}
		path, rest = path[i+len(part):], more
	}
}
