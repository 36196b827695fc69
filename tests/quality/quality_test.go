package quality

import (
	"flag"
	"strings"
	"testing"
	"time"

	"cusp/examples"
	"cusp/internal/flow"
	"cusp/internal/playbook"
	"cusp/internal/sim"
)

var (
	months = flag.Int("months", 6, "how much history there is")
	people = flag.Int("people", 1500, "who comes by in a month")
	seeds  = flag.Uint64("seeds", 1, "how many companies, from seed 1 on")
	fit    = flag.Bool("fit", false, "also fit every number of points of the blended model")
)

// The goals, see docs/reference/decision-quality.md.
const (
	mostCalls = 0.5       // of those that the blended model takes, for as many deals
	mostDelay = time.Hour // from the turn to the handoff, in the middle
)

func TestDecisionQuality(t *testing.T) {
	t.Parallel()
	p, problems := playbook.Parse("midmarket-saas/playbook.yaml", examples.MidmarketSaaS)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	s := &sums{of: map[string]*result{}}
	for seed := range *seeds {
		s.measure(t, flow.NewFolder(p), sim.Config{Seed: seed + 1, Months: *months, PeoplePerMonth: *people})
	}
	if *seeds > 1 {
		t.Log("all of them:")
		for _, name := range s.names {
			show(t, name, s.of[name])
		}
	}
	product, points := s.of[byProduct], s.of[byPoints]
	ratio := product.perWin() / points.perWin()
	t.Logf("calls per won deal: product %.2f, blended points %.2f, ratio %.2f", product.perWin(), points.perWin(), ratio)
	if ratio > mostCalls || product.wins == 0 {
		t.Errorf("the product takes %.2f of the calls of a blended points model, want %.2f or less", ratio, mostCalls)
	}
	if d := product.delay(0.5); d > mostDelay {
		t.Errorf("a lead that turned serious is handed over after %s, want %s or less", d, mostDelay)
	}
}

// The measure shows a playbook that calls too soon: a planted fault.
func TestDecisionQuality_seesALooserPlaybook(t *testing.T) {
	t.Parallel()
	loose := strings.Replace(string(examples.MidmarketSaaS), "review: 40 ", "review: 26 ", 1)
	p, problems := playbook.Parse("loose.yaml", []byte(loose))
	if err := problems.Err(); err != nil || loose == string(examples.MidmarketSaaS) {
		t.Fatal("the fault cannot be planted", err)
	}
	c := newCompany(t, sim.Config{Seed: 1, Months: *months, PeoplePerMonth: *people})
	product := c.play(c.chosen(flow.NewFolder(p)))
	s := &sums{of: map[string]*result{}}
	s.blend(t, c, byPoints, product.wins, 0)
	if points := s.of[byPoints]; product.perWin() <= mostCalls*points.perWin() {
		t.Errorf("%.2f calls a win instead of %.2f pass", product.perWin(), points.perWin())
	}
}

// sums are the results of all companies, by who chose.
type sums struct {
	names []string
	of    map[string]*result
}

// The two that are compared.
const (
	byProduct = "product"
	byPoints  = "blended points"
)

func (s *sums) report(t *testing.T, name string, r result) {
	t.Helper()
	show(t, name, &r)
	if s.of[name] == nil {
		s.names, s.of[name] = append(s.names, name), &result{}
	}
	s.of[name].add(r)
}

func show(t *testing.T, name string, r *result) {
	t.Helper()
	t.Logf("  %-42s %5d handed over, %5d calls, %4d wins: %5.2f calls a win, %4.1f %% of them to nobody serious; from the turn %s, 90 %% within %s",
		name, r.handed, r.calls, r.wins, r.perWin(), 100*float64(r.wasted)/float64(max(r.calls, 1)),
		r.delay(0.5).Round(time.Second), r.delay(0.9).Round(time.Minute))
}

// measure plays one company through with the product and with points, and checks who may not be missed and
// who may not be handed over.
func (s *sums) measure(t *testing.T, f *flow.Folder, cfg sim.Config) {
	t.Helper()
	c := newCompany(t, cfg)
	given := c.chosen(f)
	product := c.play(given)
	t.Logf("seed %d: %s", cfg.Seed, c)
	s.report(t, byProduct, product)
	for _, x := range given {
		if x.curious() {
			t.Errorf("seed %d: %s only reads, and is handed over at %s", cfg.Seed, x.truth.Email, x.at)
		}
	}
	missed, deflected := c.unanswered(f)
	t.Logf("  raised hands without an answer %d, answered without a call %d", missed, deflected)
	if missed > 0 {
		t.Errorf("seed %d: %d raised hands are missed", cfg.Seed, missed)
	}
	s.blend(t, c, byPoints, product.wins, 0)
	if *fit {
		s.blend(t, c, byPoints+" that halve in 30 days", product.wins, 30*24*time.Hour)
	}
}

// blend reports the better of the two ways to use a points model with a tuned threshold: calling everybody
// once, or again after a rest.
func (s *sums) blend(t *testing.T, c *company, name string, wins int, halfLife time.Duration) {
	t.Helper()
	paths := c.paths(halfLife)
	var best result
	for _, again := range []bool{false, true} {
		b := &blended{points: classic, again: again}
		if r := b.tune(c, paths, wins); best.calls == 0 || r.calls < best.calls {
			best = r
		}
	}
	s.report(t, name, best)
	usual := &blended{points: classic, threshold: 50}
	s.report(t, name+", threshold 50", c.play(usual.chosen(paths)))
	if *fit {
		fitted := &blended{points: classic}
		s.report(t, name+", fitted", fitted.fit(c, paths, wins))
	}
}
