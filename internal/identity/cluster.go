package identity

import (
	"cmp"
	"slices"

	"cusp/internal/lead"
)

// Partition is how profiles fall into people and accounts.
type Partition struct {
	Root map[lead.ProfileID]lead.ProfileID // each profile's cluster, named by its smallest profile id
	Void []Claim                           // claims that are kept but join nothing, in fold order
}

// Cluster replays claims in the order of their events and answers which profiles belong together. It is
// a function of the two sets: neither their order nor repeated claims matter, and ids only name the
// result. Claims about profiles that are not given are ignored.
//
// A cluster is known once it has a user id, an e-mail address, a group id or a domain. The rules:
//
//   - A profile that nobody knows yet joins whoever claims it first; afterwards it is taken.
//   - Two user ids (or group ids) are joined only by a trusted alias or merge.
//   - A trusted claim joins an e-mail address to a user id, unless another user id has it already. When
//     only public claims gave it to the other, the server's word replaces the browser's.
//   - A public claim never joins two known clusters. It may name a visitor or add an identifier that no
//     earlier event carried, but not a second e-mail address. Browsers say themselves when something
//     happened; so what arrives late and joins two profiles that servers vouch for counts for nothing.
//   - An un-merge cuts its first profile, and what hangs on that alone, off the cluster of the second.
//     Afterwards only a merge joins the two again. Claims that were void until then are tried again.
//   - An identifier that very many others are linked with (a device for everybody, a user id "undefined") is
//     nobody's: its links do not count.
//   - A merge joins whatever it names, but with an anonymous profile only that profile changes hands.
func Cluster(profiles []Profile, claims []Claim) Partition {
	r := newReplay(profiles)
	claims = slices.DeleteFunc(slices.Clone(claims), func(c Claim) bool {
		_, hasA := r.index[c.A]
		_, hasB := r.index[c.B]
		return !hasA || !hasB || c.A == c.B
	})
	r.sort(claims)
	claims = r.dropCommon(dropRepeats(claims))
	for i := range claims {
		r.step(&claims[i])
	}
	return r.partition()
}

// dropRepeats keeps what was said first; a weaker claim after a stronger one says nothing new.
func dropRepeats(claims []Claim) []Claim {
	seen := make(map[said]bool, len(claims))
	return slices.DeleteFunc(claims, func(c Claim) bool {
		key := c.said()
		if slices.ContainsFunc(key.atLeast(), func(s said) bool { return seen[s] }) {
			return true
		}
		seen[key] = true
		return false
	})
}

// mostLinks is how many profiles may be linked with one before that says nothing any more. A browser is
// shared by a family or an office; a person who deletes cookies comes back as a new browser every week.
func mostLinks(k Kind) int {
	if k == Anonymous {
		return 100
	}
	return 2000
}

// dropCommon drops the links of identifiers that are nobody's.
func (r *replay) dropCommon(claims []Claim) []Claim {
	pairs := map[[2]lead.ProfileID]bool{}
	partners := map[lead.ProfileID]int{}
	for i := range claims {
		c := &claims[i]
		if pair := [2]lead.ProfileID{c.A, c.B}; c.Kind == Link && !pairs[pair] {
			pairs[pair] = true
			partners[c.A]++
			partners[c.B]++
		}
	}
	common := func(id lead.ProfileID) bool { return partners[id] > mostLinks(r.kind(id)) }
	return slices.DeleteFunc(claims, func(c Claim) bool { return c.Kind == Link && (common(c.A) || common(c.B)) })
}

// replay is the state between two claims. Profiles are numbered by their place in the input.
type replay struct {
	profiles []Profile
	index    map[lead.ProfileID]int
	parent   []int // union-find
	about    []about
	links    []link
	apart    [][2]int // pairs that only a merge may join
	parked   []*Claim // void ones, to be tried again after a cut
	dead     []*Claim // void for good
}

// about is what the rules ask of a cluster; it is valid at its root.
type about struct{ size, named, addresses int }

// link is a claim in force.
type link struct {
	a, b  int
	claim *Claim
}

