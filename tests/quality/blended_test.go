package quality

import (
	"math"
	"slices"
	"strings"
	"time"

	"cusp/internal/lead"
	"cusp/internal/sim"
)

// feature is something for which a points model gives points.
type feature int

const (
	blog feature = iota
	productPage
	docs
	customers
	compare
	pricing
	careers
	otherPage
	asset
	webinar
	attended
	click
	video
	demo
	form
	chat
	reply
	surge
	applied

	// Who somebody is. These count from the moment in which the lead is known.
	senior
	manager
	learner
	fittingSize
	coreIndustry
	servedCountry
	freeMail
	listed // on one of the playbook's lists of those who do not buy
	numFeatures
)

// classic are points as marketing teams give them: every sign of life and every fitting trait adds to one
// sum, which stays.
var classic = [numFeatures]float64{
	blog: 1, productPage: 3, docs: 3, customers: 5, compare: 5, pricing: 15, careers: -10,
	asset: 5, webinar: 10, attended: 5, click: 2, video: 5, demo: 50, form: 30, chat: 10, reply: 20, surge: 10, applied: -30,
	senior: 15, manager: 5, fittingSize: 10, coreIndustry: 5, servedCountry: 5, freeMail: -5,
}

var (
	pages = []string{"/blog", "/product", "/docs", "/customers", "/compare", "/pricing", "/careers"}
	names = []string{
		"Asset Downloaded", "Webinar Registered", "Webinar Attended", "Email Link Clicked", "Video Watched", "Demo Requested",
		"Form Submitted", "Chat Message Sent", "Email Replied", "Intent Surge", "Job Application Sent",
	}
)

// featureOf is what a message counts as; ok is false for one that counts as nothing.
func featureOf(m *sim.Message) (f feature, ok bool) {
	if m.Type == lead.Page {
		i := slices.IndexFunc(pages, func(p string) bool { return strings.HasPrefix(m.Context.Path, p) })
		if i < 0 {
			return otherPage, true
		}
		return blog + feature(i), true
	}
	i := slices.Index(names, m.Name)
	return asset + feature(i), i >= 0 && m.Type == lead.Track
}

// curious says that somebody does nothing but read, watch and follow.
func (l *life) curious() bool {
	for i := range l.messages {
		f, ok := featureOf(&l.messages[i])
		if ok && (f >= productPage && f <= pricing || f >= demo && f <= reply) {
			return false
		}
	}
	return true
}

// traits are the features of who somebody is.
func (l *life) traits() []feature {
	var out []feature
	has := func(f feature, ok bool) {
		if ok {
			out = append(out, f)
		}
	}
	title := strings.ToLower(l.title)
	says := func(of string, words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(of, w) })
	}
	leads := says(title, "cfo", "chief", "ceo", "coo", "vp ", "head of", "director", "owner")
	has(senior, leads)
	has(manager, !leads && says(title, "manager", "controller"))
	has(learner, says(title, "student", "intern", "trainee"))
	employees, _ := l.company["employees"].(float64)
	industry, _ := l.company["industry"].(string)
	country, _ := l.company["country"].(string)
	has(fittingSize, employees >= 50 && employees <= 2000)
	has(coreIndustry, slices.Contains([]string{"Software", "Professional Services", "Logistics", "Wholesale"}, industry))
	has(servedCountry, slices.Contains([]string{"US", "CA", "GB", "IE", "NL", "DE"}, country))
	has(freeMail, l.truth.Domain == "")
	has(listed, says(l.truth.Domain, ".edu", "ox.ac.uk", "tum.de", "uva.nl", "spendwise", "ledgerhub", "payquick", "pixelcraft", "leadlists", "tallyport"))
	return out
}

// path is a life as a points model sees it.
type path struct {
	*life
	who   []feature
	steps []step
}

// step is something that gives points; keep is what is left by then of the sum before.
type step struct {
	at   lead.Instant
	what feature
	keep float64
}

// paths are those of whom there is an address, with points that halve in some time; 0 for never.
func (c *company) paths(halfLife time.Duration) []path {
	var all []path
	for _, l := range c.lives {
		if l.known == lead.Never {
			continue
		}
		p := path{life: l, who: l.traits()}
		for i := range l.messages {
			m := &l.messages[i]
			f, ok := featureOf(m)
			if !ok {
				continue
			}
			s := step{m.At, f, 1}
			if n := len(p.steps); n > 0 && halfLife > 0 {
				s.keep = math.Exp2(-float64(m.At.Sub(p.steps[n-1].at)) / float64(halfLife))
			}
			p.steps = append(p.steps, s)
		}
		all = append(all, p)
	}
	return all
}

// blended is a points model: one sum of everything, and a threshold.
type blended struct {
	points    [numFeatures]float64
	threshold float64
	again     bool // a lead that sales gave back is called again after its rest, while it is above the threshold
}

// chosen are the leads that the model gives to sales.
func (b *blended) chosen(paths []path) []handover {
	var all []handover
	for i := range paths {
		p := &paths[i]
		var sum, who float64
		for _, f := range p.who {
			who += b.points[f]
		}
		rest := p.known
		for j := range p.steps {
			s := &p.steps[j]
			sum = sum*s.keep + b.points[s.what]
			if sum+who < b.threshold || s.at < rest {
				continue
			}
			all = append(all, handover{p.life, s.at})
			if !b.again || p.serious(s.at) {
				break
			}
			rest = s.at.Add(answerAfter + restFor)
		}
	}
	return all
}

// tune sets the threshold as high as it can be with at least so many wins, and answers what comes of it.
func (b *blended) tune(c *company, paths []path, wins int) result {
	var r result
	for b.threshold = 200; b.threshold > 0; b.threshold -= 5 {
		if r = c.play(b.chosen(paths)); r.wins >= wins {
			return r
		}
	}
	return r
}

// fit changes one number of points after the other for as long as that saves calls at equal wins. It knows
// of everybody whether they would buy, so it can do better than anybody who does not.
func (b *blended) fit(c *company, paths []path, wins int) result {
	best := *b
	r := best.tune(c, paths, wins)
	for improved := true; improved; {
		improved = false
		for i := range b.points {
			for _, points := range []float64{-100, -30, -10, 0, 2, 5, 10, 15, 20, 30, 50} {
				try := best
				try.points[i] = points
				if got := try.tune(c, paths, wins); got.wins >= wins && got.calls < r.calls {
					best, r, improved = try, got, true
				}
			}
		}
	}
	*b = best
	return r
}
