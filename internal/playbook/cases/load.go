package cases

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"cusp/internal/condition"
	"cusp/internal/fault"
	"cusp/internal/lead"
	"cusp/internal/playbook"
)

// maxEvents bounds the events of one case, repetitions counted.
const maxEvents = 2000

// defaultNow is when a case plays that does not say so: noon of an ordinary day.
var defaultNow = lead.At(time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC))

// Load reads every case below a directory: one folder each, in the order of their names. Findings about
// all of them are returned at once; cases that have any are left out.
func Load(fsys fs.FS, dir string, p *playbook.Playbook) ([]*Case, fault.Problems) {
	entries, err := fs.ReadDir(fsys, dir)
	if err != nil {
		return nil, unreadable(dir, err, "a case is a folder that holds facts.yaml and want.yaml")
	}
	l := &loader{p: p, person: readTraits(p, "person"), account: readTraits(p, "account")}
	var found []*Case
	var problems fault.Problems
	for _, e := range entries {
		if !e.IsDir() || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		c, ps := l.load(fsys, path.Join(dir, e.Name()))
		problems = append(problems, ps...)
		if len(ps) == 0 {
			found = append(found, c)
		}
	}
	return found, problems
}

func unreadable(file string, err error, hint string) fault.Problems {
	message := "cannot be read: " + err.Error()
	if errors.Is(err, fs.ErrNotExist) {
		message = "there is no such file"
	}
	return fault.Problems{problemAt(file, nil, 0, 0, "unreadable", hint, message)}
}

// loader reads cases for one playbook.
type loader struct {
	p               *playbook.Playbook
	person, account []string // traits that a case may state
}

// readTraits are the standard traits of a root and those that the playbook reads.
func readTraits(p *playbook.Playbook, root string) []string {
	traits := condition.PersonTraits()
	if root == "account" {
		traits = condition.AccountTraits()
	}
	var names []string
	for _, t := range traits {
		names = append(names, t.Name)
	}
	add := func(paths []string) {
		for _, full := range paths {
			parts := strings.Split(full, ".")
			if parts[0] == root && !slices.Contains(names, parts[1]) {
				names = append(names, parts[1])
			}
		}
	}
	for _, x := range p.Exclude {
		add(x.When.Paths())
	}
	for _, c := range p.Fit.Criteria {
		add(c.Needs)
		for _, r := range c.Rules {
			add(r.When.Paths())
		}
	}
	for _, s := range p.Signals {
		if s.Where != nil {
			add(s.Where.Paths())
		}
	}
	return names
}

func (l *loader) load(fsys fs.FS, dir string) (*Case, fault.Problems) {
	factsFile, wantFile := path.Join(dir, "facts.yaml"), path.Join(dir, "want.yaml")
	src, err := fs.ReadFile(fsys, factsFile)
	if err != nil {
		return nil, unreadable(factsFile, err, "a case is a folder that holds facts.yaml and want.yaml")
	}
	c := &Case{Name: path.Base(dir), Person: map[string]any{}, Account: map[string]any{}, wantFile: wantFile}
	d, root := open(factsFile, src)
	if root != nil {
		l.facts(d, root, c)
	}
	problems := d.problems
	switch src, err = fs.ReadFile(fsys, wantFile); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		problems = append(problems, unreadable(wantFile, err, "")...)
	default:
		d, c.want = open(wantFile, src)
		c.lines = d.lines
		if c.want != nil {
			l.checkWant(d, c.want)
		}
		problems = append(problems, d.problems...)
	}
	return c, problems
}

func (l *loader) facts(d *document, root *yaml.Node, c *Case) {
	f := d.fields(root, "facts", "case", "now", "person", "account", "events")
	if f["case"] == nil {
		d.refuse(root, "missing_key", "write case: and one sentence that says what it shows", "facts need the key \"case\"")
	}
	c.Title, c.Now = d.text(f["case"], "case"), defaultNow
	if n := f["now"]; n != nil {
		if at, ok := absolute(n.Value); ok {
			c.Now = at
		} else {
			d.refuse(n, "time", "write 2026-06-01T12:00:00Z", "now must be a time, not %q", n.Value)
		}
	}
	if n := f["person"]; n != nil {
		c.Person = withMailDomain(d.traits(n, "person", l.person))
	}
	if n := f["account"]; n != nil {
		c.Account = d.traits(n, "account", l.account)
	}
	if n := f["events"]; n != nil {
		l.events(d, n, c)
	}
}

