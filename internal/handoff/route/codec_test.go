package route

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"cusp/internal/fault"
)

func busyPool(t testing.TB) Pool {
	t.Helper()
	p, _ := turns(Pool{}, 20, team(3, 2, 1))
	p, _, err := p.Credit(20, "B", NoShow)
	if err != nil {
		t.Fatal(err)
	}
	p, _, _ = p.assign(-5, []RepID{"A", "C"}, team(3)) // B has left and is only remembered
	return p
}

func TestPool_decodesWhatItEncoded(t *testing.T) {
	t.Parallel()
	for _, p := range []Pool{{}, busyPool(t)} {
		got, err := Decode(p.Encode())
		if err != nil || !cmp.Equal(got, p, cmpopts.EquateEmpty()) {
			t.Errorf("%v\n%s", err, cmp.Diff(p, got, cmpopts.EquateEmpty()))
		}
	}
	if p, err := Decode(nil); err != nil || p.Turns != 0 {
		t.Errorf("nothing stored: %v, %v", p, err)
	}
}

func TestDecode_refusals(t *testing.T) {
	t.Parallel()
	whole := busyPool(t).Encode()
	bad := map[string][]byte{
		"another layout": append([]byte{layout + 1}, whole[1:]...),
		"trailing":       append(bytes.Clone(whole), 0),
	}
	for n := 1; n < len(whole); n++ {
		bad["cut"] = whole[:n]
		for name, b := range bad {
			if _, err := Decode(b); !fault.Is(err, fault.Internal) {
				t.Fatalf("%s at %d: %v", name, n, err)
			}
		}
	}
}

// Whatever is read is a pool that works: it encodes to the same state and keeps its promises.
func FuzzDecode(f *testing.F) {
	f.Add([]byte{})
	f.Add(Pool{}.Encode())
	f.Add(busyPool(f).Encode())
	long, _ := turns(Pool{}, 300, team(1, 5, 25, 100))
	f.Add(long.Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := Decode(b)
		if err != nil {
			return
		}
		again, err := Decode(p.Encode())
		if err != nil || !cmp.Equal(again, p, cmpopts.EquateEmpty()) {
			t.Fatalf("not the same after encoding: %v", err)
		}
		all := team(1000, 1, 30)
		for _, s := range p.Reps {
			all = append(all, candidate{s.Rep, 7})
		}
		seen := map[RepID]bool{}
		for _, c := range all {
			if seen[c.rep] {
				return // a decoded rep is called like one of the team
			}
			seen[c.rep] = true
		}
		for range 3 {
			var order []Turn
			if p, order, _ = p.assign(1, members(all), all); len(order) != len(all) {
				t.Fatalf("%d of %d in order", len(order), len(all))
			}
			if _, err := Decode(p.Encode()); err != nil {
				t.Fatalf("the next pool cannot be stored: %v", err)
			}
		}
	})
}
