package signal

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"

	"cusp/internal/canon"
	"cusp/internal/lead"
)

// place is what sort of thing an event is to the quarantine.
type place uint8

const (
	elsewhere place = iota
	visit           // a page
	landing         // a page reached from a mail
	click           // a link of a mail
	delivery        // a mail arrived
	form
)

// facts is what the quarantine reads from one event.
type facts struct {
	at      lead.Instant
	place   place
	alone   reason // what the event by itself gives away
	mail    uint32 // which mail
	link    uint32 // which link or path
	sent    lead.Instant
	thanks  bool // the path is one that is shown after a form
	mailbox mailbox
}

// mailbox is what an event says about whose e-mail address the person has.
type mailbox uint8

const (
	unsaid   mailbox = iota
	outsider         // said by a public key
	ours
	outsiderTrusted
	oursTrusted
)

var clickNames = setOf("Email Link Clicked", "Email Clicked", "email_link_clicked", "email_clicked", "Link Clicked In Email", "Email Link Click")
var openNames = setOf("Email Opened", "email_opened", "Email Open", "Email Image Loaded")
var deliveryNames = setOf("Email Delivered", "Email Sent", "email_delivered", "email_sent")
var formNames = setOf(append(formEvents[:], "Contact Requested", "Demo Requested", "Trial Requested", "Quote Requested", "Signed Up", "Newsletter Subscribed")...)

func setOf(all ...string) map[string]bool {
	set := make(map[string]bool, len(all))
	for _, n := range all {
		set[n] = true
	}
	return set
}

// Mark notes on an event that arrives what its sender gives away and later folds need not look up again:
// whether the user agent is a robot's. What a mark says can be overruled by a verdict.
func Mark(e *lead.Event) {
	if UserAgentBot(textIfNamed(lookupIfNamed(e.Body, "context"), "userAgent")) {
		e.Flags |= lead.Bot
	}
}

// facts reads a marked event. Its body is looked into only as far as the kind of event asks for.
func (g *Guard) facts(e *lead.Event) facts {
	f := facts{at: e.Time, mailbox: g.mailbox(e)}
	if e.Type > lead.Alias {
		return f
	}
	f.alone = g.sender(e)
	switch {
	case e.Type == lead.Page || e.Type == lead.Screen:
		f.visit(e)
	case e.Type != lead.Track:
	case clickNames[e.Name]:
		f.click(canon.Lookup(e.Body, "properties"))
	case openNames[e.Name]:
		f.open(canon.Lookup(e.Body, "properties"), lookupIfNamed(e.Body, "context"))
	case deliveryNames[e.Name]:
		f.place, f.mail = delivery, mailOf(canon.Lookup(e.Body, "properties"))
	case SentForm(e):
		f.form(e, canon.Lookup(e.Body, "properties"))
	}
	return f
}

// sender judges who sent the event: a robot, or the company's own network.
func (g *Guard) sender(e *lead.Event) reason {
	if len(g.nets) > 0 {
		if addr, err := netip.ParseAddr(textIfNamed(lookupIfNamed(e.Body, "context"), "ip")); err == nil && within(g.nets, addr.Unmap()) {
			return insider
		}
	}
	if e.Flags.Has(lead.Bot) {
		return robotAgent
	}
	return none
}

func within(nets []netip.Prefix, addr netip.Addr) bool {
	for _, n := range nets {
		if n.Contains(addr) {
			return true
		}
	}
	return false
}

// mailbox reads the domain of the address that an identify call gives.
func (g *Guard) mailbox(e *lead.Event) mailbox {
	if len(g.domains) == 0 || e.Type != lead.Identify {
		return unsaid
	}
	email := textIfNamed(canon.Lookup(e.Body, "traits"), "email")
	if email == "" {
		if email = textIfNamed(lookupIfNamed(lookupIfNamed(e.Body, "context"), "traits"), "email"); email == "" {
			email = e.UserID
		}
	}
	_, domain, ok := strings.Cut(email, "@")
	if !ok {
		return unsaid
	}
	m := outsider
	if g.internalDomain(lowerASCII(strings.TrimSpace(domain))) {
		m = ours
	}
	if e.Flags.Has(lead.Trusted) {
		m += outsiderTrusted - outsider
	}
	return m
}

// internalDomain knows the playbook's domains and what lies below them.
func (g *Guard) internalDomain(domain string) bool {
	for domain != "" {
		if g.domains[domain] {
			return true
		}
		_, domain, _ = strings.Cut(domain, ".")
	}
	return false
}

func (f *facts) visit(e *lead.Event) {
	f.place, f.link = visit, hashOf(e.Path)
	path := lowerASCII(e.Path)
	f.thanks = strings.Contains(path, "thank") || strings.Contains(path, "success") || strings.Contains(path, "confirm")
	if !bytes.Contains(e.Body, []byte(`"campaign"`)) {
		return
	}
	campaign := canon.Lookup(canon.Lookup(e.Body, "context"), "campaign")
	if medium := lowerASCII(text(canon.Lookup(campaign, "medium"))); medium == "email" || medium == "e-mail" || medium == "mail" {
		f.place, f.mail = landing, hashOf(text(canon.Lookup(campaign, "name")))
	}
}