func newReplay(profiles []Profile) *replay {
	r := &replay{
		profiles: profiles,
		index:    make(map[lead.ProfileID]int, len(profiles)),
		parent:   make([]int, len(profiles)),
		about:    make([]about, len(profiles)),
	}
	for i := range profiles {
		r.index[profiles[i].ID] = i
	}
	r.rebuild()
	return r
}

// rebuild unites anew what the links in force join.
func (r *replay) rebuild() {
	for i := range r.profiles {
		a := about{size: 1}
		if k := r.profiles[i].Kind; k.named() {
			a.named = 1
		} else if k.address() {
			a.addresses = 1
		}
		r.parent[i], r.about[i] = i, a
	}
	for _, l := range r.links {
		r.unite(l.a, l.b)
	}
}

func (r *replay) find(i int) int {
	for r.parent[i] != i {
		r.parent[i] = r.parent[r.parent[i]]
		i = r.parent[i]
	}
	return i
}

func (r *replay) unite(i, j int) {
	i, j = r.find(i), r.find(j)
	if i == j {
		return
	}
	if r.about[i].size < r.about[j].size {
		i, j = j, i
	}
	r.parent[j] = i
	r.about[i].size += r.about[j].size
	r.about[i].named += r.about[j].named
	r.about[i].addresses += r.about[j].addresses
}

// sort puts claims into fold order. Those of one event have different kinds or lead from different
// kinds of profiles: a user's e-mail address comes before the device.
func (r *replay) sort(claims []Claim) {
	slices.SortFunc(claims, func(c, d Claim) int {
		return cmp.Or(c.when(&d), cmp.Compare(c.Kind, d.Kind), cmp.Compare(r.kind(c.A), r.kind(d.A)),
			-compareBool(c.Trusted, d.Trusted), compareBool(c.Late, d.Late))
	})
}

func (r *replay) kind(id lead.ProfileID) Kind { return r.profiles[r.index[id]].Kind }

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// step takes the next claim in.
func (r *replay) step(c *Claim) {
	if c.Kind == Unmerge {
		if c.Trusted {
			r.cut(c)
		}
		return
	}
	switch r.judge(c) {
	case joins:
		r.join(c)
	case replaces:
		if !r.replace(c) {
			r.parked = append(r.parked, c)
		}
	case void:
		r.parked = append(r.parked, c)
	case barred:
		r.dead = append(r.dead, c)
	case moves:
		r.move(c)
	}
}

// move gives an anonymous profile to another person: its other links end.
func (r *replay) move(c *Claim) {
	x := r.index[c.A]
	if r.profiles[x].Kind != Anonymous {
		x = r.index[c.B]
	}
	r.drop(func(l link) bool { return l.a == x || l.b == x })
	r.join(c)
	r.retry()
}

// drop takes links out of force for good.
func (r *replay) drop(which func(link) bool) {
	r.links = slices.DeleteFunc(r.links, func(l link) bool {
		if which(l) {
			r.dead = append(r.dead, l.claim)
			return true
		}
		return false
	})
	r.rebuild()
}

func (r *replay) join(c *Claim) {
	a, b := r.index[c.A], r.index[c.B]
	if c.Kind == Merge {
		r.apart = slices.DeleteFunc(r.apart, func(p [2]int) bool { return r.between(p, r.find(a), r.find(b)) })
	}
	r.links = append(r.links, link{a, b, c})
	r.unite(a, b)
}

// between says that a pair has one profile in each of two clusters.
func (r *replay) between(pair [2]int, rootA, rootB int) bool {
	x, y := r.find(pair[0]), r.find(pair[1])
	return x == rootA && y == rootB || x == rootB && y == rootA
}

// verdict is what becomes of a claim.
type verdict uint8

const (
	void     verdict = iota
	barred           // void, and never tried again: an un-merge stands against it
	joins            // it is in force
	replaces         // it is, if public claims are all that stands against it
	moves            // it takes a device from one person to another
)

