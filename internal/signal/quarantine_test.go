package signal

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"cusp/internal/ingest"
	"cusp/internal/lead"
	"cusp/internal/playbook"
)

const chrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"

// trace builds a person's timeline; robot says what the truth is.
type trace struct {
	events []ingest.Stored
	robot  []bool
}

var day = lead.At(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))

func (tr *trace) add(at lead.Instant, robot bool, t lead.EventType, name, path, body string) *lead.Event {
	e := lead.Event{
		Type: t, Name: name, Path: path, Time: at, ReceivedAt: at, AnonymousID: "a",
		MessageID: fmt.Sprintf("m%06d", len(tr.events)), Body: []byte(body),
	}
	Mark(&e)
	tr.events = append(tr.events, ingest.Stored{Event: e})
	tr.robot = append(tr.robot, robot)
	return &tr.events[len(tr.events)-1].Event
}

func (tr *trace) click(at lead.Instant, robot bool, agent, mail, link, more string) {
	tr.add(at, robot, lead.Track, "Email Link Clicked", "",
		fmt.Sprintf(`{"context":{"userAgent":%q},"properties":{"email_id":%q,"link_url":"https://x.example/%s"%s}}`, agent, mail, link, more))
}

func (tr *trace) delivered(at lead.Instant, mail string) {
	tr.add(at, false, lead.Track, "Email Delivered", "", fmt.Sprintf(`{"properties":{"email_id":%q}}`, mail))
}

func (tr *trace) page(at lead.Instant, robot bool, agent, path string) {
	tr.add(at, robot, lead.Page, "", path, fmt.Sprintf(`{"context":{"page":{"path":%q},"userAgent":%q}}`, path, agent))
}

func (tr *trace) sort() {
	order := make([]int, len(tr.events))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return tr.events[a].Event.Compare(&tr.events[b].Event) })
	events, robot := make([]ingest.Stored, len(order)), make([]bool, len(order))
	for to, from := range order {
		events[to], robot[to] = tr.events[from], tr.robot[from]
	}
	tr.events, tr.robot = events, robot
}

func (tr *trace) check(t *testing.T, p *playbook.Playbook) {
	t.Helper()
	tr.sort()
	for i, v := range Quarantine(p, tr.events) {
		e := &tr.events[i].Event
		if v.Quarantined != tr.robot[i] {
			t.Errorf("%s %s%s at +%s: quarantined %v (%s), want %v", e.Type, e.Name, e.Path, e.Time.Sub(day), v.Quarantined, v.Reason, tr.robot[i])
		}
		if v.Quarantined && v.Reason == "" {
			t.Errorf("%s: no reason given", e.MessageID)
		}
	}
}

func after(d time.Duration) lead.Instant { return day.Add(d) }

