package identity

import (
	"cmp"
	"database/sql"
	"math"
	"slices"

	"cusp/internal/db"
	"cusp/internal/lead"
)

// node is a profile as it is stored, with what saves questions about claims.
type node struct {
	Profile
	root    lead.ProfileID // 0: the profile itself
	claimed lead.Instant   // time of the newest claim about it
	links   int            // number of profiles that link claims tie it to, in force or not
	link    lead.ProfileID // a profile that it is claimed to belong to
	linked  lead.Instant
	trusted bool

	fresh bool // inserted by this transaction: no event is stored under it
	dirty bool
}

// cut marks, in node.claimed, a profile that an un-merge speaks of: no claim about it comes last.
const cut lead.Instant = math.MaxInt64

func (n *node) cluster() lead.ProfileID {
	if n.root == 0 {
		return n.ID
	}
	return n.root
}

// common says that too many profiles carry it for it to say who somebody is.
func (n *node) common() bool { return n.links > mostLinks(n.Kind) }

const nodeColumns = `id, kind, value, cluster_id, seen_at, vouched, claimed_at, partners, link_id, link_at, link_trusted`

func scanNode(rows *sql.Rows) (*node, error) {
	n := &node{}
	var vouched, trusted int
	err := rows.Scan(&n.ID, &n.Kind, &n.Value, &n.root, &n.Seen, &vouched, &n.claimed, &n.links, &n.link, &n.linked, &trusted)
	n.Vouched, n.trusted = vouched != 0, trusted != 0
	return n, err
}

var (
	profilesByValue = db.SQL("identity.profilesByValue", `select `+nodeColumns+`
		from profile where value in ($1) order by id /*for update*/`)
	profileIDsByValue = db.SQL("identity.profileIDsByValue", `select id, value, kind
		from profile where value in ($1) order by id`)
	profilesByID = db.SQL("identity.profilesByID", `select `+nodeColumns+`
		from profile where id in ($1) order by id /*for update*/`)
	membersOf = db.SQL("identity.membersOf", `select id
		from profile where cluster_id in ($1) and cluster_id <> 0 order by id`)
	insertProfile = db.SQL("identity.insertProfile", `insert into profile
		(value, kind, cluster_id, seen_at, vouched, claimed_at, partners, link_id, link_at, link_trusted)
		values ($1, $2, 0, $3, $4, 0, 0, 0, 0, 0) on conflict (value, kind) do nothing
		returning `+nodeColumns)
	saveProfile = db.SQL("identity.saveProfile", `insert into profile
		(value, kind, cluster_id, seen_at, vouched, claimed_at, partners, link_id, link_at, link_trusted)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict (value, kind) do update set
		cluster_id = excluded.cluster_id, seen_at = excluded.seen_at, vouched = excluded.vouched,
		claimed_at = excluded.claimed_at, partners = excluded.partners,
		link_id = excluded.link_id, link_at = excluded.link_at, link_trusted = excluded.link_trusted`)
	claimsByA = db.SQL("identity.claimsByA", `select a_id, b_id, kind, at, message_id, source
		from claim where a_id in ($1) order by a_id, b_id, kind, tag`)
	claimsByB = db.SQL("identity.claimsByB", `select a_id, b_id, kind, at, message_id, source
		from claim where b_id in ($1) order by a_id, b_id, kind, tag`)
	saveClaim = db.SQL("identity.saveClaim", `insert into claim
		(a_id, b_id, kind, tag, at, message_id, source)
		values ($1, $2, $3, $4, $5, $6, $7) on conflict (a_id, b_id, kind, tag) do update set
		at = excluded.at, message_id = excluded.message_id, source = excluded.source
		where (excluded.at, excluded.message_id, excluded.source) < (claim.at, claim.message_id, claim.source)`)
)

// Stored kinds of claims: links of public, late public and trusted events are told apart.
const (
	storedPublicLink = iota + 1
	storedTrustedLink
	storedAlias
	storedMerge
	storedUnmerge
	storedLateLink
)

func storedKind(c *Claim) int {
	switch c.Kind {
	case Alias:
		return storedAlias
	case Merge:
		return storedMerge
	case Unmerge:
		return storedUnmerge
	case Link:
	}
	switch {
	case c.Trusted:
		return storedTrustedLink
	case c.Late:
		return storedLateLink
	}
	return storedPublicLink
}

func scanClaim(rows *sql.Rows) (Claim, error) {
	var c Claim
	var kind int
	err := rows.Scan(&c.A, &c.B, &kind, &c.At, &c.MessageID, &c.Source)
	c.Late = kind == storedLateLink
	c.Trusted = kind != storedPublicLink && !c.Late
	switch kind {
	case storedAlias:
		c.Kind = Alias
	case storedMerge:
		c.Kind = Merge
	case storedUnmerge:
		c.Kind = Unmerge
	default:
		c.Kind = Link
	}
	return c, err
}

