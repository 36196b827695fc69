package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"cusp/internal/lead"
)

// write turns a planned session into messages.
func (p *person) write(x session) {
	p.now, p.enter = x.at, true
	if p.r.Float64() < 0.12 && x.do != crawl { // another device, another cookie
		p.device++
		p.known, p.anonymous = false, ""
	}
	switch x.do {
	case read:
		p.pages(1+p.r.IntN(4), blogPages())
	case look:
		p.pages(1+p.r.IntN(3), productPages())
	case price:
		p.page("/pricing")
	case download:
		p.downloads()
	case webinar:
		p.attends()
	case watch:
		p.page("/product")
		p.track("Video Watched", number("percent", float64(10+10*p.r.IntN(10))), text("title", "Product tour"))
	case mailed:
		p.mail()
	case evaluate:
		p.evaluates()
	case demo, contact, chat, reply, spam:
		p.speaks(x.do)
	case surge:
		p.server("Intent Surge", text("topic", "spend management"), text("provider", "Topicwatch"), number("score", float64(60+p.r.IntN(40))))
	case careers:
		p.pages(1+p.r.IntN(3), []string{"/careers", "/careers/account-executive", "/careers/engineer"})
	case apply:
		p.page("/careers/engineer")
		p.identify()
		p.track("Job Application Sent", text("position", "Engineer"))
	case crawl:
		p.crawls()
	}
	slices.SortStableFunc(p.queue, func(a, b Message) int { return int(a.At - b.At) })
}

// wait lets time pass in the session, between two bounds of seconds.
func (p *person) wait(from, to int) {
	p.now = p.now.Add(time.Duration(from*1000+p.r.IntN((to-from)*1000)) * time.Millisecond)
}

func (p *person) push(m Message) {
	m.At = p.now
	if m.AnonymousID == "" && !m.Server {
		m.AnonymousID = p.cookie()
	}
	if p.known || m.Server {
		m.UserID = p.truth.UserID
	}
	if !m.Server {
		m.Context.UserAgent, m.Context.IP = p.agent, p.ip
	}
	m.Robot = m.Robot || p.truth.Kind == Crawler
	p.queue = append(p.queue, m)
}

func (p *person) page(path string) {
	c := Context{Path: path}
	if p.enter {
		p.enter = false
		c.Campaign = p.source
		if p.source.Source != "" {
			c.Referrer = "https://" + p.source.Source + ".example/"
		}
	}
	p.push(Message{Type: lead.Page, Name: title(path), Context: c, Fields: []Field{text("path", path)}})
	p.wait(8, 150)
}

func title(path string) string {
	return path[strings.LastIndexByte(path, '/')+1:]
}

func (p *person) pages(n int, from []string) {
	for range n {
		p.page(pick(p.r, from))
	}
}

func (p *person) track(name string, fields ...Field) {
	p.push(Message{Type: lead.Track, Name: name, Context: Context{Path: p.here()}, Fields: fields})
	p.wait(2, 20)
}

// server sends what another system saw.
func (p *person) server(name string, fields ...Field) {
	if !p.told {
		return // nobody knows yet whom it is about
	}
	p.push(Message{Type: lead.Track, Name: name, Server: true, Fields: fields})
	p.wait(1, 3)
}

// here is the page that was shown last.
func (p *person) here() string {
	for _, m := range slices.Backward(p.queue) {
		if m.Type == lead.Page {
			return m.Context.Path
		}
	}
	return "/"
}

// identify says who the visitor is; the company behind the address is looked up a moment later.
func (p *person) identify() {
	if p.known && p.told {
		return
	}
	p.known = true
	traits := []Field{text("email", p.truth.Email), text("firstName", p.first), text("lastName", p.last)}
	if p.title != "" && p.r.Float64() < 0.9 {
		traits = append(traits, text("title", p.title))
	}
	if p.account != nil {
		traits = append(traits, text("company", p.account.name))
	}
	p.push(Message{Type: lead.Identify, Fields: traits})
	p.told = true
	if p.account != nil {
		p.enrich()
	}
	p.wait(1, 3)
}

// enrich joins the person to the account, whose figures are sent once.
func (p *person) enrich() {
	a := p.account
	traits := []Field{text("name", a.name), text("website", "https://"+a.domain)}
	if !a.sent || p.r.Float64() < 0.2 {
		traits = append(traits, number("employees", a.employees), text("industry", a.industry), text("country", a.country), list("technologies", a.technologies))
	}
	a.sent = true
	at := p.now
	p.wait(2, 6)
	p.push(Message{Type: lead.Group, GroupID: a.domain, Server: true, Fields: traits})
	p.now = at
}

func (p *person) downloads() {
	p.page("/resources")
	p.wait(10, 60)
	p.identify()
	p.track("Asset Downloaded", text("title", pick(p.r, assets())), number("fill_seconds", float64(9+p.r.IntN(60))))
}

