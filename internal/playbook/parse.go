package playbook

import (
	"maps"
	"math"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"cusp/internal/condition"
	"cusp/internal/document"
	"cusp/internal/fault"
)

// Bounds of the parts of a document.
const (
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
	return ParseWith(file, src, nil)
}

// Reader reads further sections of a document: s is the whole of it, conditions compiles what asks about
// leads. It is called once and reports into the same document.
type Reader func(s document.Section, conditions *document.Conditions)

// ParseWith is [Parse] with a reader for the sections that later stages own, so that the mistakes of all
// sections are found in one run. A nil reader leaves them unread.
func ParseWith(file string, src []byte, more Reader) (*Playbook, fault.Problems) {
	d := document.New(file, src)
	root := d.Load()
	if root == nil {
		return nil, d.Problems()
	}
	r := &reader{d: d, p: &Playbook{Source: slices.Clone(src)}, where: map[any]*yaml.Node{}, unsound: map[string]bool{}}
	s := r.playbook(root)
	r.check()
	if more != nil {
		more(s, r.c)
	}
	problems := d.Problems()
	problems.Sort()
	if problems.Err() != nil {
		return nil, problems
	}
	r.p.Hash = hashOf(root)
	return r.p, problems
}

// reader fills a playbook from the document, section by section.
type reader struct {
	d     *document.Document
	p     *Playbook
	c     *document.Conditions
	ids   map[string]int     // signal ids to indexes
	where map[any]*yaml.Node // where things stand, for the checks that look at several of them
	// unsound holds the sections with errors: what follows from their numbers is not worth saying.
	unsound map[string]bool
	prover  condition.Prover
}

