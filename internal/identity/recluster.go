package identity

import (
	"maps"
	"slices"

	"cusp/internal/lead"
)

// cluster applies the new claims. Claims that come after all others about the clusters they touch are
// simply added; else the clusters are replayed from all of their claims, with the same result.
func (b *batch) cluster() error {
	if len(b.claims) == 0 && len(b.lowered) == 0 {
		return nil
	}
	b.before = map[lead.ProfileID]lead.ProfileID{}
	ids := slices.Clone(b.lowered)
	for i := range b.claims {
		ids = append(ids, b.claims[i].A, b.claims[i].B)
	}
	members, err := b.expand(ids)
	if err != nil {
		return err
	}
	if roots, ok := b.extend(members); ok {
		b.move(roots)
		return nil
	}
	return b.replay(members)
}

// extend adds the new claims to the clusters as they stand; ok is false when a claim may not come last
// or needs what only a replay knows.
func (b *batch) extend(members []lead.ProfileID) (roots map[lead.ProfileID]lead.ProfileID, ok bool) {
	if len(b.lowered) > 0 || b.crowded {
		return nil, false
	}
	profiles := make([]Profile, len(members))
	for i, id := range members {
		profiles[i] = b.nodes[id].Profile
	}
	r := newReplay(profiles)
	newest := make([]lead.Instant, len(members))
	for i, id := range members {
		j := r.index[b.nodes[id].cluster()]
		r.unite(i, j)
		newest[i] = b.nodes[id].claimed
	}
	for i := range members {
		root := r.find(i)
		newest[root] = max(newest[root], newest[i])
	}
	stored := make([]int, len(members)) // the clusters before the batch
	for i := range members {
		stored[i] = r.find(i)
	}
	claims := slices.Clone(b.claims)
	r.sort(claims)
	for i := range claims {
		c := &claims[i]
		a, z := stored[r.index[c.A]], stored[r.index[c.B]]
		if c.Kind == Unmerge || c.At <= newest[a] || c.At <= newest[z] {
			return nil, false
		}
		switch r.judge(c) {
		case joins:
			r.join(c)
		case replaces, moves:
			return nil, false
		case void, barred:
		}
	}
	return r.partition().Root, true
}

// replay clusters anew everything that claims connect, in force or void, with the given profiles.
func (b *batch) replay(members []lead.ProfileID) error {
	claims := map[said]Claim{}
	for i := range b.claims {
		c := b.claims[i]
		claims[c.said()] = c
	}
	seen := map[lead.ProfileID]bool{}
	for todo := members; len(todo) > 0; {
		for _, id := range todo {
			seen[id] = true
		}
		stored := map[said]Claim{}
		if err := b.claimsOf(todo, stored); err != nil {
			return err
		}
		var next []lead.ProfileID
		for key, c := range stored {
			if mine, ok := claims[key]; !ok || c.when(&mine) < 0 {
				claims[key] = c
			}
			for _, id := range [...]lead.ProfileID{c.A, c.B} {
				if !seen[id] {
					next = append(next, id)
				}
			}
		}
		wider, err := b.expand(next)
		if err != nil {
			return err
		}
		todo = slices.DeleteFunc(wider, func(id lead.ProfileID) bool { return seen[id] })
	}
	profiles := make([]Profile, 0, len(seen))
	for _, id := range slices.Sorted(maps.Keys(seen)) {
		profiles = append(profiles, b.nodes[id].Profile)
	}
	b.move(Cluster(profiles, slices.Collect(maps.Values(claims))).Root)
	return nil
}

// move puts profiles into their clusters.
func (b *batch) move(roots map[lead.ProfileID]lead.ProfileID) {
	for id, root := range roots {
		n := b.nodes[id]
		if n.cluster() == root {
			continue
		}
		b.before[id] = n.cluster()
		n.root, n.dirty = root, true
		if root == id {
			n.root = 0
		}
	}
}
