package canon

import (
	"encoding/json"
	"fmt"
)

// Lazy is an object that is decoded only when somebody reads it: a state that holds one is loaded and stored
// far more often than the object is asked for.
type Lazy struct {
	raw []byte         // canonical JSON; nil when decoded is newer or the map is empty
	all map[string]any // nil until decoded
}

// LazyRaw is an object as its canonical JSON; empty for an empty object.
func LazyRaw(raw []byte) Lazy { return Lazy{raw: raw} }

// LazyMap is an object as its members, which belong to it from now on.
func LazyMap(all map[string]any) Lazy { return Lazy{all: all} }

// Map is the decoded map, never nil. Whoever changes it calls Touch.
func (t *Lazy) Map() map[string]any {
	if t.all == nil {
		t.all = map[string]any{}
		if len(t.raw) > 0 {
			if m, err := Decode(t.raw); err == nil {
				t.all = m
			}
		}
	}
	return t.all
}

// Touch says that the map was changed.
func (t *Lazy) Touch() { t.raw = nil }

// Raw is the map as canonical JSON; empty for an empty map.
func (t *Lazy) Raw() ([]byte, error) {
	if t.raw == nil && len(t.all) > 0 {
		raw, err := json.Marshal(t.all)
		if err != nil {
			return nil, fmt.Errorf("encode object: %w", err)
		}
		t.raw = raw
	}
	return t.raw, nil
}

// Text is the member as text; empty when it is absent or of another type.
func (t *Lazy) Text(key string) string {
	s, _ := t.Map()[key].(string)
	return s
}
