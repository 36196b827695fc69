package identity

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"

	"cusp/internal/canon"
	"cusp/internal/domains"
	"cusp/internal/lead"
)

// Why an event is refused. It must not be stored; ingest keeps it as a rejected event.
const (
	NoIdentity       = "no_identity"       // it carries no usable identifier
	AliasCycle       = "alias_cycle"       // it renames an identifier to itself, directly or round about
	NotTrusted       = "not_trusted"       // a public key may not merge or un-merge
	BadReference     = "bad_reference"     // a merge names nothing that can exist
	UnknownReference = "unknown_reference" // a merge names an id that does not exist
	UnlikeReferences = "unlike_references" // a merge names one profile twice, or a person and an account
)

// plan is what a batch of events says about identities, before the database is asked.
type plan struct {
	idents []ident
	index  map[identKey]int
	claims []plannedClaim
	events []plannedEvent
}

// identKey is what makes identifiers distinct.
type identKey struct {
	Reference
	exact bool // an id means the profile of that number, not the strongest of its cluster
}

// ident is one distinct identifier of the batch.
type ident struct {
	identKey
	seen    lead.Instant
	vouched bool
	node    *node // set once it is looked up
}

// plannedClaim is a claim about identifiers by their numbers.
type plannedClaim struct {
	a, b  int
	event int
	Claim
}

// plannedEvent says where an event belongs. Numbers are of identifiers; -1 is none.
type plannedEvent struct {
	owner   int // whose profile stores it
	account int // which account it speaks of
	refused string
	facts   []byte // account traits as a JSON object; nil for none
}

// lateAfter is how long a browser may keep an event: beyond it, its time is not believed where that would
// matter. SDKs keep events for hours, and Safari deletes what scripts stored after seven days.
const lateAfter = 7 * 24 * time.Hour

// makePlan reads a batch. It is pure.
func makePlan(events []lead.Event) *plan {
	p := &plan{index: make(map[identKey]int, len(events)), events: make([]plannedEvent, len(events))}
	for i := range events {
		e := &events[i]
		p.events[i] = plannedEvent{owner: -1, account: -1}
		switch e.Type {
		case lead.Merge, lead.Unmerge:
			p.join(i, e)
		case lead.Alias:
			p.alias(i, e)
		case lead.Verdict, lead.Answered:
			p.statement(i, e)
		default:
			p.call(i, e)
		}
		if p.events[i].owner < 0 && p.events[i].refused == "" {
			p.events[i].refused = NoIdentity
		}
	}
	return p
}

// when is the time that counts for identity: absurd times come from outside and would claim first.
func when(e *lead.Event) lead.Instant {
	if e.Flags.Has(lead.Unscored) {
		return e.ReceivedAt
	}
	return e.Time
}

// ident numbers an identifier that an event carries; -1 when the value cannot be one.
func (p *plan) ident(e *lead.Event, k Kind, value string) int {
	value, ok := normalValue(k, value)
	if !ok {
		return -1
	}
	return p.reference(e, Reference{Kind: k, Value: value})
}

// reference numbers an identifier by reference. An un-merge says of one identifier that it does not
// belong: there an id is exact.
func (p *plan) reference(e *lead.Event, r Reference) int {
	at := when(e)
	key := identKey{r, r.ID != 0 && e.Type == lead.Unmerge}
	i, known := p.index[key]
	if !known {
		i = len(p.idents)
		p.idents = append(p.idents, ident{identKey: key, seen: at})
		p.index[key] = i
	}
	p.idents[i].seen = min(p.idents[i].seen, at)
	p.idents[i].vouched = p.idents[i].vouched || e.Flags.Has(lead.Trusted)
	return i
}

// claim notes that an event ties identifier a to b; numbers below 0 say that one is missing.
func (p *plan) claim(event int, e *lead.Event, k ClaimKind, a, b int) {
	if a < 0 || b < 0 || a == b {
		return
	}
	c := Claim{Kind: k, Trusted: e.Flags.Has(lead.Trusted), At: when(e), MessageID: e.MessageID, Source: e.Source}
	if p.idents[a].Kind == Anonymous && p.idents[b].Kind == User {
		c.Trusted = true // who may name a visitor does not depend on the key
	} else if p.idents[a].Kind != Anonymous {
		c.Late = !c.Trusted && e.ReceivedAt.Sub(c.At) > lateAfter
	}
	p.claims = append(p.claims, plannedClaim{a: a, b: b, event: event, Claim: c})
}

// call plans the calls of the tracking API.
func (p *plan) call(i int, e *lead.Event) {
	ev := &p.events[i]
	user, anonymous, email := -1, -1, -1
	if e.UserID != "" {
		user = p.ident(e, User, e.UserID)
	}
	if e.AnonymousID != "" && !invented(e) {
		anonymous = p.ident(e, Anonymous, e.AnonymousID)
	}
	if address := addressOf(e, user < 0 && anonymous < 0); address != "" {
		email = p.ident(e, Email, address)
		if d, ok := domains.Company(afterAt(address)); ok {
			p.ident(e, Domain, d)
		}
	}
	switch {
	case user >= 0:
		ev.owner = user
		p.claim(i, e, Link, email, user)
		p.claim(i, e, Link, anonymous, user)
	case anonymous >= 0:
		ev.owner = anonymous
		p.claim(i, e, Link, anonymous, email)
	default:
		ev.owner = email
	}
	p.group(i, e)
}