func (p *person) attends() {
	name := pick(p.r, webinars())
	p.page("/webinars")
	p.wait(10, 60)
	p.identify()
	p.track("Webinar Registered", text("title", name))
	if p.r.Float64() < 0.5 {
		p.now = p.now.Add(3 * aDay)
		p.server("Webinar Attended", text("title", name), number("minutes", float64(5+p.r.IntN(50))))
	}
}

// mail sends one to a known person. A gateway may follow every link before the person sees it.
func (p *person) mail() {
	if !p.told {
		p.pages(1, blogPages())
		return
	}
	mail := fmt.Sprintf("newsletter-%d", p.now/lead.Instant(7*aDay/time.Microsecond))
	p.push(Message{Type: lead.Track, Name: "Email Delivered", Server: true, Fields: []Field{text("email_id", mail)}})
	if p.account != nil && p.account.gateway {
		p.scan(mail)
	}
	if p.r.Float64() < 0.5 {
		return
	}
	p.now = p.now.Add(10*time.Minute + time.Duration(p.r.ExpFloat64()*float64(5*time.Hour)))
	path := pick(p.r, blogPages())
	p.push(Message{Type: lead.Track, Name: "Email Link Clicked", Server: true, Context: Context{UserAgent: p.agent},
		Fields: []Field{text("email_id", mail), text("link_url", "https://tallyport.example"+path)}})
	p.wait(1, 3)
	p.push(Message{Type: lead.Page, Name: title(path), Fields: []Field{text("path", path)},
		Context: Context{Path: path, Campaign: Campaign{mail, "newsletter", "email"}}})
	p.wait(8, 90)
	if p.r.Float64() < 0.4 {
		p.pages(1, blogPages())
	}
}

// scan is what a mail gateway does with a mail: it follows all links at once, in the dress of a browser.
func (p *person) scan(mail string) {
	at := p.now
	p.wait(2, 40)
	for i := range 4 + p.r.IntN(5) {
		p.push(Message{Type: lead.Track, Name: "Email Link Clicked", Server: true, Robot: true, Context: Context{UserAgent: browsers()[0]},
			Fields: []Field{text("email_id", mail), text("link_url", "https://tallyport.example"+blogPages()[i])}})
		p.now = p.now.Add(time.Duration(20+p.r.IntN(150)) * time.Millisecond)
	}
	p.now = at
}

// evaluates is what somebody does who weighs us against others. Who is not known yet often gives an
// address for the calculator, early on.
func (p *person) evaluates() {
	p.page("/pricing")
	if !p.told && p.r.Float64() < 0.85 {
		p.wait(10, 40)
		p.identify()
		p.track("Asset Downloaded", text("title", "ROI workbook"))
	}
	p.page(pick(p.r, comparePages()))
	p.page(pick(p.r, casePages()))
	for range 1 + p.r.IntN(3) {
		p.page(pick(p.r, slices.Concat(docsPages(), productPages())))
	}
	if p.r.Float64() < 0.5 {
		p.wait(1800, 4000)
		p.page("/pricing")
	}
}

// speaks is a form, a chat or an answer: what is written follows from who writes.
func (p *person) speaks(do activity) {
	sayings, n := smallTalk(), 1
	switch {
	case p.truth.Kind == Student:
		sayings = studentTalk()
	case p.truth.Kind == Supplier:
		sayings = supplierTalk()
	case p.truth.SeriousAt != 0:
		sayings, n = buyerSayings(), 1+p.r.IntN(3)
	case p.r.Float64() < 0.5:
		sayings = denials()
	}
	message, labels := say(p.r, sayings, n)
	var name string
	fields := []Field{text("message", message)}
	switch do {
	case demo:
		p.page("/demo")
		name = "Demo Requested"
	case contact, spam:
		p.page("/contact")
		name, fields = "Form Submitted", append(fields, text("form", "contact"))
	case chat:
		p.page("/pricing")
		name = "Chat Message Sent"
	case reply:
		if !p.told {
			return
		}
		p.push(Message{Type: lead.Track, Name: "Email Replied", Server: true, Labels: labels,
			Fields: append(fields, text("sentiment", "positive"))})
		return
	default: // the other sittings have no words
		return
	}
	p.wait(15, 180)
	p.identify()
	p.push(Message{Type: lead.Track, Name: name, Context: Context{Path: p.here()}, Fields: fields, Labels: labels})
	p.wait(2, 20)
}

func (p *person) crawls() {
	all := slices.Concat(blogPages(), docsPages(), comparePages(), casePages(), productPages(), []string{"/pricing", "/careers"})
	for _, i := range p.r.Perm(len(all))[:5+p.r.IntN(len(all)-5)] {
		p.push(Message{Type: lead.Page, Name: title(all[i]), Context: Context{Path: all[i]}, Fields: []Field{text("path", all[i])}})
		p.now = p.now.Add(time.Duration(100+p.r.IntN(900)) * time.Millisecond)
	}
}
