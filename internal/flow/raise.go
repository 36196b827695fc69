package flow

import (
	"slices"
	"strings"

	"cusp/internal/canon"
	"cusp/internal/condition"
	"cusp/internal/lead"
	"cusp/internal/signal"
)

// raise tries every signal that the event may raise, and those made of them, lowest in the playbook
// first; it reports whether any was counted.
func (f *Folder) raise(l *Lead, e *lead.Event) bool {
	f.facts.Event = nil
	f.direct = append(f.direct[:0], f.m.Named(e)...)
	f.direct = append(f.direct, f.pagesOf(e)...)
	f.direct = f.readBody(f.direct, e)
	if len(f.direct) == 0 {
		return false
	}
	for _, i := range f.direct {
		f.pending[i] = true
	}
	serious := l.Score.Serious(f.p, e.Time)
	counted := f.drain(l, e)
	if counted && !serious && l.Score.Serious(f.p, e.Time) {
		f.turn(l, e)
	}
	return counted
}

// turn notes the moment in which curiosity became serious, which may raise signals of its own.
func (f *Folder) turn(l *Lead, e *lead.Event) {
	l.Score.SeriousAt = e.Time
	f.trace.turned(e)
	for _, i := range f.m.Turns() {
		f.pending[i] = true
	}
	f.drain(l, e)
}

// drain tries the pending signals in playbook order. A counted one makes those built on it pending; one
// that stands earlier in the playbook is still tried after it.
func (f *Folder) drain(l *Lead, e *lead.Event) bool {
	counted := false
	for {
		i := slices.Index(f.pending, true)
		if i < 0 {
			return counted
		}
		f.pending[i] = false
		if !f.holds(l, e, i) {
			continue
		}
		before := l.Score.Worth(f.p, i, e.Time)
		if !l.Score.Count(f.p, i, e.Time, f.windows[i]) {
			f.trace.repeated(e, i)
			continue
		}
		f.trace.counted(e, i, before, l.Score.Signals[i].Value)
		counted = true
		for _, next := range f.m.Chained(i) {
			f.pending[next] = true
		}
	}
}

// holds evaluates the signal's condition.
func (f *Folder) holds(l *Lead, e *lead.Event, i int) bool {
	where := f.p.Signals[i].Where
	if where == nil {
		return true
	}
	needs := f.reads[i]
	if needs.person {
		f.facts.Person = l.Person.Map()
	}
	if needs.account {
		f.facts.Account = l.company()
	}
	if needs.event && f.facts.Event == nil {
		f.facts.Event = eventFacts(e)
	}
	return where.Eval(&f.facts) == condition.True
}

// pagesOf are the signals of the page that a page event shows, remembered by path.
func (f *Folder) pagesOf(e *lead.Event) []int {
	if e.Type != lead.Page || e.Path == "" {
		return nil
	}
	if known, ok := f.paths[e.Path]; ok {
		return known
	}
	if len(f.paths) >= pathsKept {
		clear(f.paths)
	}
	found := f.m.Pages(nil, e.Path)
	f.paths[e.Path] = found
	return found
}

// readBody adds the signals of forms and free text, which only the body can tell.
func (f *Folder) readBody(direct []int, e *lead.Event) []int {
	form := f.m.ReadsForms(e)
	text := f.m.ReadsTexts() && (e.Type == lead.Track || e.Type == lead.Identify) && signal.MayHoldText(e.Body)
	if !form && !text {
		return direct
	}
	f.facts.Event = eventFacts(e)
	properties, _ := f.facts.Event["properties"].(map[string]any)
	if form {
		direct = f.m.Forms(direct, properties)
	}
	if text {
		for _, finding := range findings(properties) {
			direct = append(direct, f.m.Texts(finding)...)
		}
	}
	return direct
}

// findings are what the free text among the properties says, each once; denials begin with "no_".
func findings(properties map[string]any) []string {
	var out []string
	for _, text := range signal.Texts(properties) {
		for _, found := range signal.Read(text) {
			name := string(found.Kind)
			if found.Negated {
				name = "no_" + name
			}
			if !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	return out
}

// eventFacts is the event as conditions see it.
func eventFacts(e *lead.Event) map[string]any {
	body, err := canon.Decode(e.Body)
	if err != nil {
		body = map[string]any{}
	}
	body["type"] = e.Type.String()
	if e.Name != "" {
		body["name"] = e.Name
	}
	if e.Path != "" {
		body["path"] = e.Path
	}
	if properties, ok := body["properties"].(map[string]any); ok {
		body["text"] = strings.Join(signal.Texts(properties), "\n")
	}
	return body
}

// history answers what conditions ask about the lead at hand.
type history struct {
	f   *Folder
	l   *Lead
	now lead.Instant
}

func (h *history) Count(signal int, window float64) int {
	return h.l.Score.CountIn(signal, h.now, window)
}

func (h *history) SecondsSince(signal int) (float64, bool) {
	s := &h.l.Score.Signals[signal]
	return h.now.Seconds(s.Last), s.Counted > 0
}

func (h *history) Fit() (float64, bool) { return h.l.Fit.Score, h.l.Fit.Known }

func (h *history) Intent() float64 { return h.l.Score.Intent(h.f.p, h.now).Score }