func TestQuarantine_groupB(t *testing.T) {
	t.Parallel()
	burst := func(tr *trace) {
		tr.delivered(day, "spring")
		for i := range 8 {
			tr.click(after(20*time.Second+time.Duration(i)*50*time.Millisecond), true, chrome, "spring", fmt.Sprint("l", i), "")
		}
	}
	cases := map[string]func(*trace){
		"B01 eight links within 400 ms, 20 s after delivery": burst,
		"B04 a scan, then one click an hour later": func(tr *trace) {
			burst(tr)
			tr.click(after(time.Hour), false, chrome, "spring", "l3", "")
			tr.page(after(time.Hour+2*time.Second), false, chrome, "/pricing")
		},
		"B05 one link, three hours later": func(tr *trace) {
			tr.delivered(day, "spring")
			tr.click(after(3*time.Hour), false, chrome, "spring", "l3", "")
			tr.page(after(3*time.Hour+time.Second), false, chrome, "/blog/x")
		},
		"B06 opens by proxies": func(tr *trace) {
			open := func(robot bool, agent, ip string) {
				tr.add(after(time.Duration(len(tr.events))*time.Minute), robot, lead.Track, "Email Opened", "",
					fmt.Sprintf(`{"context":{"ip":%q,"userAgent":%q},"properties":{"email_id":"spring"}}`, ip, agent))
			}
			open(true, "Mozilla/5.0", "17.58.1.2")
			open(true, "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)", "66.249.84.1")
			open(true, "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html", "")
			open(false, chrome, "203.0.113.9")
		},
		"B07 a form sent 0.8 s after load": func(tr *trace) {
			tr.page(day, false, chrome, "/contact")
			tr.add(after(800*time.Millisecond), true, lead.Track, "Form Submitted", "/contact", `{"context":{"page":{"path":"/contact"}},"properties":{"form":"contact"}}`)
		},
		"B07 measured by the page": func(tr *trace) {
			tr.add(day, true, lead.Track, "Form Submitted", "", `{"properties":{"fill_ms":800,"form":"contact"}}`)
			tr.add(after(time.Hour), false, lead.Track, "Form Submitted", "", `{"properties":{"fill_ms":24000,"form":"contact"}}`)
		},
		"B07 trap field": func(tr *trace) {
			tr.add(day, true, lead.Track, "Form Submitted", "", `{"properties":{"form":"contact","honeypot":"http://spam.example"}}`)
			tr.add(after(time.Hour), false, lead.Track, "Form Submitted", "", `{"properties":{"form":"contact","honeypot":""}}`)
		},
		"a form filled by hand, and its thank-you page": func(tr *trace) {
			tr.page(day, false, chrome, "/contact")
			tr.page(after(40*time.Second), false, chrome, "/contact/thank-you")
			tr.add(after(40*time.Second+300*time.Millisecond), false, lead.Track, "Form Submitted", "/contact/thank-you", `{"properties":{"form":"contact"}}`)
		},
		"forms without end": func(tr *trace) {
			for i := range 6 {
				tr.add(after(time.Duration(i)*5*time.Second), true, lead.Track, "Form Submitted", "", `{"properties":{"form":"contact"}}`)
			}
		},
		"a double click and an impatient third": func(tr *trace) {
			for i := range 3 {
				tr.click(after(2*time.Hour+time.Duration(i)*400*time.Millisecond), false, chrome, "spring", "l1", "")
			}
		},
		"a newsletter read with tabs": func(tr *trace) {
			for i := range 4 {
				tr.click(after(2*time.Hour+time.Duration(i)*9*time.Second), false, chrome, "spring", fmt.Sprint("l", i), "")
			}
		},
		"two mails at once": func(tr *trace) {
			tr.click(after(time.Hour), false, chrome, "spring", "a", "")
			tr.click(after(time.Hour+900*time.Millisecond), false, chrome, "summer", "b", "")
		},
		"a click 20 s after delivery with a page, and one without": func(tr *trace) {
			tr.delivered(day, "spring")
			tr.click(after(20*time.Second), false, chrome, "spring", "a", "")
			tr.page(after(22*time.Second), false, chrome, "/pricing")
			tr.delivered(after(24*time.Hour), "summer")
			tr.click(after(24*time.Hour+20*time.Second), true, chrome, "summer", "a", "")
		},
	}
	for name, build := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tr := &trace{}
			build(tr)
			tr.check(t, nil)
		})
	}
}

func TestQuarantine_internal(t *testing.T) {
	t.Parallel()
	p := &playbook.Playbook{Internal: playbook.Internal{Domains: []string{"Us.example"}, IPs: []string{"203.0.113.0/24", "2001:db8::7"}}}
	tr := &trace{}
	tr.page(day, true, chrome, "/pricing")
	tr.add(after(time.Minute), true, lead.Identify, "", "", `{"traits":{"email":"eva@mail.us.example"}}`)
	tr.page(after(time.Hour), true, chrome, "/pricing")
	tr.check(t, p)

	guest := &trace{}
	guest.add(day, true, lead.Page, "", "/pricing", `{"context":{"ip":"203.0.113.40"}}`)
	guest.add(after(time.Minute), true, lead.Page, "", "/pricing", `{"context":{"ip":"2001:db8::7"}}`)
	guest.add(after(time.Hour), false, lead.Page, "", "/pricing", `{"context":{"ip":"198.51.100.4"}}`)
	guest.add(after(2*time.Hour), false, lead.Identify, "", "", `{"traits":{"email":"a@notus.example"}}`)
	guest.add(after(3*time.Hour), false, lead.Identify, "", "", `{"traits":{"email":"a@us.example"}}`) // a public key cannot change an address
	guest.check(t, p)
}

