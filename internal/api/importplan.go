package api

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"cusp/internal/canon"
	"cusp/internal/db"
	"cusp/internal/domains"
	"cusp/internal/fault"
	"cusp/internal/identity"
	"cusp/internal/ingest"
	"cusp/internal/ingest/table"
	"cusp/internal/lead"
)

// plan says what is to be stored of an import. A row with a time of its own is a fact of that time: its
// message id, a hash of what it says, decides whether it was stored before. A row without one says how
// things are now: it is stored when they were otherwise, also when the same was said once before.
type plan struct {
	timed   []lead.Event
	unknown int // people (or accounts) who are known by rows of timed only

	now                  []lead.Event
	fresh, changed, same int // rows without a time

	also []lead.Event
}

// planImport goes through the rows in their order, so that a later row of a table sees an earlier one.
func planImport(tx *db.Tx, im *importing) (plan, error) {
	p := planner{tx: tx, kind: im.kind, known: map[string]*known{}}
	for i := range im.rows {
		row := &im.rows[i]
		p.also = append(p.also, row.also...)
		if im.kind == table.Events {
			p.timed = append(p.timed, row.event)
			continue
		}
		if err := p.row(row); err != nil {
			return plan{}, err
		}
	}
	return p.plan, nil
}

type planner struct {
	plan
	tx    *db.Tx
	kind  table.Kind
	known map[string]*known // by what rows call them
}

// known is what is known of a person or an account: before the import, and by its rows so far.
type known struct {
	exists      bool
	traits      map[string]any
	identifiers []string
	last        string // message id of what said so last
}

func (p *planner) row(row *imported) error {
	ref := p.named(&row.event)
	k := p.known[ref]
	if k == nil {
		var err error
		if k, err = p.load(ref); err != nil {
			return err
		}
		p.known[ref] = k
	}
	changed := p.apply(k, &row.event)
	first := !k.exists
	k.exists = true
	e := row.event
	switch {
	case row.timed:
		p.timed = append(p.timed, e)
		if first {
			p.unknown++
		}
	case first:
		p.now = append(p.now, e)
		p.fresh++
	case changed:
		var err error
		if e, err = renamed(e, k.last); err != nil {
			return err
		}
		p.now = append(p.now, e)
		p.changed++
	default:
		p.same++
		return nil
	}
	k.last = e.MessageID
	return nil
}

// named is what an event calls its person or account by.
func (p *planner) named(e *lead.Event) string {
	if p.kind == table.Accounts {
		return cmp.Or(e.GroupID, domainIn(e))
	}
	address := addressIn(e)
	if a, err := domains.Normalize(address); err == nil {
		address = a.String()
	}
	return cmp.Or(e.UserID, address, e.AnonymousID)
}

// domainIn is the domain by which an event names an account.
func domainIn(e *lead.Event) string {
	domain, _ := identity.AccountTraits(traitsIn(e))["domain"].(string)
	return domain
}

func (p *planner) load(ref string) (*known, error) {
	k := &known{traits: map[string]any{}}
	var err error
	if p.kind == table.Accounts {
		err = p.loadAccount(k, ref)
	} else {
		err = p.loadPerson(k, ref)
	}
	if fault.Is(err, fault.NotFound) {
		return &known{traits: map[string]any{}}, nil
	}
	return k, err
}

func (p *planner) loadPerson(k *known, ref string) error {
	person, err := identity.Find(p.tx, ref)
	if err != nil {
		return err
	}
	profiles, err := identity.Profiles(p.tx, person)
	if err != nil {
		return err
	}
	ids := make([]lead.ProfileID, len(profiles))
	for i := range profiles {
		ids[i] = profiles[i].ID
		k.identifiers = append(k.identifiers, profiles[i].Value)
	}
	timeline, err := ingest.Timeline(p.tx, ids)
	if err != nil {
		return err
	}
	for i := range timeline {
		if e := &timeline[i].Event; e.Type == lead.Identify {
			identity.Apply(k.traits, identity.Traits(traitsIn(e)), e.Flags.Has(lead.Trusted))
			k.last = e.MessageID
		}
	}
	k.exists = true
	return nil
}

func (p *planner) loadAccount(k *known, ref string) error {
	account, err := identity.FindAccount(p.tx, ref)
	if err != nil {
		return err
	}
	profiles, err := identity.AccountProfiles(p.tx, account)
	if err != nil {
		return err
	}
	for i := range profiles {
		k.identifiers = append(k.identifiers, profiles[i].Value)
	}
	facts, err := identity.AccountFacts(p.tx, account)
	if err != nil {
		return err
	}
	for _, f := range facts {
		identity.ApplyAccount(k.traits, f)
		k.last = f.MessageID
	}
	k.exists = true
	return nil
}

// apply takes in what a row says and reports whether it is news: a trait, or an identifier.
func (p *planner) apply(k *known, e *lead.Event) bool {
	news := false
	for _, id := range identifiersIn(e) {
		if !slices.Contains(k.identifiers, id) {
			k.identifiers = append(k.identifiers, id)
			news = true
		}
	}
	if p.kind == table.Accounts {
		before := maps.Clone(k.traits)
		identity.ApplyAccount(k.traits, identity.Fact{At: e.Time, MessageID: e.MessageID, Trusted: true, Traits: identity.AccountTraits(traitsIn(e))})
		return !reflect.DeepEqual(before, k.traits) || news
	}
	return identity.Apply(k.traits, identity.Traits(traitsIn(e)), true) || news
}

// identifiersIn are the identifiers that an event carries, in normal form.
func identifiersIn(e *lead.Event) []string {
	var ids []string
	if a, err := domains.Normalize(addressIn(e)); err == nil && e.Type == lead.Identify {
		ids = append(ids, a.String())
	}
	for _, id := range []string{e.UserID, e.AnonymousID, e.GroupID} {
		if id != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

// renamed is an event under an id that says what it comes after: what was said once before can be said
// again, once.
func renamed(e lead.Event, after string) (lead.Event, error) {
	var tree canon.Tree
	root, err := tree.Parse(e.Body)
	if err != nil {
		return e, fmt.Errorf("read row again: %w", err)
	}
	if len(e.MessageID) > ingest.MaxMessageID/2 {
		e.MessageID = digest(e.MessageID)
	}
	e.MessageID += "-" + digest(after)[:12]
	e.Body = tree.With(root, "messageId", tree.String(e.MessageID)).Append(nil)
	return e, nil
}
