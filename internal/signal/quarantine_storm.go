package signal

import (
	"net/netip"
	"time"

	"cusp/internal/lead"
)

// How many forms one network may send within how long before they are suspected.
const (
	stormNetwork   = 50
	stormNetworkIn = lead.Instant(time.Minute / time.Microsecond)
	networksKept   = 4096
)

// Storm counts the forms that each network sends, whoever it says it is. It is for the edge that takes
// forms in, which marks what it suspects before it is stored, because a fold sees one person at a time.
// It keeps a bounded number of networks and is not safe for concurrent use.
type Storm[K any] struct {
	networks map[netip.Prefix]*[]formSeen[K]
}

type formSeen[K any] struct {
	at  lead.Instant
	key K
}

// NewStorm counts nothing yet.
func NewStorm[K any]() *Storm[K] { return &Storm[K]{networks: map[netip.Prefix]*[]formSeen[K]{}} }

// Observe counts a form from an address at an instant. storm says that its network has sent 50 within a
// minute; earlier are the keys of those before it, told once, in the moment in which the number is
// reached, so that they can be suspected after the fact. An unreadable address counts for nothing.
func (s *Storm[K]) Observe(ip string, key K, now lead.Instant) (earlier []K, storm bool) {
	network, ok := networkOf(ip)
	if !ok {
		return nil, false
	}
	seen := s.networks[network]
	if seen == nil {
		s.makeRoom(now)
		seen = &[]formSeen[K]{}
		s.networks[network] = seen
	}
	old := 0
	for old < len(*seen) && now-(*seen)[old].at >= stormNetworkIn {
		old++
	}
	was := len(*seen)
	*seen = append((*seen)[old:len(*seen):len(*seen)], formSeen[K]{now, key})
	if len(*seen) > stormNetwork {
		*seen = (*seen)[len(*seen)-stormNetwork:]
	}
	if len(*seen) < stormNetwork {
		return nil, false
	}
	if was < stormNetwork {
		for _, f := range (*seen)[:len(*seen)-1] {
			earlier = append(earlier, f.key)
		}
	}
	return earlier, true
}

// makeRoom drops networks that have been quiet, or all when there are too many at once.
func (s *Storm[K]) makeRoom(now lead.Instant) {
	if len(s.networks) < networksKept {
		return
	}
	for network, seen := range s.networks {
		if now-(*seen)[len(*seen)-1].at >= stormNetworkIn {
			delete(s.networks, network)
		}
	}
	if len(s.networks) >= networksKept {
		clear(s.networks)
	}
}

// networkOf is the network that one household or office usually has: /24 of IPv4, /48 of IPv6.
func networkOf(ip string) (netip.Prefix, bool) {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return netip.Prefix{}, false
	}
	addr = addr.Unmap().WithZone("")
	bits := 24
	if addr.Is6() {
		bits = 48
	}
	return netip.PrefixFrom(addr, bits).Masked(), true
}