// group plans what an event says about an account.
func (p *plan) group(i int, e *lead.Event) {
	ev := &p.events[i]
	if e.GroupID != "" {
		ev.account = p.ident(e, Group, e.GroupID)
	}
	if e.Type != lead.Group {
		return
	}
	traits := AccountTraits(decode(rawTraits(e.Body, false)))
	domain := -1
	if d, ok := domains.Company(text(traits, "domain")); ok {
		traits["domain"] = d
		domain = p.ident(e, Domain, d)
	} else {
		delete(traits, "domain")
	}
	p.claim(i, e, Link, domain, ev.account)
	if ev.account < 0 {
		ev.account = domain
	}
	if ev.owner < 0 {
		ev.owner = ev.account
	}
	if len(traits) > 0 && ev.account >= 0 {
		ev.facts = encode(traits)
	}
}

// alias plans an alias call. Whether previousId is a user id or an anonymous id cannot be seen, and must
// not depend on which events came before: it is taken for both. With a public key it only names a
// visitor.
func (p *plan) alias(i int, e *lead.Event) {
	ev := &p.events[i]
	if e.UserID == "" || e.PreviousID == "" {
		ev.refused = NoIdentity
		return
	}
	if e.UserID == e.PreviousID {
		ev.refused = AliasCycle
		return
	}
	ev.owner = p.ident(e, User, e.UserID)
	p.claim(i, e, Link, p.ident(e, Anonymous, e.PreviousID), ev.owner)
	if e.Flags.Has(lead.Trusted) {
		p.claim(i, e, Alias, p.ident(e, User, e.PreviousID), ev.owner)
	}
}

// join plans a merge or un-merge.
func (p *plan) join(i int, e *lead.Event) {
	ev := &p.events[i]
	into, okInto := ParseReference(e.UserID)
	from, okFrom := ParseReference(e.PreviousID)
	switch {
	case !e.Flags.Has(lead.Trusted):
		ev.refused = NotTrusted
	case !okInto || !okFrom:
		ev.refused = BadReference
	case into == from:
		ev.refused = UnlikeReferences
	default:
		kind := Merge
		if e.Type == lead.Unmerge {
			kind = Unmerge
		}
		ev.owner = p.reference(e, into)
		p.claim(i, e, kind, p.reference(e, from), ev.owner)
	}
}

// statement plans a fact that a person or the product states about a lead, who is named by reference.
func (p *plan) statement(i int, e *lead.Event) {
	ev := &p.events[i]
	if r, ok := ParseReference(e.UserID); ok {
		ev.owner = p.reference(e, r)
	} else if e.AnonymousID != "" {
		ev.owner = p.ident(e, Anonymous, e.AnonymousID)
	}
}

// invented says that the client library made the anonymous id up for this message alone: RudderStack's
// Go library does so for every message without one.
func invented(e *lead.Event) bool {
	if e.UserID == "" || !bytes.Contains(e.Body, []byte(`"analytics-go"`)) {
		return false
	}
	library := canon.Lookup(canon.Lookup(e.Body, "context"), "library")
	return string(canon.Lookup(library, "name")) == `"analytics-go"` &&
		!bytes.HasPrefix(canon.Lookup(library, "version"), []byte(`"3.`)) // Segment's library of that name
}

// addressOf is the e-mail address that an event gives its person: the trait of an identify call, a user
// id that is an address, and where there is no other identifier whatever trait it carries.
func addressOf(e *lead.Event, only bool) string {
	if e.Type == lead.Identify || only && e.Type != lead.Group {
		if s := emailTrait(rawTraits(e.Body, true)); s != "" {
			return s
		}
	}
	return addressIn(e.UserID)
}

// addressIn is the e-mail address that a user id is; empty when it is none.
func addressIn(userID string) string {
	if strings.Contains(userID, "@") {
		if a, err := domains.Normalize(userID); err == nil {
			return a.String()
		}
	}
	return ""
}

// emailTrait is what [Traits] would say of the address, without reading the others where it is plain.
func emailTrait(raw []byte) string {
	if !bytes.ContainsRune(raw, '@') {
		return ""
	}
	if v := canon.Lookup(raw, "email"); len(v) > 2 && v[0] == '"' && !bytes.ContainsRune(v, '\\') {
		if a, err := domains.Normalize(string(v[1 : len(v)-1])); err == nil {
			return a.String()
		}
	}
	return text(Traits(decode(raw)), "email")
}

func afterAt(address string) string {
	_, domain, _ := strings.Cut(address, "@")
	return domain
}

// rawTraits are the traits of a message as JSON, with those of its context as a second choice.
func rawTraits(body []byte, context bool) []byte {
	raw := canon.Lookup(body, "traits")
	if context && (len(raw) == 0 || string(raw) == "{}" || string(raw) == "null") {
		raw = canon.Lookup(canon.Lookup(body, "context"), "traits")
	}
	return raw
}

// decode reads an object; what is none has no traits.
func decode(raw []byte) map[string]any {
	if len(raw) == 0 || raw[0] != '{' {
		return nil
	}
	traits, err := canon.Decode(raw)
	if err != nil {
		return nil
	}
	return traits
}

// encode writes traits as JSON with sorted keys; they hold nothing that encoding/json refuses.
func encode(traits map[string]any) []byte {
	raw, err := json.Marshal(traits)
	if err != nil {
		return nil
	}
	return raw
}