func saveClaims(tx *db.Tx, claims []Claim) error {
	best := map[said]*Claim{} // PostgreSQL refuses to update a row twice in one statement
	for i := range claims {
		c := &claims[i]
		if old := best[c.said()]; old == nil || c.when(old) < 0 {
			best[c.said()] = c
		}
	}
	rows := make([][]any, 0, len(best))
	for i := range claims {
		if c := &claims[i]; best[c.said()] == c {
			rows = append(rows, []any{int64(c.A), int64(c.B), storedKind(c), c.tag(), int64(c.At), c.MessageID, int64(c.Source)})
		}
	}
	_, err := tx.Bulk(saveClaim, rows)
	return err
}

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func saveNodes(tx *db.Tx, nodes []*node) error {
	var rows [][]any
	for _, n := range nodes {
		if !n.dirty {
			continue
		}
		rows = append(rows, []any{
			n.Value, int64(n.Kind), int64(n.root), int64(n.Seen), bit(n.Vouched), int64(n.claimed),
			int64(n.links), int64(n.link), int64(n.linked), bit(n.trusted),
		})
	}
	_, err := tx.Bulk(saveProfile, rows)
	return err
}

// graph is the part of the stored profiles that a transaction has read and locked.
type graph struct {
	tx    *db.Tx
	nodes map[lead.ProfileID]*node
}

func (g *graph) keep(n *node) *node {
	if old := g.nodes[n.ID]; old != nil {
		return old // what this transaction changed is newer
	}
	g.nodes[n.ID] = n
	return n
}

// inOrder are the nodes by id.
func (g *graph) inOrder() []*node {
	nodes := make([]*node, 0, len(g.nodes))
	for _, n := range g.nodes {
		nodes = append(nodes, n)
	}
	slices.SortFunc(nodes, func(a, b *node) int { return cmp.Compare(a.ID, b.ID) })
	return nodes
}

// load reads and locks profiles by id, in the order of ids.
func (g *graph) load(ids []lead.ProfileID) error {
	keys := g.missing(ids)
	return g.tx.QueryIn(profilesByID, keys, nil, func(rows *sql.Rows) error {
		n, err := scanNode(rows)
		if err == nil {
			g.keep(n)
		}
		return err
	})
}

// int64s are ids as arguments.
func int64s[T ~int64](ids []T) []any {
	out := make([]any, len(ids))
	for i, id := range ids {
		out[i] = int64(id)
	}
	return out
}

// missing are the ids of which nothing is loaded, sorted and distinct, as arguments.
func (g *graph) missing(ids []lead.ProfileID) []any {
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	var keys []any
	for _, id := range ids {
		if id != 0 && g.nodes[id] == nil {
			keys = append(keys, int64(id))
		}
	}
	return keys
}

// lockLimit is how many keys one query locks in the order of ids.
const lockLimit = 256

// find reads and locks profiles by value; it calls found for each, which may be of another kind.
func (g *graph) find(values []string, found func(*node)) error {
	slices.Sort(values)
	values = slices.Compact(values)
	keys := make([]any, len(values))
	for i, v := range values {
		keys[i] = v
	}
	take := func(rows *sql.Rows) error {
		n, err := scanNode(rows)
		if err == nil {
			found(g.keep(n))
		}
		return err
	}
	if len(values) <= lockLimit || g.tx.Dialect() == db.SQLite {
		return g.tx.QueryIn(profilesByValue, keys, nil, take)
	}
	// Locks are taken in the order of ids over all keys, or two replicas would wait for each other.
	var ids []lead.ProfileID
	err := g.tx.QueryIn(profileIDsByValue, keys, nil, func(rows *sql.Rows) error {
		var id lead.ProfileID
		var value string
		var kind int
		err := rows.Scan(&id, &value, &kind)
		ids = append(ids, id)
		return err
	})
	if err != nil {
		return err
	}
	return g.tx.QueryIn(profilesByID, g.missing(ids), nil, take)
}

// expand loads the clusters that the given profiles belong to; it returns the ids of all their members,
// sorted, with the given ones.
func (g *graph) expand(ids []lead.ProfileID) ([]lead.ProfileID, error) {
	if err := g.load(ids); err != nil {
		return nil, err
	}
	roots := map[lead.ProfileID]bool{}
	var keys []any
	var members []lead.ProfileID
	for _, id := range ids {
		n := g.nodes[id] // nil when a reference names nothing
		if n == nil || roots[n.cluster()] {
			continue
		}
		roots[n.cluster()] = true
		members = append(members, n.cluster())
		if !n.fresh {
			keys = append(keys, int64(n.cluster()))
		}
	}
	members = append(members, ids...)
	err := g.tx.QueryIn(membersOf, keys, nil, func(rows *sql.Rows) error {
		var id lead.ProfileID
		err := rows.Scan(&id)
		members = append(members, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.Sort(members)
	members = slices.Compact(members)
	return members, g.load(members)
}

// claimsOf reads the stored claims about profiles.
func (g *graph) claimsOf(ids []lead.ProfileID, out map[said]Claim) error {
	keys := int64s(ids)
	take := func(rows *sql.Rows) error {
		c, err := scanClaim(rows)
		out[c.said()] = c
		return err
	}
	if err := g.tx.QueryIn(claimsByA, keys, nil, take); err != nil {
		return err
	}
	return g.tx.QueryIn(claimsByB, keys, nil, take)
}
