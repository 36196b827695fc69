package identity

import (
	"cmp"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"cusp/internal/db"
	"cusp/internal/lead"
)

// Placement says where an event belongs.
type Placement struct {
	Profile lead.ProfileID // under which it is stored
	Person  lead.PersonID  // whose history it is part of; 0 for a pure account event
	Account lead.AccountID // which account it names; 0 for none
	New     bool           // the person did not exist before this transaction
	Refused string         // why it must not be stored; empty for an event that may
}

// Redirect says that a cluster was merged into another.
type Redirect struct{ From, Into lead.ProfileID }

// Resolution is what a batch of events means for people and accounts.
type Resolution struct {
	Events []Placement // one for each event, in their order

	Refold []lead.PersonID // people who gained or lost history of before this batch; they exist
	Gone   []Redirect      // people who are part of others now; whoever they are part of is in Refold

	Accounts     []lead.AccountID // accounts whose facts or identifiers changed; they exist
	GoneAccounts []Redirect       // accounts that are part of others now
}

// Resolve finds the people and accounts of a batch of accepted events, creates what does not exist yet,
// takes in what the events claim about identities, and keeps the account facts that they carry. The
// profiles it returns stay locked until the transaction ends. A batch that brings nothing new costs one
// query and writes nothing.
//
// A refused event has claimed nothing and must not be stored. Events must not be repeated: ingest drops
// duplicates before.
func Resolve(tx *db.Tx, events []lead.Event) (Resolution, error) {
	return newBatch(tx, events).resolve(events)
}

func newBatch(tx *db.Tx, events []lead.Event) *batch {
	return &batch{plan: makePlan(events), graph: graph{tx: tx, nodes: map[lead.ProfileID]*node{}}}
}

func (b *batch) resolve(events []lead.Event) (Resolution, error) {
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"look identifiers up", b.lookUp},
		{"check merges", b.checkMerges},
		{"check aliases", b.checkAliases},
		{"read claims", b.filter},
		{"cluster profiles", b.cluster},
		{"store claims", b.save},
	} {
		if err := step.do(); err != nil {
			return Resolution{}, fmt.Errorf("resolve identities: %s: %w", step.name, err)
		}
	}
	res := b.resolution()
	if err := b.saveFacts(events, &res); err != nil {
		return Resolution{}, fmt.Errorf("resolve identities: store account facts: %w", err)
	}
	return res, nil
}

// batch is one call of Resolve.
type batch struct {
	plan   *plan
	memory *Memory // nil where other processes write profiles too
	graph
	claims  []Claim                           // new ones
	before  map[lead.ProfileID]lead.ProfileID // clusters as they were, of every profile that moved
	crowded bool                              // a profile has become nobody's
	lowered []lead.ProfileID                  // profiles with claims that turned out to be older or vouched for
}

// lookUp finds every identifier of the batch, and inserts those that are missing.
func (b *batch) lookUp() error {
	var values []string
	var ids []lead.ProfileID
	for i := range b.plan.idents {
		x := &b.plan.idents[i]
		if x.ID != 0 {
			ids = append(ids, x.ID)
		} else if n := b.memory.recall(x.Reference); n != nil {
			x.node = b.keep(n)
		} else {
			values = append(values, x.Value)
		}
	}
	found := func(n *node) {
		if i, ok := b.plan.index[identKey{Reference: Reference{Kind: n.Kind, Value: n.Value}}]; ok {
			b.plan.idents[i].node = n
		}
	}
	if err := b.find(values, found); err != nil {
		return err
	}
	if err := b.byID(ids); err != nil {
		return err
	}
	if err := b.insert(found); err != nil {
		return err
	}
	b.lower()
	return nil
}

// byID looks up people and accounts that are named by id. They stand for their strongest identifier: a
// person is named by whichever came first, often a device that means nothing by itself.
func (b *batch) byID(ids []lead.ProfileID) error {
	if len(ids) == 0 {
		return nil
	}
	members, err := b.expand(ids)
	if err != nil {
		return err
	}
	strongest := map[lead.ProfileID]*node{}
	for _, id := range members {
		n := b.nodes[id]
		if n == nil {
			continue
		}
		if old := strongest[n.cluster()]; old == nil || stronger(&n.Profile, &old.Profile) {
			strongest[n.cluster()] = n
		}
	}
	for i := range b.plan.idents {
		x := &b.plan.idents[i]
		if x.ID == 0 || b.nodes[x.ID] == nil {
			continue
		}
		if x.node = b.nodes[x.ID]; !x.exact {
			x.node = strongest[x.node.cluster()]
		}
	}
	return nil
}

// stronger says that p names its cluster better than q: by kind, then by age.
func stronger(p, q *Profile) bool {
	return cmp.Or(cmp.Compare(p.Kind, q.Kind), cmp.Compare(p.Seen, q.Seen), cmp.Compare(p.ID, q.ID)) < 0
}