// traits refuses what the playbook does not read and the product does not know: nearly always a slip.
func (d *document) traits(n *yaml.Node, root string, known []string) map[string]any {
	if n.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if key := n.Content[i]; !slices.Contains(known, key.Value) {
				hint := fault.Suggest(key.Value, known)
				if hint == "" {
					hint = "remove it, or let the playbook read it"
				}
				d.refuse(key, "unknown_trait", hint, "%s.%s is neither a standard trait nor read by the playbook", root, key.Value)
			}
		}
	}
	return d.values(n)
}

func (l *loader) events(d *document, n *yaml.Node, c *Case) {
	if n.Kind != yaml.SequenceNode {
		d.refuse(n, "wrong_type", "begin each event with -", "events must be a list")
		return
	}
	for _, item := range n.Content {
		e, r := l.event(d, item, c.Now)
		if len(c.Events)+r.times > maxEvents {
			d.refuse(item, "too_large", "", "the case has more than %d events", maxEvents)
			return
		}
		for k := range r.times {
			next := e
			next.At = e.At.Add(time.Duration(k) * r.every)
			if next.At > c.Now {
				d.refuse(item, "time", "begin earlier, or repeat less often", "the event happens after now")
				break
			}
			c.Events = append(c.Events, next)
		}
	}
	slices.SortStableFunc(c.Events, func(a, b Event) int { return int(max(-1, min(1, a.At-b.At))) })
	for i := range c.Events {
		c.Events[i].MessageID = messageID(i + 1)
	}
}

// repetition is how often an event of the file happens, and at which distance.
type repetition struct {
	times int
	every time.Duration
}

var eventKinds = []string{"page", "track", "form", "identify", "account", "answer"}

// outcomes are what a closed handoff can end in.
var outcomes = []string{"rejected", "recycled", "qualified", "disqualified"}

func (l *loader) event(d *document, n *yaml.Node, now lead.Instant) (Event, repetition) {
	f := d.fields(n, "event", append([]string{"at", "properties", "text", "times", "every"}, eventKinds...)...)
	e := Event{At: d.when(n, f["at"], now)}
	var named []string
	for _, kind := range eventKinds {
		if v := f[kind]; v != nil {
			named = append(named, kind)
			l.what(d, &e, kind, v)
		}
	}
	if len(named) != 1 {
		d.refuse(n, "event", "write one of "+strings.Join(eventKinds, ", "), "an event is exactly one thing that happens; this one names %d", len(named))
	}
	tracked := e.Type == lead.Track || e.Type == lead.Page
	if v := f["properties"]; v != nil {
		if !tracked {
			d.refuse(v, "event", "", "only page, track and form have properties")
		}
		e.setAll(d.values(v))
	}
	if v := f["text"]; v != nil {
		if e.Type != lead.Track {
			d.refuse(v, "event", "", "only track and form have text")
		}
		e.set("message", d.text(v, "text"))
	}
	return e, d.repetition(f["times"], f["every"])
}

func (e *Event) set(key string, value any) { e.setAll(map[string]any{key: value}) }

// setAll adds properties; what the form and the text say stays.
func (e *Event) setAll(values map[string]any) {
	if e.Properties == nil {
		e.Properties = map[string]any{}
	}
	for key, value := range values {
		if _, said := e.Properties[key]; !said {
			e.Properties[key] = value
		}
	}
}

func (l *loader) what(d *document, e *Event, kind string, v *yaml.Node) {
	switch kind {
	case "page":
		e.Type, e.Path = lead.Page, d.text(v, kind)
		if e.Path != "" && (e.Path[0] != '/' || strings.ContainsAny(e.Path, "?#")) {
			d.refuse(v, "event", "write /pricing", "a page is a path without host and query")
		}
	case "track":
		e.Type, e.Name = lead.Track, d.text(v, kind)
	case "form":
		e.Type, e.Name = lead.Track, "Form Submitted"
		e.set("form", d.text(v, kind))
	case "identify":
		e.Type, e.Traits = lead.Identify, withMailDomain(d.traits(v, "person", l.person))
	case "account":
		e.Type, e.Traits = lead.Group, d.traits(v, "account", l.account)
	case "answer":
		e.Type, e.Name = lead.Answered, d.text(v, kind)
		if !slices.Contains(outcomes, e.Name) {
			d.refuse(v, "event", fault.Suggest(e.Name, outcomes), "%q is not how a handoff ends", e.Name)
		}
	}
}

