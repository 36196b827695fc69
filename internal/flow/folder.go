package flow

import (
	"maps"
	"slices"
	"strings"

	"cusp/internal/canon"
	"cusp/internal/condition"
	"cusp/internal/decide"
	"cusp/internal/identity"
	"cusp/internal/lead"
	"cusp/internal/playbook"
	"cusp/internal/score"
	"cusp/internal/signal"
)

// pathsKept bounds the memory of which pages raise which signals.
const pathsKept = 4096

// Folder folds facts into leads under one playbook. It keeps scratch memory between steps, so each
// goroutine needs its own; what it computes depends on its arguments alone.
type Folder struct {
	p       *playbook.Playbook
	m       *signal.Matcher
	guard   *signal.Guard
	windows []float64 // largest count() window of each signal, seconds
	reads   []reads   // what each signal's condition reads
	bars    []int     // exclusions that depend on what leads do, so that every counted signal may change them
	fitting bool      // so does fit
	moments []condition.SignalUse

	facts   condition.Facts
	history history
	paths   map[string][]int
	direct  []int
	pending []bool
	trace   *Trace // nil but in explanations
	changed func(Change)
}

// reads tells which maps a condition needs decoded.
type reads struct{ person, account, event bool }

func readsOf(c *condition.Condition) (r reads) {
	if c == nil {
		return r
	}
	for _, path := range c.Paths() {
		r.person = r.person || strings.HasPrefix(path, "person.")
		r.account = r.account || strings.HasPrefix(path, "account.")
	}
	r.event = c.UsesEvent()
	return r
}

// NewFolder prepares to fold under a playbook.
func NewFolder(p *playbook.Playbook) *Folder {
	f := &Folder{
		p: p, m: signal.NewMatcher(p), guard: signal.NewGuard(p), paths: map[string][]int{},
		windows: make([]float64, len(p.Signals)), reads: make([]reads, len(p.Signals)),
		pending: make([]bool, len(p.Signals)), changed: func(Change) {},
	}
	for i := range p.Signals {
		f.windows[i] = p.CountWindows(i)
		f.reads[i] = readsOf(p.Signals[i].Where)
	}
	for i := range p.Exclude {
		if f.watch(p.Exclude[i].When) {
			f.bars = append(f.bars, i)
		}
	}
	for i := range p.Fit.Criteria {
		for j := range p.Fit.Criteria[i].Rules {
			f.fitting = f.watch(p.Fit.Criteria[i].Rules[j].When) || f.fitting
		}
	}
	f.facts.History = &f.history
	f.history.f = f
	return f
}

// watch notes when a condition about who a lead is can change by what the lead does; it reports whether
// it can.
func (f *Folder) watch(c *condition.Condition) bool {
	for _, use := range c.Signals() {
		if use.Moment > 0 {
			f.moments = append(f.moments, use)
		}
	}
	return c.UsesScore() || len(c.Signals()) > 0
}

// Playbook is the playbook that the folder folds under.
func (f *Folder) Playbook() *playbook.Playbook { return f.p }

// OnChange sets what is called with every change of outcome, in the order of time.
func (f *Folder) OnChange(fn func(Change)) { f.changed = fn }

// Step folds one event into the lead. Events come in fold order. A quarantined event is kept in the
// history and raises nothing.
func (f *Folder) Step(l *Lead, e *lead.Event, v signal.Verdict) {
	f.Advance(l, e.Time)
	if l.Events == 0 {
		l.First = e.Time
	}
	l.Events++
	l.Last = Position{e.Time, e.MessageID, e.Source}
	f.history.l, f.history.now = l, e.Time
	newTraits, counted, answered := f.identify(l, e), false, false
	switch {
	case e.Type == lead.Answered:
		f.answer(l, e)
		answered = true
	case v.Quarantined || e.Flags.Has(lead.Unscored):
		f.trace.quarantined(e, v)
	default:
		counted = f.raise(l, e)
	}
	if newTraits || counted && (f.fitting || len(f.bars) > 0) {
		f.judge(l, e.Time, newTraits)
	}
	if newTraits || counted || answered || l.Events == 1 {
		f.settle(l, e.Time)
	}
}

// Company replaces the account's traits at an instant.
func (f *Folder) Company(l *Lead, traits map[string]any, at lead.Instant) {
	f.Advance(l, at)
	l.Company, l.employer = canon.LazyMap(maps.Clone(traits)), nil
	f.judge(l, at, true)
	if l.Events > 0 {
		f.settle(l, at)
	}
}

// identify takes in who the lead is; it reports whether traits changed.
func (f *Folder) identify(l *Lead, e *lead.Event) bool {
	changed, renamed := false, false
	// Facts that people state name their lead by a reference, which is no user id.
	if e.UserID != "" && e.UserID != l.UserID && e.Type <= lead.Alias {
		l.UserID, l.Known = e.UserID, true
		l.Person.Map()["user_id"] = e.UserID
		changed, renamed = true, true
	}
	if e.GroupID != "" {
		l.GroupID = e.GroupID
	}
	if e.Type == lead.Identify {
		if identity.Apply(l.Person.Map(), identity.Traits(traitsOf(e.Body)), e.Flags.Has(lead.Trusted)) {
			changed = true
		}
		l.Known = l.Known || l.Person.Text("email") != ""
	}
	if renamed { // after the traits of the same event, which say more
		identity.Named(l.Person.Map(), e.UserID)
	}
	if changed {
		l.Person.Touch()
		l.employer = nil
	}
	return changed
}

