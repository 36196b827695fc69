package signal

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"cusp/internal/lead"
)

// robotKinds write the traces of eight kinds of scanners, as seen at companies' gateways.
var robotKinds = []struct {
	name  string
	write func(tr *trace, at lead.Instant, r *rand.Rand)
}{
	{"gateway that follows all links at once, as a browser", func(tr *trace, at lead.Instant, r *rand.Rand) {
		tr.delivered(at, "m")
		from := at.Add(time.Duration(2+r.IntN(40)) * time.Second)
		for i := range 4 + r.IntN(8) {
			tr.click(from.Add(time.Duration(i*(30+r.IntN(120)))*time.Millisecond), true, chrome, "m", fmt.Sprint("l", i), "")
		}
	}},
	{"sandbox that goes link by link", func(tr *trace, at lead.Instant, r *rand.Rand) {
		from := at.Add(time.Duration(3+r.IntN(30)) * time.Minute)
		for i := range 5 + r.IntN(5) {
			from = from.Add(time.Duration(1500+r.IntN(6000)) * time.Millisecond)
			tr.click(from, true, chrome, "m", fmt.Sprint("l", i), "")
		}
	}},
	{"gateway that names itself", func(tr *trace, at lead.Instant, r *rand.Rand) {
		for i := range 1 + r.IntN(3) {
			agent := []string{"Mozilla/5.0 (compatible; Barracuda Sentinel)", "Mimecast-Scanner/2", "python-requests/2.31", "Mozilla/5.0 (compatible; proofpoint)"}[r.IntN(4)]
			tr.click(at.Add(time.Duration(1+i*3)*time.Minute), true, agent, "m", fmt.Sprint("l", i), "")
		}
	}},
	{"HEAD before GET", func(tr *trace, at lead.Instant, r *rand.Rand) {
		from := at.Add(time.Duration(1+r.IntN(5)) * time.Minute)
		tr.click(from, true, chrome, "m", "l1", `,"method":"HEAD"`)
		tr.click(from.Add(time.Duration(200+r.IntN(3000))*time.Millisecond), true, chrome, "m", "l1", `,"method":"GET"`)
	}},
	{"scanner of one link, at once", func(tr *trace, at lead.Instant, r *rand.Rand) {
		tr.delivered(at, "m")
		tr.click(at.Add(time.Duration(300+r.IntN(9000))*time.Millisecond), true, chrome, "m", "l1", "")
	}},
	{"scanner that finds the hidden link", func(tr *trace, at lead.Instant, r *rand.Rand) {
		from := at.Add(time.Duration(1+r.IntN(90)) * time.Minute)
		tr.click(from, true, chrome, "m", "l1", "")
		tr.click(from.Add(time.Duration(500+r.IntN(6000))*time.Millisecond), true, chrome, "m", "pixel", `,"honeypot":true`)
		tr.click(from.Add(8*time.Second), true, chrome, "m", "l2", "")
	}},
	{"scanner that tries one link again and again", func(tr *trace, at lead.Instant, r *rand.Rand) {
		from := at.Add(time.Duration(1+r.IntN(90)) * time.Minute)
		for i := range 6 + r.IntN(10) {
			tr.click(from.Add(time.Duration(i*400)*time.Millisecond), true, chrome, "m", "l1", "")
		}
	}},
	{"form robot", func(tr *trace, at lead.Instant, r *rand.Rand) {
		switch r.IntN(3) {
		case 0:
			tr.page(at, false, chrome, "/contact")
			tr.add(at.Add(time.Duration(100+r.IntN(1500))*time.Millisecond), true, lead.Track, "Form Submitted", "/contact", `{"context":{"page":{"path":"/contact"}},"properties":{"form":"contact"}}`)
		case 1:
			tr.add(at, true, lead.Track, "Form Submitted", "", `{"properties":{"_gotcha":"x","form":"contact"}}`)
		default:
			tr.add(at, true, lead.Track, "Form Submitted", "", `{"properties":{"elapsed_ms":`+fmt.Sprint(r.IntN(1900))+`,"form":"contact"}}`)
		}
	}},
}

// human writes a person's weeks: mails clicked now and then, some at once, tabs, double clicks, forms.
func human(tr *trace, at lead.Instant, r *rand.Rand) {
	for i := range 3 + r.IntN(10) {
		at = at.Add(time.Duration(r.IntN(72)) * time.Hour)
		mail := fmt.Sprint("h", i)
		tr.delivered(at, mail)
		when := at.Add(time.Duration(20+r.ExpFloat64()*6000) * time.Second)
		switch r.IntN(6) {
		case 0:
			for j := range 2 + r.IntN(2) { // tabs
				tr.click(when, false, chrome, mail, fmt.Sprint("l", j), "")
				when = when.Add(time.Duration(3500+r.IntN(20000)) * time.Millisecond)
			}
		case 1: // a double click
			tr.click(when, false, chrome, mail, "l1", "")
			tr.click(when.Add(350*time.Millisecond), false, chrome, mail, "l1", "")
		case 2:
			tr.page(when, false, chrome, "/contact")
			tr.add(when.Add(time.Duration(8+r.IntN(200))*time.Second), false, lead.Track, "Form Submitted", "/contact", `{"context":{"page":{"path":"/contact"}},"properties":{"form":"contact"}}`)
		default:
			tr.click(when, false, chrome, mail, "l1", "")
			tr.page(when.Add(2*time.Second), false, chrome, "/blog/x")
			tr.page(when.Add(time.Minute), false, chrome, "/pricing")
		}
	}
}

// Every person is a human whose gateway, for two of three, is of one of the kinds.
func TestQuarantine_labelledTraces(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 7))
	var all tally
	kinds := make([]tally, len(robotKinds))
	var people tally
	for range 3000 {
		tr := &trace{}
		kind := r.IntN(len(robotKinds) * 3 / 2)
		if kind < len(robotKinds) {
			robotKinds[kind].write(tr, day, r)
		}
		human(tr, day.Add(4*time.Hour), r)
		tr.sort()
		for i, v := range Quarantine(nil, tr.events) {
			all.count(v.Quarantined, tr.robot[i])
			if kind < len(robotKinds) {
				kinds[kind].count(v.Quarantined, tr.robot[i])
			}
			if !tr.robot[i] {
				people.count(!v.Quarantined, true)
			}
		}
	}
	t.Logf("all: %v; people's events counted: %.4f", all, people.recall())
	if all.precision() < 0.98 || all.recall() < 0.98 || people.recall() < 0.99 {
		t.Errorf("%v, people's events counted %.4f; want 0.98, 0.98 and 0.99", all, people.recall())
	}
	for i, k := range kinds {
		if k.recall() < 0.98 {
			t.Errorf("%s: %v", robotKinds[i].name, k)
		}
	}
}

func (c *tally) count(got, want bool) {
	switch {
	case got && want:
		c.right++
	case got:
		c.wrong++
	case want:
		c.missed++
	}
}