// judge applies the rules to any claim but an un-merge.
func (r *replay) judge(c *Claim) verdict {
	a, b := r.index[c.A], r.index[c.B]
	rootA, rootB := r.find(a), r.find(b)
	left, right := r.about[rootA], r.about[rootB]
	known := left.named+left.addresses > 0 && right.named+right.addresses > 0
	anonymous := r.profiles[a].Kind == Anonymous || r.profiles[b].Kind == Anonymous
	switch {
	case c.Kind == Merge && !c.Trusted:
		return void
	case c.Kind == Merge && rootA != rootB && known && anonymous:
		return moves
	case c.Kind == Merge || rootA == rootB && c.Trusted:
		return joins
	case rootA == rootB:
		return void // nothing to join; were it a link, it might decide who keeps what after a cut
	}
	for _, pair := range r.apart {
		if r.between(pair, rootA, rootB) {
			return barred
		}
	}
	switch {
	case !known:
		return joins
	case left.named > 0 && right.named > 0:
		if c.Kind == Link && c.Trusted && !anonymous {
			return replaces
		}
		return joinsIf(c.Kind == Alias && c.Trusted && r.profiles[a].Kind.named() && r.profiles[b].Kind.named())
	case c.Trusted && !anonymous:
		return joins
	case c.Late && r.profiles[a].Vouched && r.profiles[b].Vouched:
		return void
	case r.fresh(a, c) || r.fresh(b, c):
		return joinsIf(c.Trusted || left.addresses == 0 || right.addresses == 0)
	}
	return void
}

func joinsIf(ok bool) verdict {
	if ok {
		return joins
	}
	return void
}

// fresh says that a profile stands alone and that no event before the claim's carried it.
func (r *replay) fresh(i int, c *Claim) bool {
	return r.about[r.find(i)].size == 1 && r.profiles[i].Seen >= c.At
}

// replace lets a trusted claim about an address win against public ones: it takes those out of force
// when they alone tie the address to another user id.
func (r *replay) replace(c *Claim) bool {
	address := r.index[c.A]
	kept, cut := r.links, []*Claim(nil)
	r.links = nil
	for _, l := range kept {
		if !l.claim.Trusted && (l.a == address || l.b == address) {
			cut = append(cut, l.claim)
			continue
		}
		r.links = append(r.links, l)
	}
	if len(cut) > 0 {
		r.rebuild()
		if r.judge(c) == joins {
			r.join(c)
			r.dead = append(r.dead, cut...)
			r.retry()
			return true
		}
	}
	r.links = kept
	if len(cut) > 0 {
		r.rebuild()
	}
	return false
}

// cut carries an un-merge out.
func (r *replay) cut(c *Claim) {
	x, y := r.index[c.A], r.index[c.B]
	r.apart = append(r.apart, [2]int{x, y})
	if r.find(x) != r.find(y) {
		return
	}
	stays := r.without(x, y)
	r.drop(func(l link) bool { return l.a == x && stays[l.b] || l.b == x && stays[l.a] })
	r.retry()
}

// without is the set of profiles that links join to y when x is taken away.
func (r *replay) without(x, y int) map[int]bool {
	next := map[int][]int{}
	for _, l := range r.links {
		if l.a != x && l.b != x {
			next[l.a] = append(next[l.a], l.b)
			next[l.b] = append(next[l.b], l.a)
		}
	}
	reached, todo := map[int]bool{y: true}, []int{y}
	for len(todo) > 0 {
		i := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, j := range next[i] {
			if !reached[j] {
				reached[j] = true
				todo = append(todo, j)
			}
		}
	}
	return reached
}

// retry tries the void claims again after clusters came apart.
func (r *replay) retry() {
	parked := r.parked
	r.parked = nil
	for _, c := range parked {
		r.step(c)
	}
}

func (r *replay) partition() Partition {
	p := Partition{Root: make(map[lead.ProfileID]lead.ProfileID, len(r.profiles))}
	smallest := make([]lead.ProfileID, len(r.profiles))
	for i := range r.profiles {
		root := r.find(i)
		if id := r.profiles[i].ID; smallest[root] == 0 || id < smallest[root] {
			smallest[root] = id
		}
	}
	for i := range r.profiles {
		p.Root[r.profiles[i].ID] = smallest[r.find(i)]
	}
	for _, c := range slices.Concat(r.dead, r.parked) {
		p.Void = append(p.Void, *c)
	}
	r.sort(p.Void)
	return p
}