// click reads a click on a link of a mail, as mail programs and our own redirector report it.
func (f *facts) click(properties []byte) {
	f.place, f.mail = click, mailOf(properties)
	for _, key := range [...]string{"link_url", "url", "href", "link", "link_id", "linkUrl", "linkId", "target"} {
		if link := text(canon.Lookup(properties, key)); link != "" {
			f.link = hashOf(link)
			break
		}
	}
	f.sent = instantOf(properties, "delivered_at", "deliveredAt", "sent_at", "sentAt")
	if f.alone != none {
		return
	}
	switch strings.ToUpper(firstText(properties, "method", "http_method", "request_method")) {
	case "HEAD", "OPTIONS", "PROPFIND":
		f.alone = prefetched
	}
	purpose := lowerASCII(firstText(properties, "purpose", "sec_purpose", "x_moz"))
	switch {
	case strings.HasPrefix(purpose, "prefetch"), truthy(properties, "prefetch"):
		f.alone = prefetched
	case truthy(properties, "honeypot"), truthy(properties, "trap"), truthy(properties, "hidden"), trapLink(properties):
		f.alone = hiddenLink
	}
}

func trapLink(properties []byte) bool {
	link := lowerASCII(firstText(properties, "link_id", "linkId", "link_name"))
	return link == "honeypot" || link == "trap" || strings.Contains(lowerASCII(firstText(properties, "link_url", "url", "href")), "honeypot")
}

// open reads whether a mail was opened by a proxy: Apple's loads every image when a mail arrives, and
// others hide who looks, so that none of them shows a person.
func (f *facts) open(properties, context []byte) {
	agent := textIfNamed(context, "userAgent")
	if agent == "" {
		agent = firstText(properties, "user_agent", "userAgent")
	}
	ip := firstText(properties, "ip")
	if ip == "" {
		ip = textIfNamed(context, "ip")
	}
	if f.alone == none && (MailProxy(agent, ip) || truthy(properties, "machine_open") || truthy(properties, "proxy") ||
		truthy(properties, "is_mpp") || truthy(properties, "apple_mpp") || truthy(properties, "prefetch")) {
		f.alone = proxyOpen
	}
}

// trapFields are fields that a page hides, for machines to fill in.
var trapFields = [...]string{"honeypot", "trap", "hp", "_gotcha", "_hp", "hp_field", "honey", "bot_field", "bot-field", "leave_blank", "trap_field", "trapField", "website_confirm"}

// fastest is how long a person needs at least to fill in a form.
const fastest = 2 * time.Second

func (f *facts) form(e *lead.Event, properties []byte) {
	f.place, f.link = form, hashOf(e.Path)
	if f.alone != none {
		return
	}
	for _, key := range trapFields {
		if raw := canon.Lookup(properties, key); len(raw) > 0 && text(raw) != "" && !bytes.Equal(raw, []byte("false")) && !bytes.Equal(raw, []byte("null")) && !bytes.Equal(raw, []byte("0")) {
			f.alone = formTrap
			return
		}
	}
	if took, ok := fillTime(properties); ok && took < fastest {
		f.alone = formTooFast
	}
}

// fillTime is how long the form was open, where the page measured it.
func fillTime(properties []byte) (time.Duration, bool) {
	for _, in := range [...]struct {
		unit time.Duration
		keys []string
	}{
		{time.Millisecond, []string{"fill_ms", "elapsed_ms", "duration_ms", "time_to_submit_ms", "fillTimeMs", "fill_time_ms", "time_on_form_ms"}},
		{time.Second, []string{"fill_seconds", "elapsed_seconds", "seconds_to_submit", "time_to_submit", "fill_time", "time_on_form", "seconds_on_page", "seconds_since_load"}},
	} {
		for _, key := range in.keys {
			if n, err := strconv.ParseFloat(text(canon.Lookup(properties, key)), 64); err == nil && n >= 0 && n < 1e9 {
				return time.Duration(n * float64(in.unit)), true
			}
		}
	}
	return 0, false
}

// mailOf names the mail by whatever the sender of the event calls it.
func mailOf(properties []byte) uint32 {
	return hashOf(firstText(properties, "email_id", "emailId", "mail_id", "message_id", "email_message_id", "campaign_id", "campaign", "email_subject", "subject", "newsletter"))
}

func hashOf(s string) uint32 {
	if s == "" {
		return 0
	}
	return uint32(xxhash.Sum64String(s))
}

func firstText(object []byte, keys ...string) string {
	for _, key := range keys {
		if t := text(canon.Lookup(object, key)); t != "" {
			return t
		}
	}
	return ""
}

func truthy(object []byte, key string) bool {
	switch t := text(canon.Lookup(object, key)); t {
	case "", "false", "0", "no":
		return false
	}
	return true
}

// text is a JSON string's value, or a number or true as written; empty for anything else.
func text(raw []byte) string {
	if len(raw) == 0 {
		return ""
	}
	switch raw[0] {
	case '"':
		if bytes.IndexByte(raw, '\\') < 0 {
			return string(raw[1 : len(raw)-1])
		}
		var s string
		if json.Unmarshal(raw, &s) != nil {
			return ""
		}
		return s
	case '{', '[', 'n':
		return ""
	}
	return string(raw)
}

// lookupIfNamed is canon.Lookup for members that are often missing: searching bytes is faster.
func lookupIfNamed(object []byte, key string) []byte {
	if !bytes.Contains(object, []byte(key)) {
		return nil
	}
	return canon.Lookup(object, key)
}

func textIfNamed(object []byte, key string) string { return text(lookupIfNamed(object, key)) }

func instantOf(object []byte, keys ...string) lead.Instant {
	if t, err := time.Parse(time.RFC3339, firstText(object, keys...)); err == nil {
		return lead.At(t)
	}
	return 0
}