func TestQuarantine_verdictsOfPeopleOverrule(t *testing.T) {
	t.Parallel()
	tr := &trace{}
	tr.click(after(time.Hour), false, "Googlebot/2.1", "spring", "a", "")
	tr.page(after(2*time.Hour), true, chrome, "/pricing")
	for i, name := range []string{"human", "bot"} {
		v := tr.add(after(3*time.Hour+time.Duration(i)), false, lead.Verdict, name, "", `{}`)
		v.PreviousID = fmt.Sprintf("m%06d", i)
	}
	tr.check(t, nil)
	if v := Quarantine(nil, tr.events); v[0].Reason == "" || v[1].Reason == "" {
		t.Errorf("reasons %v, want that a person said so", v)
	}
	if _, settled := (&Ring{}).Judge(nil, &tr.events[2].Event); settled {
		t.Error("a person's verdict does not refold the lead")
	}
}

// What the live fold decides from its ring, folding again when it must, is what the whole history says.
func TestJudge_isQuarantine(t *testing.T) {
	t.Parallel()
	p := &playbook.Playbook{Internal: playbook.Internal{Domains: []string{"us.example"}}}
	g := NewGuard(p)
	rapid.Check(t, func(t *rapid.T) {
		tr := drawTrace(t)
		var live []Verdict
		ring := Ring{}
		for i := range tr.events {
			packed := ring.Append(nil)
			if err := ring.Decode(packed); err != nil {
				t.Fatal(err)
			}
			v, settled := g.Judge(&ring, &tr.events[i].Event)
			if live = append(live, v); !settled {
				live = g.Quarantine(&ring, i+1, func(i int) *lead.Event { return &tr.events[i].Event })
			}
		}
		whole := Quarantine(p, tr.events)
		for i := range whole {
			if live[i] != whole[i] {
				t.Fatalf("event %d: live %v, whole %v", i, live[i], whole[i])
			}
		}
	})
}

func drawTrace(t *rapid.T) *trace {
	tr := &trace{}
	at := day
	for range rapid.IntRange(1, 60).Draw(t, "events") {
		at = at.Add(rapid.SampledFrom([]time.Duration{0, 90 * time.Millisecond, time.Second, 8 * time.Second, 30 * time.Second, 4 * time.Minute, time.Hour}).Draw(t, "pause"))
		mail := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "mail")
		link := rapid.SampledFrom([]string{"1", "2", "3", "4", "5"}).Draw(t, "link")
		agent := rapid.SampledFrom([]string{chrome, chrome, "curl/8"}).Draw(t, "agent")
		switch rapid.IntRange(0, 7).Draw(t, "what") {
		case 0, 1, 2:
			tr.click(at, false, agent, mail, link, rapid.SampledFrom([]string{"", "", `,"method":"HEAD"`, `,"honeypot":true`}).Draw(t, "more"))
		case 3:
			tr.delivered(at, mail)
		case 4:
			tr.page(at, false, agent, "/"+link)
		case 5:
			tr.add(at, false, lead.Page, "", "/"+link, `{"context":{"campaign":{"medium":"email","name":"`+mail+`"}}}`)
		case 6:
			tr.add(at, false, lead.Track, "Form Submitted", "/"+link, `{"properties":{"form":"x"}}`)
		case 7:
			tr.add(at, false, lead.Identify, "", "", rapid.SampledFrom([]string{`{"traits":{"email":"e@us.example"}}`, `{"traits":{"email":"e@x.example"}}`}).Draw(t, "traits")).
				Flags = rapid.SampledFrom([]lead.Flags{0, lead.Trusted}).Draw(t, "flags")
		}
	}
	return tr
}