// traitsOf are the traits of an identify call: RudderStack's browser SDK has them only in the context.
func traitsOf(body []byte) map[string]any {
	raw := canon.Lookup(body, "traits")
	if len(raw) <= len("{}") {
		raw = canon.Lookup(canon.Lookup(body, "context"), "traits")
	}
	traits, err := canon.Decode(raw)
	if err != nil {
		return nil
	}
	return traits
}

// answer notes what sales said; Name is the outcome. Only an outcome that closes the handoff answers the
// hands raised before it: accepting a lead or reaching the person is work under way.
func (f *Folder) answer(l *Lead, e *lead.Event) {
	switch e.Name {
	case "rejected":
		l.Answered, l.Rejected = e.Time, e.Time
	case "recycled", "qualified", "disqualified":
		l.Answered = e.Time
	}
}

// judge evaluates fit and exclusions again, at an instant: all of them when traits are new, else those
// that depend on what the lead does.
func (f *Folder) judge(l *Lead, at lead.Instant, newTraits bool) {
	f.history.l, f.history.now = l, at
	f.facts.Person, f.facts.Account, f.facts.Event = l.Person.Map(), l.company(), nil
	if newTraits || f.fitting {
		l.Fit = score.EvaluateFit(f.p, &f.facts)
	}
	if newTraits {
		l.Barred = f.barred()
	}
	l.Excluded = l.Barred
	for _, i := range f.bars {
		if l.Excluded >= 0 && i > l.Excluded {
			return
		}
		if f.p.Exclude[i].When.Eval(&f.facts) == condition.True {
			l.Excluded = i
			return
		}
	}
}

// barred is the first exclusion that matches by who the lead is alone; -1 for none.
func (f *Folder) barred() int {
	for i := range f.p.Exclude {
		if !slices.Contains(f.bars, i) && f.p.Exclude[i].When.Eval(&f.facts) == condition.True {
			return i
		}
	}
	return -1
}

// settle decides at the instant of a fact and reports a change of outcome.
func (f *Folder) settle(l *Lead, at lead.Instant) {
	c := l.decision()
	out := decide.Choose(f.p, &c, at)
	l.Checked = at
	if out != l.Outcome {
		f.move(l, at, out)
		l.Quiet = at
		return
	}
	if !l.Score.Declining() || f.coolingDown(l, at) {
		l.Quiet = at
	}
}

func (f *Folder) move(l *Lead, at lead.Instant, out decide.Outcome) {
	change := Change{
		At: at, From: l.Outcome, To: out,
		Fit: l.Fit, Intent: l.Score.Intent(f.p, at).Score, Known: l.Known,
	}
	l.Outcome, l.Since = out, at
	f.changed(change)
}

func (f *Folder) coolingDown(l *Lead, at lead.Instant) bool {
	return l.Rejected != 0 && at.Seconds(l.Rejected) < f.p.Decide.Cooldown
}

// Advance lets time pass: every change of outcome up to and including the instant to is made at the
// very instant at which it falls due, whenever that is noticed.
func (f *Folder) Advance(l *Lead, to lead.Instant) {
	if l.Events == 0 {
		return
	}
	for len(f.moments) > 0 {
		at := f.moment(l)
		if at > to {
			break
		}
		f.fade(l, at-1)
		f.judge(l, at, false)
		f.settle(l, at)
	}
	f.fade(l, to)
}

// moment is the next instant at which a condition about who the lead is can change by time alone: an
// occurrence leaves the window of a count(), or days_since() passes what it is compared with.
func (f *Folder) moment(l *Lead) lead.Instant {
	next := lead.Never
	consider := func(at lead.Instant) {
		if at > l.Checked && at < next {
			next = at
		}
	}
	for _, use := range f.moments {
		s := &l.Score.Signals[use.Signal]
		if s.Counted == 0 {
			continue
		}
		after := lead.Instant(use.Moment * 1e6)
		consider(s.Last + after)
		if use.Window > 0 {
			for _, at := range s.Times {
				consider(at + after)
			}
		}
	}
	return next
}

// fade lets points decay and windows end.
func (f *Folder) fade(l *Lead, to lead.Instant) {
	for l.Quiet <= to && l.Checked < to {
		c := l.decision()
		if decide.Still(f.p, &c, l.Checked, to) {
			l.Checked = to
			return
		}
		at, out, ok := decide.Next(f.p, &c, l.Checked)
		if !ok {
			l.Quiet = lead.Never
			break
		}
		if at > to {
			l.Quiet = at
			break
		}
		l.Checked, l.Quiet = at, at
		f.move(l, at, out)
	}
	l.Checked = max(l.Checked, to)
}

// Wake is the next instant at which time alone changes the lead's outcome; [lead.Never] if it does not.
// For a playbook that judges people by what they do it may come early.
func (f *Folder) Wake(l *Lead) lead.Instant {
	if l.Events == 0 {
		return lead.Never
	}
	if l.Quiet <= l.Checked {
		c := l.decision()
		l.Quiet = lead.Never
		if at, _, ok := decide.Next(f.p, &c, l.Checked); ok {
			l.Quiet = at
		}
	}
	return min(l.Quiet, f.moment(l))
}
