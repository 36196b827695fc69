package playbook

import (
	"fmt"
	"maps"
	"math"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"cusp/internal/condition"
	"cusp/internal/fault"
)

// Bounds of the parts of a document.
const (
	maxText     = 500     // characters of a name or a reason
	maxListItem = 256     // characters of one list entry
	maxList     = 100_000 // entries of one list
	maxLists    = 200
	maxSignals  = 1000
	maxCriteria = 200
	maxRules    = 200 // of one criterion
	maxExcludes = 500
	maxLevels   = 20
	maxWeights  = 50
)

// Defaults of the format; the reference page repeats them.
const (
	defaultReviewEvery      = 90 * condition.Day
	defaultGate             = 50
	defaultMinCoverage      = 0.5
	defaultFirstPartyWithin = 30 * condition.Day
	defaultCooldown         = 30 * condition.Day
	defaultInboundFloor     = 0
	defaultFast             = 7 * condition.Day
	defaultSlow             = 28 * condition.Day
	defaultSeriousWithin    = 14 * condition.Day
	defaultSeriousCount     = 2
)

// Parse reads a playbook from YAML or JSON, checks and compiles it. All findings are returned at once,
// in the order of the document; file is how messages name the source. The playbook is nil when any
// finding is an error; warnings alone do not refuse it.
func Parse(file string, src []byte) (*Playbook, fault.Problems) {
	d := newDocument(file, src)
	root := d.load()
	if root == nil {
		return nil, d.problems
	}
	r := &reader{d: d, p: &Playbook{Source: slices.Clone(src)}, where: map[any]*yaml.Node{}, unsound: map[string]bool{}, misses: map[string]string{}}
	r.playbook(root)
	r.check()
	d.problems.Sort()
	if d.problems.Err() != nil {
		return nil, d.problems
	}
	r.p.Hash = hashOf(root)
	return r.p, d.problems
}

// reader fills a playbook from the document, section by section.
type reader struct {
	d     *document
	p     *Playbook
	c     *condition.Compiler
	ids   map[string]int     // signal ids to indexes
	where map[any]*yaml.Node // where things stand, for the checks that look at several of them
	// unsound holds the sections with errors: what follows from their numbers is not worth saying.
	unsound map[string]bool
	prover  condition.Prover
	misses  map[string]string // custom traits to the standard one that they resemble; empty for none
}

// section reads one section of the document and notes whether it is sound.
func (r *reader) section(name string, read func()) {
	before := r.d.errors
	read()
	r.unsound[name] = r.d.errors > before
}

// sound reports whether all the named sections could be read without errors.
func (r *reader) sound(names ...string) bool {
	return !slices.ContainsFunc(names, func(name string) bool { return r.unsound[name] })
}

// Keys of r.where that are not pointers to the thing itself.
type spot struct {
	what  string
	index int
}

func (r *reader) playbook(root *yaml.Node) {
	s := r.d.section(root, "", "playbook", "name", "review_every", "lists", "internal", "exclude", "fit", "signals",
		"intent", "decide", "account", "momentum", "handoff", "nurture")
	s.require("playbook", "begin with `playbook: 1`, the version of the format")
	s.number("playbook", 1, 1, 1)
	s.require("name", "write `name: Acme B2B`")
	r.p.Name = s.text("name", 200)
	r.p.ReviewEvery = time.Duration(s.duration("review_every", 60, defaultReviewEvery)) * time.Second
	r.lists(s)
	r.internal(s)
	s.require("signals", "a playbook says which behaviour counts: write `signals:` with at least one signal")
	r.where["signals"] = s.at("signals")
	nodes := s.list("signals", maxSignals)
	r.signalIDs(nodes)
	r.c = condition.NewCompiler(r.ids, r.p.Lists)
	r.section("exclude", func() { r.excludes(s) })
	r.section("fit", func() { r.fit(s) })
	r.section("signals", func() { r.signals(nodes) })
	r.section("intent", func() { r.intent(s) })
	r.section("decide", func() { r.decide(s) })
	r.section("account", func() { r.account(s) })
	r.momentum(s)
	for _, key := range []string{"handoff", "nurture"} {
		s.sub(key)
	}
}