// section reads one section of the document and notes whether it is sound.
func (r *reader) section(name string, read func()) {
	before := r.d.Errors()
	read()
	r.unsound[name] = r.d.Errors() > before
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

func (r *reader) playbook(root *yaml.Node) document.Section {
	s := r.d.Section(root, "", "playbook", "name", "review_every", "lists", "internal", "exclude", "fit", "signals",
		"intent", "decide", "account", "momentum", "handoff", "nurture")
	s.Require("playbook", "begin with `playbook: 1`, the version of the format")
	s.Number("playbook", 1, 1, 1)
	s.Require("name", "write `name: Acme B2B`")
	r.p.Name = s.Text("name", 200)
	r.p.ReviewEvery = time.Duration(s.Duration("review_every", 60, defaultReviewEvery)) * time.Second
	r.lists(s)
	r.internal(s)
	s.Require("signals", "a playbook says which behaviour counts: write `signals:` with at least one signal")
	r.where["signals"] = s.At("signals")
	nodes := s.List("signals", maxSignals)
	r.signalIDs(nodes)
	r.c = r.d.Conditions(condition.NewCompiler(r.ids, r.p.Lists))
	r.section("exclude", func() { r.excludes(s) })
	r.section("fit", func() { r.fit(s) })
	r.section("signals", func() { r.signals(nodes) })
	r.section("intent", func() { r.intent(s) })
	r.section("decide", func() { r.decide(s) })
	r.section("account", func() { r.account(s) })
	r.momentum(s)
	for _, key := range []string{"handoff", "nurture"} {
		s.Sub(key)
	}
	return s
}

var listName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,63}$`)

func (r *reader) lists(s document.Section) {
	lists, ok := s.Sub("lists")
	if !ok {
		return
	}
	r.p.Lists = map[string][]string{}
	if len(lists.Fields) > maxLists {
		r.d.Refuse(lists.Node, "too_large", "", "there are %d lists; the limit is %d", len(lists.Fields), maxLists)
		return
	}
	for i := 0; i+1 < len(lists.Node.Content); i += 2 {
		key := lists.Node.Content[i]
		switch name := key.Value; {
		case slices.Contains(condition.BuiltInLists(), name):
			r.d.Refuse(key, "reserved", "choose another name", "the list %q is built in", name)
		case !listName.MatchString(name):
			r.d.Refuse(key, "bad_id", "use letters, digits and _", "%q cannot name a list", name)
		case lists.Has(name):
			r.p.Lists[name] = lists.Texts(name, maxList, maxListItem)
		}
	}
}

func (r *reader) internal(s document.Section) {
	in, ok := s.Sub("internal", "domains", "ips")
	if !ok {
		return
	}
	for _, domain := range in.Texts("domains", 1000, maxListItem) {
		r.p.Internal.Domains = append(r.p.Internal.Domains, strings.ToLower(domain))
	}
	for _, n := range in.List("ips", 1000) {
		v, ok := r.d.Text(n, "each item of internal.ips", maxListItem)
		if !ok {
			continue
		}
		_, notAddress := netip.ParseAddr(v)
		_, notPrefix := netip.ParsePrefix(v)
		if notAddress != nil && notPrefix != nil {
			r.d.Refuse(n, "bad_address", "write 203.0.113.7 or 203.0.113.0/24", "%q is neither an address nor a network", v)
			continue
		}
		r.p.Internal.IPs = append(r.p.Internal.IPs, v)
	}
}

func (r *reader) excludes(s document.Section) {
	seen := map[string]*yaml.Node{}
	for _, n := range s.List("exclude", maxExcludes) {
		e := r.d.Section(n, "exclude", "id", "when", "because")
		e.Require("id", "")
		e.Require("when", "write when: 'account.domain in lists.competitors'")
		x := Exclusion{ID: e.ID("id"), When: r.c.Read(e, "when", condition.Scope{Score: true}), Because: e.Text("because", document.MaxText)}
		if !e.Has("because") {
			x.Because = x.ID
		}
		e.Unique(seen, "id", x.ID, "exclude")
		r.where[spot{"exclude", len(r.p.Exclude)}] = e.At("when")
		r.p.Exclude = append(r.p.Exclude, x)
	}
}

func (r *reader) fit(s document.Section) {
	fit, ok := s.Sub("fit", "gate", "min_coverage", "criteria")
	r.where["fit"] = fit.Node
	r.p.Fit.Gate, r.p.Fit.MinCoverage = defaultGate, defaultMinCoverage
	if !ok {
		return
	}
	r.p.Fit.Gate = fit.Number("gate", 0, 100, defaultGate)
	r.p.Fit.MinCoverage = fit.Number("min_coverage", 0, 1, defaultMinCoverage)
	seen := map[string]*yaml.Node{}
	for _, n := range fit.List("criteria", maxCriteria) {
		r.criterion(n, seen)
	}
}

func (r *reader) criterion(n *yaml.Node, seen map[string]*yaml.Node) {
	s := r.d.Section(n, "criterion", "id", "needs", "ask", "rules")
	s.Require("id", "")
	c := Criterion{ID: s.ID("id"), Ask: s.Text("ask", document.MaxText)}
	s.Unique(seen, "id", c.ID, "criterion")
	s.Require("rules", "write rules: [{when: 'account.employees >= 50', points: 20}]")
	index := len(r.p.Fit.Criteria)
	for i, rule := range s.List("rules", maxRules) {
		rs := r.d.Section(rule, "rule", "when", "points")
		rs.Require("when", "")
		rs.Require("points", "")
		r.where[spot{"rule of " + c.ID, i}] = rs.At("when")
		c.Rules = append(c.Rules, Rule{When: r.c.Read(rs, "when", condition.Scope{}), Points: rs.Number("points", -1000, 1000, 0)})
		c.Max = max(c.Max, c.Rules[i].Points)
	}
	c.Needs = r.needs(s, c)
	r.where[spot{"criterion", index}] = s.At("id")
	r.where[spot{"needs", index}] = s.At("needs")
	r.p.Fit.Criteria = append(r.p.Fit.Criteria, c)
}

// needs reads what a criterion needs; by default every trait that its rules read.
func (r *reader) needs(s document.Section, c Criterion) []string {
	if s.Has("needs") {
		var needs []string
		for _, n := range s.List("needs", 50) {
			path, ok := r.d.Text(n, "each item of criterion.needs", document.MaxText)
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
		r.c.NearMiss(n, path)
		return true
	}
	r.d.Refuse(n, "bad_trait", "write person.name or account.name", "%q is not a trait", path)
	return false
}

func (r *reader) intent(s document.Section) {
	r.p.Intent.FirstPartyWithin = defaultFirstPartyWithin
	r.p.Intent.ThirdPartyCap = math.Inf(1)
	for c := range r.p.Intent.Caps {
		r.p.Intent.Caps[c] = math.Inf(1)
	}
	in, ok := s.Sub("intent", "caps", "first_party_within")
	r.where["intent"] = in.Node
	if !ok {
		return
	}
	r.p.Intent.FirstPartyWithin = in.Duration("first_party_within", 60, defaultFirstPartyWithin)
	if n := in.Fields["caps"]; n != nil && n.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == "negative" {
				r.d.Refuse(n.Content[i], "unknown_key", "cap the signals themselves: each may have its own `cap`",
					"negative signals are summed without a cap of their class")
			}
		}
	}
	caps, ok := in.Sub("caps", "interest", "evaluation", "buying", "usage", "third_party")
	if !ok {
		return
	}
	for c := range Negative {
		r.p.Intent.Caps[c] = caps.Number(c.String(), 0, 1000, math.Inf(1))
	}
	r.p.Intent.ThirdPartyCap = caps.Number("third_party", 0, 1000, math.Inf(1))
	for key, n := range caps.Fields {
		r.where["caps."+key] = n
	}
}

func (r *reader) decide(s document.Section) {
	s.Require("decide", "write `decide: {review: 40, engage: 70}`")
	d, ok := s.Sub("decide", "review", "engage", "mql", "cooldown", "inbound")
	r.p.Decide.Cooldown, r.p.Decide.InboundFloor = defaultCooldown, defaultInboundFloor
	if !ok {
		return
	}
	d.Require("review", "the intent from which a person looks at a lead, such as 40")
	d.Require("engage", "the intent from which sales takes over, such as 70")
	r.where["review"], r.where["engage"] = d.At("review"), d.At("engage")
	r.p.Decide.Review = d.Number("review", 0, 1000, 0)
	r.p.Decide.Engage = d.Number("engage", 0, 1000, 0)
	r.p.Decide.Cooldown = d.Duration("cooldown", 0, defaultCooldown)
	if in, ok := d.Sub("inbound", "fit_floor"); ok {
		r.where["fit_floor"] = in.At("fit_floor")
		r.p.Decide.InboundFloor = in.Number("fit_floor", 0, 100, defaultInboundFloor)
	}
	for i, n := range d.List("mql", maxLevels) {
		level := r.d.Section(n, "mql level", "level", "intent")
		level.Require("level", "")
		level.Require("intent", "")
		r.where[spot{"level", i}], r.where[spot{"level intent", i}] = level.At("level"), level.At("intent")
		number := level.Number("level", 1, 99, float64(i+1))
		if number != math.Trunc(number) {
			r.d.Refuse(level.Fields["level"], "out_of_range", "", "a level is a whole number")
		}
		r.p.Decide.MQL = append(r.p.Decide.MQL, Level{Level: int(number), Intent: level.Number("intent", 0, 1000, 0)})
	}
}

func (r *reader) account(s document.Section) {
	r.p.Account = Account{Weights: []float64{1, 0.5, 0.25}, Review: math.Inf(1), Engage: math.Inf(1)}
	a, ok := s.Sub("account", "weights", "roles_bonus", "review", "engage")
	if !ok {
		return
	}
	r.where["account"] = a.Node
	r.where["account review"], r.where["account engage"] = a.At("review"), a.At("engage")
	if a.Has("weights") {
		r.p.Account.Weights = r.weights(a)
	}
	if bonus, ok := a.Sub("roles_bonus", "two", "three"); ok {
		r.where["roles_bonus"] = bonus.Node
		r.p.Account.TwoRoles = bonus.Number("two", 0, 1000, 0)
		r.p.Account.ThreeRoles = bonus.Number("three", 0, 1000, r.p.Account.TwoRoles)
	}
	r.p.Account.Review = a.Number("review", 0, 10000, math.Inf(1))
	r.p.Account.Engage = a.Number("engage", 0, 10000, math.Inf(1))
}

func (r *reader) weights(a document.Section) []float64 {
	var weights []float64
	for _, n := range a.List("weights", maxWeights) {
		w, ok := r.d.Number(n, "each item of account.weights", 0, 1)
		if ok && len(weights) > 0 && w > weights[len(weights)-1] {
			r.d.Refuse(n, "order", "the most active person counts most: largest weight first", "the weight %s is larger than the one before it", condition.FormatNumber(w))
		}
		weights = append(weights, w)
	}
	if len(weights) == 0 && a.Field("weights") != nil {
		r.d.Refuse(a.Fields["weights"], "empty", "write weights: [1, 0.5, 0.25]", "account.weights needs at least one weight")
	}
	return weights
}

func (r *reader) momentum(s document.Section) {
	m := &r.p.Momentum
	*m = Momentum{Fast: defaultFast, Slow: defaultSlow, SeriousWithin: defaultSeriousWithin, SeriousCount: defaultSeriousCount}
	ms, ok := s.Sub("momentum", "fast", "slow", "serious_within", "serious_count")
	if !ok {
		return
	}
	m.Fast = ms.Duration("fast", 60, defaultFast)
	m.Slow = ms.Duration("slow", 60, defaultSlow)
	if m.Fast >= m.Slow {
		r.d.Refuse(ms.At("fast"), "order", "the fast average forgets sooner: fast: 7d, slow: 28d", "momentum.fast must be shorter than momentum.slow")
	}
	m.SeriousWithin = ms.Duration("serious_within", 60, defaultSeriousWithin)
	count := ms.Number("serious_count", 1, 100, defaultSeriousCount)
	if count != math.Trunc(count) {
		r.d.Refuse(ms.Fields["serious_count"], "out_of_range", "", "momentum.serious_count is a whole number")
	}
	m.SeriousCount = int(count)
}