// insert creates the profiles of identifiers that nobody has seen. Another replica may be doing the same:
// then its profile is read once it has committed. The order of inserts is the same everywhere, so that
// two replicas do not wait for each other.
func (b *batch) insert(found func(*node)) error {
	var missing []*ident
	for i := range b.plan.idents {
		if x := &b.plan.idents[i]; x.node == nil && x.ID == 0 {
			missing = append(missing, x)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	slices.SortFunc(missing, func(x, y *ident) int {
		return cmp.Or(strings.Compare(x.Value, y.Value), cmp.Compare(x.Kind, y.Kind))
	})
	rows := make([][]any, len(missing))
	for i, x := range missing {
		rows[i] = []any{x.Value, int64(x.Kind), int64(x.seen), bit(x.vouched && x.Kind != Anonymous)}
	}
	err := b.tx.BulkQuery(insertProfile, rows, func(rows *sql.Rows) error {
		n, err := scanNode(rows)
		if err == nil {
			n.fresh = true
			found(b.keep(n))
		}
		return err
	})
	if err != nil {
		return err
	}
	var raced []string
	for _, x := range missing {
		if x.node == nil {
			raced = append(raced, x.Value)
		}
	}
	return b.find(raced, found)
}

// lower notes that a profile was seen earlier than was known, or that it is vouched for. Only claims ask
// for either.
func (b *batch) lower() {
	for i := range b.plan.idents {
		x := &b.plan.idents[i]
		n := x.node
		if n == nil || n.Kind == Anonymous || n.Seen <= x.seen && (n.Vouched || !x.vouched) {
			continue
		}
		n.Seen, n.Vouched, n.dirty = min(n.Seen, x.seen), n.Vouched || x.vouched, true
		if n.claimed != 0 {
			b.lowered = append(b.lowered, n.ID)
		}
	}
}

// checkMerges refuses merges of what does not exist, or of a person with an account.
func (b *batch) checkMerges() error {
	for i := range b.plan.events {
		ev := &b.plan.events[i]
		if ev.owner >= 0 && b.plan.idents[ev.owner].node == nil {
			ev.refused = UnknownReference
		}
	}
	for i := range b.plan.claims {
		c := &b.plan.claims[i]
		ev := &b.plan.events[c.event]
		x, y := b.plan.idents[c.a].node, b.plan.idents[c.b].node
		switch {
		case x == nil || y == nil:
			ev.refused = UnknownReference
		case x == y || x.Kind.Person() != y.Kind.Person():
			ev.refused = UnlikeReferences
		default:
			c.A, c.B = x.ID, y.ID
		}
	}
	return nil
}

// checkAliases refuses aliases that close a circle of renames.
func (b *batch) checkAliases() error {
	var aliases []*plannedClaim
	var ids []lead.ProfileID
	for i := range b.plan.claims {
		if c := &b.plan.claims[i]; c.Kind == Alias && b.plan.events[c.event].refused == "" {
			aliases = append(aliases, c)
			ids = append(ids, c.A, c.B)
		}
	}
	if len(aliases) == 0 {
		return nil
	}
	members, err := b.expand(ids)
	if err != nil {
		return err
	}
	stored := map[said]Claim{}
	if err := b.claimsOf(members, stored); err != nil {
		return err
	}
	renames := map[lead.ProfileID][]lead.ProfileID{}
	for _, c := range stored {
		if c.Kind == Alias {
			renames[c.A] = append(renames[c.A], c.B)
		}
	}
	slices.SortStableFunc(aliases, func(c, d *plannedClaim) int { return c.when(&d.Claim) })
	for _, c := range aliases {
		if leads(renames, c.B, c.A) {
			b.plan.events[c.event].refused = AliasCycle
			continue
		}
		renames[c.A] = append(renames[c.A], c.B)
	}
	return nil
}

// leads says whether renames lead from one profile to another.
func leads(renames map[lead.ProfileID][]lead.ProfileID, from, to lead.ProfileID) bool {
	seen, todo := map[lead.ProfileID]bool{from: true}, []lead.ProfileID{from}
	for len(todo) > 0 {
		id := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if id == to {
			return true
		}
		for _, next := range renames[id] {
			if !seen[next] {
				seen[next] = true
				todo = append(todo, next)
			}
		}
	}
	return false
}

// filter keeps the claims that say something new. What a profile remembers about its last claim settles
// nearly all of them; the others are looked up, by the side that has fewer.
func (b *batch) filter() error {
	fresh := map[said]Claim{}
	var ask []lead.ProfileID
	for i := range b.plan.claims {
		p := &b.plan.claims[i]
		if b.plan.events[p.event].refused != "" || b.remembered(&p.Claim) {
			continue
		}
		c := p.Claim
		if old, ok := fresh[c.said()]; !ok || c.when(&old) < 0 {
			fresh[c.said()] = c
		}
		if b.nodes[c.A].claimed != 0 && b.nodes[c.B].claimed != 0 {
			ask = append(ask, c.B)
		}
	}
	stored, err := b.claimsTo(ask)
	if err != nil {
		return err
	}
	for _, c := range fresh {
		if !covered(&c, stored) {
			b.claims = append(b.claims, c)
		}
	}
	slices.SortFunc(b.claims, func(c, d Claim) int {
		return cmp.Or(c.when(&d), cmp.Compare(c.A, d.A), cmp.Compare(c.B, d.B), cmp.Compare(c.Kind, d.Kind))
	})
	b.count(stored)
	return nil
}

// count notes how many profiles each one is linked with.
func (b *batch) count(stored map[said]Claim) {
	pairs := map[[2]lead.ProfileID]bool{}
	for _, c := range stored {
		if c.Kind == Link {
			pairs[[2]lead.ProfileID{c.A, c.B}] = true
		}
	}
	for i := range b.claims {
		c := &b.claims[i]
		pair := [2]lead.ProfileID{c.A, c.B}
		if c.Kind != Link || pairs[pair] {
			continue
		}
		pairs[pair] = true
		for _, id := range pair {
			n := b.nodes[id]
			n.links++
			b.crowded = b.crowded || n.common()
		}
	}
}

// remembered says that a link is known without asking, or is of an identifier that is nobody's.
func (b *batch) remembered(c *Claim) bool {
	n := b.nodes[c.A]
	if c.Kind == Link && (n.common() || b.nodes[c.B].common()) {
		return true
	}
	return c.Kind == Link && n.link == c.B && n.linked < c.At && (n.trusted || !c.Trusted)
}

func (b *batch) claimsTo(ids []lead.ProfileID) (map[said]Claim, error) {
	slices.Sort(ids)
	stored := map[said]Claim{}
	err := b.tx.QueryIn(claimsByB, int64s(slices.Compact(ids)), nil, func(rows *sql.Rows) error {
		c, err := scanClaim(rows)
		stored[c.said()] = c
		return err
	})
	return stored, err
}

func covered(c *Claim, stored map[said]Claim) bool {
	return slices.ContainsFunc(c.said().atLeast(), func(s said) bool {
		old, ok := stored[s]
		return ok && old.when(c) <= 0
	})
}

// save writes what changed. A profile remembers the claim that will probably be repeated.
func (b *batch) save() error {
	for i := range b.claims {
		c := &b.claims[i]
		x, y := b.nodes[c.A], b.nodes[c.B]
		at := c.At
		if c.Kind == Unmerge {
			at = cut
		}
		for _, n := range [...]*node{x, y} {
			n.claimed, n.dirty = max(n.claimed, at), true
		}
		if c.Kind == Link && !c.Late && b.memorable(x, c) {
			x.link, x.linked, x.trusted = c.B, c.At, c.Trusted
		}
	}
	if err := saveClaims(b.tx, b.claims); err != nil {
		return err
	}
	return saveNodes(b.tx, b.inOrder())
}

// memorable says whether a link is the better one to remember: of the same pair the trusted one, of
// several pairs the one within the cluster.
func (b *batch) memorable(n *node, c *Claim) bool {
	if n.link == c.B {
		return c.Trusted || !n.trusted
	}
	other := b.nodes[n.link]
	return other == nil || other.cluster() != n.cluster() && b.nodes[c.B].cluster() == n.cluster()
}

// resolution answers from what is known after the batch.
func (b *batch) resolution() Resolution {
	res := Resolution{Events: make([]Placement, len(b.plan.events))}
	for i := range b.plan.events {
		ev, at := &b.plan.events[i], &res.Events[i]
		if at.Refused = ev.refused; at.Refused != "" {
			continue
		}
		n := b.plan.idents[ev.owner].node
		at.Profile = n.ID
		if n.Kind.Person() {
			at.Person = lead.PersonID(n.cluster())
			// A cluster is named by its oldest profile, so a fresh one has no older members.
			root := b.nodes[n.cluster()]
			at.New = root != nil && root.fresh
		} else {
			at.Account = lead.AccountID(n.cluster())
		}
		if ev.account >= 0 {
			at.Account = lead.AccountID(b.plan.idents[ev.account].node.cluster())
		}
	}
	b.changes(&res)
	return res
}

// changes lists whose set of profiles with history is another one now.
func (b *batch) changes(res *Resolution) {
	for id, old := range b.before {
		n := b.nodes[id]
		if n.fresh {
			continue // nothing is stored under it yet
		}
		touched := []lead.ProfileID{n.cluster()}
		if into := b.nodes[old].cluster(); into == old {
			touched = append(touched, old)
		} else if id == old {
			if n.Kind.Person() {
				res.Gone = append(res.Gone, Redirect{old, into})
			} else {
				res.GoneAccounts = append(res.GoneAccounts, Redirect{old, into})
			}
		}
		for _, root := range touched {
			if n.Kind.Person() {
				res.Refold = append(res.Refold, lead.PersonID(root))
			} else {
				res.Accounts = append(res.Accounts, lead.AccountID(root))
			}
		}
	}
	slices.Sort(res.Refold)
	res.Refold = slices.Compact(res.Refold)
	byFrom := func(x, y Redirect) int { return cmp.Compare(x.From, y.From) }
	slices.SortFunc(res.Gone, byFrom)
	slices.SortFunc(res.GoneAccounts, byFrom)
}