func (d *document) when(event, at *yaml.Node, now lead.Instant) lead.Instant {
	if at == nil {
		d.refuse(event, "missing_key", "write at: -3d for three days before now", "an event needs the key \"at\"")
		return now
	}
	t, ok := relative(at.Value, now)
	if !ok {
		t, ok = absolute(at.Value)
	}
	switch {
	case !ok:
		d.refuse(at, "time", "write -3d, -1d12h, now, or 2026-05-01T09:00:00Z", "%q is not a time", at.Value)
	case t > now:
		d.refuse(at, "time", "write it with a minus: -3d is three days before now", "the event happens after now")
	}
	return t
}

func (d *document) repetition(times, every *yaml.Node) repetition {
	r := repetition{times: 1}
	if times == nil && every == nil {
		return r
	}
	if times == nil || every == nil {
		d.refuse(firstOf(times, every), "event", "write times: 4, every: 1d", "times and every go together")
		return r
	}
	n, err := strconv.Atoi(times.Value)
	span, ok := parseSpan(every.Value)
	if err != nil || n < 1 || n > maxEvents {
		d.refuse(times, "event", "", "times must be a whole number from 1 to %d", maxEvents)
		return r
	}
	if !ok || span <= 0 {
		d.refuse(every, "time", "write 30m, 12h or 1d", "every must be a span of time, not %q", every.Value)
		return r
	}
	return repetition{n, span}
}

func firstOf(a, b *yaml.Node) *yaml.Node {
	if a != nil {
		return a
	}
	return b
}

var spanForm = regexp.MustCompile(`^(?:(\d{1,4})w)?(?:(\d{1,4})d)?(?:(\d{1,4})h)?(?:(\d{1,5})m)?(?:(\d{1,6})s)?$`)

// parseSpan reads "3d", "12h", "1d12h30m".
func parseSpan(s string) (time.Duration, bool) {
	m := spanForm.FindStringSubmatch(s)
	if s == "" || m == nil {
		return 0, false
	}
	var total time.Duration
	for i, unit := range []time.Duration{7 * 24 * time.Hour, 24 * time.Hour, time.Hour, time.Minute, time.Second} {
		if m[i+1] != "" {
			n, err := strconv.Atoi(m[i+1])
			if err != nil {
				return 0, false
			}
			total += time.Duration(n) * unit
		}
	}
	return total, true
}

// relative reads "now" and "-3d".
func relative(s string, now lead.Instant) (lead.Instant, bool) {
	if s == "now" {
		return now, true
	}
	span, ok := parseSpan(strings.TrimPrefix(s, "-"))
	return now.Add(-span), ok && strings.HasPrefix(s, "-")
}

// absolute reads RFC 3339 and plain dates, which mean midnight UTC.
func absolute(s string) (lead.Instant, bool) {
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil && t.Year() >= 2000 && t.Year() < 2200 {
			return lead.At(t), true
		}
	}
	return 0, false
}

// checkWant refuses ids that the playbook does not have. What else want.yaml names is compared with the
// explanation itself, which knows its own parts.
func (l *loader) checkWant(d *document, want *yaml.Node) {
	var signals, criteria, excludes []string
	for _, s := range l.p.Signals {
		signals = append(signals, s.ID)
	}
	for _, c := range l.p.Fit.Criteria {
		criteria = append(criteria, c.ID)
	}
	for _, x := range l.p.Exclude {
		excludes = append(excludes, x.ID)
	}
	d.knownIDs(child(child(want, "intent"), "signals"), "signal", signals)
	d.knownIDs(child(child(want, "fit"), "criteria"), "criterion", criteria)
	if n := child(want, "excluded_by"); n != nil && n.ShortTag() != "!!null" && !slices.Contains(excludes, n.Value) {
		d.refuse(n, "unknown_id", fault.Suggest(n.Value, excludes), "the playbook has no exclusion %q", n.Value)
	}
}

func child(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

func (d *document) knownIDs(n *yaml.Node, what string, known []string) {
	if n == nil {
		return
	}
	if n.Kind != yaml.MappingNode {
		d.refuse(n, "wrong_type", fmt.Sprintf("write %s: value, one a line", what), "%s values are written by their ids", what)
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if key := n.Content[i]; !slices.Contains(known, key.Value) {
			d.refuse(key, "unknown_id", fault.Suggest(key.Value, known), "the playbook has no %s %q", what, key.Value)
		}
	}
}