func FuzzRingDecode(f *testing.F) {
	r := Ring{}
	g := NewGuard(nil)
	tr := &trace{}
	for i := range 5 {
		tr.click(after(time.Duration(i)*time.Second), false, chrome, "m", fmt.Sprint(i), "")
		g.Judge(&r, &tr.events[i].Event)
	}
	f.Add(r.Append(nil))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		var r Ring
		if r.Decode(b) != nil {
			return
		}
		var again Ring
		if err := again.Decode(r.Append(nil)); err != nil {
			t.Fatalf("what was read cannot be read again: %v", err)
		}
	})
}

func TestStorm(t *testing.T) {
	t.Parallel()
	s := NewStorm[int]()
	for i := range 60 {
		earlier, storm := s.Observe(fmt.Sprintf("198.51.100.%d", i), i, after(time.Duration(i)*time.Second))
		if storm != (i >= 49) || (len(earlier) > 0) != (i == 49) {
			t.Fatalf("form %d: storm %v, %d earlier", i, storm, len(earlier))
		}
		if i == 49 && (len(earlier) != 49 || earlier[0] != 0) {
			t.Fatalf("earlier %v", earlier)
		}
	}
	for i := range 200 {
		if _, storm := s.Observe("203.0.113.5", i, after(time.Duration(i)*2*time.Second)); storm {
			t.Fatal("thirty forms a minute are a storm")
		}
	}
	if _, storm := s.Observe("unknown", 1, day); storm {
		t.Error("an unreadable address storms")
	}
	for i := range 20000 {
		s.Observe(fmt.Sprintf("10.%d.%d.1", i/250%250, i%250), i, after(time.Hour))
	}
	if len(s.networks) > networksKept {
		t.Errorf("%d networks kept", len(s.networks))
	}
}

func TestUserAgentBot(t *testing.T) {
	t.Parallel()
	for ua, want := range map[string]bool{
		"":     false,
		chrome: false,
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1": false,
		"Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0":                                                                  false,
		"Mozilla/5.0 (Linux; Android 9; CUBOT_X18_Plus) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36":                                     false,
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0 Avast/126.0":                   false,
		"Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17531; Pro)":                                                              false,
		"okhttp/4.12.0": false,
		"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)":                                                                      true,
		"Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm) Chrome/116.0.1938.76 Safari/537": true,
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/126.0.0.0 Safari/537.36":                                 true,
		"Mozilla/5.0 (Unknown; Linux x86_64) AppleWebKit/538.1 (KHTML, like Gecko) PhantomJS/2.1.1 Safari/538.1":                                        true,
		"Pingdom.com_bot_version_1.4_(http://www.pingdom.com/)":                                                                                         true,
		"UptimeRobot/2.0": true, "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)": true,
		"python-requests/2.31.0": true, "curl/8.5.0": true, "Go-http-client/2.0": true, "Wget/1.21": true,
		"Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)": true, "WhatsApp/2.23.20.0": true, "facebookexternalhit/1.1": true,
		"Barracuda Sentinel (EE)": true, "Mozilla/5.0 (compatible; proofpoint-url-defense)": true, "Mimecast-Scanner": true,
		"Chrome Privacy Preserving Prefetch Proxy": true, "Microsoft Office Existence Discovery": true, "GPTBot/1.1": true,
		"Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)": true, "Screaming Frog SEO Spider/19.4": true,
	} {
		if got := UserAgentBot(ua); got != want {
			t.Errorf("UserAgentBot(%q) = %v, want %v", ua, got, want)
		}
	}
}

func FuzzUserAgentBot(f *testing.F) {
	f.Add(chrome)
	f.Add("bot")
	f.Fuzz(func(_ *testing.T, ua string) { UserAgentBot(ua) })
}