var listName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,63}$`)

func (r *reader) lists(s section) {
	lists, ok := s.sub("lists")
	if !ok {
		return
	}
	r.p.Lists = map[string][]string{}
	if len(lists.fields) > maxLists {
		r.d.refuse(lists.node, "too_large", "", "there are %d lists; the limit is %d", len(lists.fields), maxLists)
		return
	}
	for i := 0; i+1 < len(lists.node.Content); i += 2 {
		key := lists.node.Content[i]
		switch name := key.Value; {
		case slices.Contains(condition.BuiltInLists(), name):
			r.d.refuse(key, "reserved", "choose another name", "the list %q is built in", name)
		case !listName.MatchString(name):
			r.d.refuse(key, "bad_id", "use letters, digits and _", "%q cannot name a list", name)
		case lists.has(name):
			r.p.Lists[name] = lists.texts(name, maxList, maxListItem)
		}
	}
}

func (r *reader) internal(s section) {
	in, ok := s.sub("internal", "domains", "ips")
	if !ok {
		return
	}
	for _, domain := range in.texts("domains", 1000, maxListItem) {
		r.p.Internal.Domains = append(r.p.Internal.Domains, strings.ToLower(domain))
	}
	for _, n := range in.list("ips", 1000) {
		v, ok := r.d.text(n, "each item of internal.ips", maxListItem)
		if !ok {
			continue
		}
		_, notAddress := netip.ParseAddr(v)
		_, notPrefix := netip.ParsePrefix(v)
		if notAddress != nil && notPrefix != nil {
			r.d.refuse(n, "bad_address", "write 203.0.113.7 or 203.0.113.0/24", "%q is neither an address nor a network", v)
			continue
		}
		r.p.Internal.IPs = append(r.p.Internal.IPs, v)
	}
}

// unique refuses an id that an earlier sibling has.
func (r *reader) unique(seen map[string]*yaml.Node, s section, id, what string) {
	n := s.fields["id"]
	if id == "" || n == nil {
		return
	}
	if first := seen[id]; first != nil {
		r.d.refuse(n, "duplicate_id", "give each its own id", "the %s %q stands here a second time; the first is at line %d", what, id, first.Line)
		return
	}
	seen[id] = n
}

// condition compiles the condition under a key; nil when it is absent or wrong.
func (r *reader) condition(s section, key string, at condition.Scope) *condition.Condition {
	n := s.field(key)
	if n == nil {
		return nil
	}
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!str" {
		hint := "write the condition in quotes: 'account.employees >= 50'"
		if n.ShortTag() == "!!bool" {
			hint = fmt.Sprintf("write it in quotes: '%s'", n.Value)
		}
		r.d.refuse(n, "wrong_type", hint,
			"%s must be a condition, not %s", s.path(key), kindName(n))
		return nil
	}
	if strings.TrimSpace(n.Value) == "" {
		r.d.refuse(n, "empty", "give it a value or remove the key", "%s is empty", s.path(key))
		return nil
	}
	c, found := r.c.Compile(n.Value, at)
	if len(found) > 0 {
		place := r.d.positions(n)
		for _, f := range found {
			line, column := place(f.Offset)
			r.d.report(fault.SeverityError, f.Code, line, column, f.Hint, f.Message)
		}
		r.d.bad[n] = true
		return nil
	}
	for _, path := range c.Paths() {
		r.nearMiss(n, path)
	}
	return c
}

// nearMiss warns of a custom trait that is most likely a mistyped standard one. Any trait may exist, so
// it is no more than advice.
func (r *reader) nearMiss(n *yaml.Node, path string) {
	root, name, _ := strings.Cut(path, ".")
	name, _, _ = strings.Cut(name, ".")
	trait := root + "." + name
	likely, asked := r.misses[trait]
	if !asked {
		traits := map[string][]condition.Trait{"person": condition.PersonTraits(), "account": condition.AccountTraits()}[root]
		likely = resembled(name, traits)
		r.misses[trait] = likely
	}
	if likely != "" {
		r.d.warn(n, "unknown_trait", fmt.Sprintf("did you mean %s.%s?", root, likely), "%s is not a standard trait", trait)
	}
}

// resembled is the standard trait that a name is one or two typing mistakes away from; empty when the
// name is one itself, or resembles none.
func resembled(name string, traits []condition.Trait) string {
	if len(name) < 4 || slices.ContainsFunc(traits, func(t condition.Trait) bool { return t.Name == name }) {
		return ""
	}
	for _, t := range traits {
		if d := fault.Distance(name, t.Name); d == 1 || d == 2 && len(name) >= 6 {
			return t.Name
		}
	}
	return ""
}

func (r *reader) excludes(s section) {
	seen := map[string]*yaml.Node{}
	for _, n := range s.list("exclude", maxExcludes) {
		e := r.d.section(n, "exclude", "id", "when", "because")
		e.require("id", "")
		e.require("when", "write when: 'account.domain in lists.competitors'")
		x := Exclusion{ID: e.id("id"), When: r.condition(e, "when", condition.Scope{Score: true}), Because: e.text("because", maxText)}
		if !e.has("because") {
			x.Because = x.ID
		}
		r.unique(seen, e, x.ID, "exclude")
		r.where[spot{"exclude", len(r.p.Exclude)}] = e.at("when")
		r.p.Exclude = append(r.p.Exclude, x)
	}
}

// at is the node of a key, or the whole mapping when the key is absent.
func (s section) at(key string) *yaml.Node {
	if n := s.fields[key]; n != nil {
		return n
	}
	return s.node
}

func (r *reader) fit(s section) {
	fit, ok := s.sub("fit", "gate", "min_coverage", "criteria")
	r.where["fit"] = fit.node
	r.p.Fit.Gate, r.p.Fit.MinCoverage = defaultGate, defaultMinCoverage
	if !ok {
		return
	}
	r.p.Fit.Gate = fit.number("gate", 0, 100, defaultGate)
	r.p.Fit.MinCoverage = fit.number("min_coverage", 0, 1, defaultMinCoverage)
	seen := map[string]*yaml.Node{}
	for _, n := range fit.list("criteria", maxCriteria) {
		r.criterion(n, seen)
	}
}

func (r *reader) criterion(n *yaml.Node, seen map[string]*yaml.Node) {
	s := r.d.section(n, "criterion", "id", "needs", "ask", "rules")
	s.require("id", "")
	c := Criterion{ID: s.id("id"), Ask: s.text("ask", maxText)}
	r.unique(seen, s, c.ID, "criterion")
	s.require("rules", "write rules: [{when: 'account.employees >= 50', points: 20}]")
	index := len(r.p.Fit.Criteria)
	for i, rule := range s.list("rules", maxRules) {
		rs := r.d.section(rule, "rule", "when", "points")
		rs.require("when", "")
		rs.require("points", "")
		r.where[spot{"rule of " + c.ID, i}] = rs.at("when")
		c.Rules = append(c.Rules, Rule{When: r.condition(rs, "when", condition.Scope{}), Points: rs.number("points", -1000, 1000, 0)})
		c.Max = max(c.Max, c.Rules[i].Points)
	}
	c.Needs = r.needs(s, c)
	r.where[spot{"criterion", index}] = s.at("id")
	r.where[spot{"needs", index}] = s.at("needs")
	r.p.Fit.Criteria = append(r.p.Fit.Criteria, c)
}

// needs reads what a criterion needs; by default every trait that its rules read.
func (r *reader) needs(s section, c Criterion) []string {
	if s.has("needs") {
		var needs []string
		for _, n := range s.list("needs", 50) {
			path, ok := r.d.text(n, "each item of criterion.needs", maxText)
			if ok && r.isTrait(n, path) && !slices.Contains(needs, path) {
				needs = append(needs, path)
			}
		}
		return needs
	}
	read := map[string]bool{}
	for _, rule := range c.Rules {
		if rule.When != nil {
			for _, p := range rule.When.Paths() {
				read[p] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(read))
}

var traitPath = regexp.MustCompile(`^(person|account)(\.[A-Za-z_$][A-Za-z0-9_$]*)+$`)

func (r *reader) isTrait(n *yaml.Node, path string) bool {
	if traitPath.MatchString(path) {
		r.nearMiss(n, path)
		return true
	}
	r.d.refuse(n, "bad_trait", "write person.name or account.name", "%q is not a trait", path)
	return false
}

func (r *reader) intent(s section) {
	r.p.Intent.FirstPartyWithin = defaultFirstPartyWithin
	r.p.Intent.ThirdPartyCap = math.Inf(1)
	for c := range r.p.Intent.Caps {
		r.p.Intent.Caps[c] = math.Inf(1)
	}
	in, ok := s.sub("intent", "caps", "first_party_within")
	r.where["intent"] = in.node
	if !ok {
		return
	}
	r.p.Intent.FirstPartyWithin = in.duration("first_party_within", 60, defaultFirstPartyWithin)
	if n := in.fields["caps"]; n != nil && n.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == "negative" {
				r.d.refuse(n.Content[i], "unknown_key", "cap the signals themselves: each may have its own `cap`",
					"negative signals are summed without a cap of their class")
			}
		}
	}
	caps, ok := in.sub("caps", "interest", "evaluation", "buying", "usage", "third_party")
	if !ok {
		return
	}
	for c := range Negative {
		r.p.Intent.Caps[c] = caps.number(c.String(), 0, 1000, math.Inf(1))
	}
	r.p.Intent.ThirdPartyCap = caps.number("third_party", 0, 1000, math.Inf(1))
	for key, n := range caps.fields {
		r.where["caps."+key] = n
	}
}

func (r *reader) decide(s section) {
	s.require("decide", "write `decide: {review: 40, engage: 70}`")
	d, ok := s.sub("decide", "review", "engage", "mql", "cooldown", "inbound")
	r.p.Decide.Cooldown, r.p.Decide.InboundFloor = defaultCooldown, defaultInboundFloor
	if !ok {
		return
	}
	d.require("review", "the intent from which a person looks at a lead, such as 40")
	d.require("engage", "the intent from which sales takes over, such as 70")
	r.where["review"], r.where["engage"] = d.at("review"), d.at("engage")
	r.p.Decide.Review = d.number("review", 0, 1000, 0)
	r.p.Decide.Engage = d.number("engage", 0, 1000, 0)
	r.p.Decide.Cooldown = d.duration("cooldown", 0, defaultCooldown)
	if in, ok := d.sub("inbound", "fit_floor"); ok {
		r.where["fit_floor"] = in.at("fit_floor")
		r.p.Decide.InboundFloor = in.number("fit_floor", 0, 100, defaultInboundFloor)
	}
	for i, n := range d.list("mql", maxLevels) {
		level := r.d.section(n, "mql level", "level", "intent")
		level.require("level", "")
		level.require("intent", "")
		r.where[spot{"level", i}], r.where[spot{"level intent", i}] = level.at("level"), level.at("intent")
		number := level.number("level", 1, 99, float64(i+1))
		if number != math.Trunc(number) {
			r.d.refuse(level.fields["level"], "out_of_range", "", "a level is a whole number")
		}
		r.p.Decide.MQL = append(r.p.Decide.MQL, Level{Level: int(number), Intent: level.number("intent", 0, 1000, 0)})
	}
}

func (r *reader) account(s section) {
	r.p.Account = Account{Weights: []float64{1, 0.5, 0.25}, Review: math.Inf(1), Engage: math.Inf(1)}
	a, ok := s.sub("account", "weights", "roles_bonus", "review", "engage")
	if !ok {
		return
	}
	r.where["account"] = a.node
	r.where["account review"], r.where["account engage"] = a.at("review"), a.at("engage")
	if a.has("weights") {
		r.p.Account.Weights = r.weights(a)
	}
	if bonus, ok := a.sub("roles_bonus", "two", "three"); ok {
		r.where["roles_bonus"] = bonus.node
		r.p.Account.TwoRoles = bonus.number("two", 0, 1000, 0)
		r.p.Account.ThreeRoles = bonus.number("three", 0, 1000, r.p.Account.TwoRoles)
	}
	r.p.Account.Review = a.number("review", 0, 10000, math.Inf(1))
	r.p.Account.Engage = a.number("engage", 0, 10000, math.Inf(1))
}

func (r *reader) weights(a section) []float64 {
	var weights []float64
	for _, n := range a.list("weights", maxWeights) {
		w, ok := r.d.number(n, "each item of account.weights", 0, 1)
		if ok && len(weights) > 0 && w > weights[len(weights)-1] {
			r.d.refuse(n, "order", "the most active person counts most: largest weight first", "the weight %s is larger than the one before it", condition.FormatNumber(w))
		}
		weights = append(weights, w)
	}
	if len(weights) == 0 && a.field("weights") != nil {
		r.d.refuse(a.fields["weights"], "empty", "write weights: [1, 0.5, 0.25]", "account.weights needs at least one weight")
	}
	return weights
}

func (r *reader) momentum(s section) {
	m := &r.p.Momentum
	*m = Momentum{Fast: defaultFast, Slow: defaultSlow, SeriousWithin: defaultSeriousWithin, SeriousCount: defaultSeriousCount}
	ms, ok := s.sub("momentum", "fast", "slow", "serious_within", "serious_count")
	if !ok {
		return
	}
	m.Fast = ms.duration("fast", 60, defaultFast)
	m.Slow = ms.duration("slow", 60, defaultSlow)
	if m.Fast >= m.Slow {
		r.d.refuse(ms.at("fast"), "order", "the fast average forgets sooner: fast: 7d, slow: 28d", "momentum.fast must be shorter than momentum.slow")
	}
	m.SeriousWithin = ms.duration("serious_within", 60, defaultSeriousWithin)
	count := ms.number("serious_count", 1, 100, defaultSeriousCount)
	if count != math.Trunc(count) {
		r.d.refuse(ms.fields["serious_count"], "out_of_range", "", "momentum.serious_count is a whole number")
	}
	m.SeriousCount = int(count)
}
