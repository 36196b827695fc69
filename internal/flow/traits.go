package flow

import (
	"encoding/json"
	"fmt"

	"cusp/internal/canon"
)

// Traits is a trait map that is decoded only when somebody reads it: most events neither change nor ask
// for traits, and a state is loaded and stored for each of them.
type Traits struct {
	raw []byte         // canonical JSON; nil when decoded is newer or the map is empty
	all map[string]any // nil until decoded
}

// Map is the decoded map, never nil. Whoever changes it calls Touch.
func (t *Traits) Map() map[string]any {
	if t.all == nil {
		t.all = map[string]any{}
		if len(t.raw) > 0 {
			if m, err := canon.Decode(t.raw); err == nil {
				t.all = m
			}
		}
	}
	return t.all
}

// Touch says that the map was changed.
func (t *Traits) Touch() { t.raw = nil }

// Raw is the map as canonical JSON; empty for an empty map.
func (t *Traits) Raw() ([]byte, error) {
	if t.raw == nil && len(t.all) > 0 {
		raw, err := json.Marshal(t.all)
		if err != nil {
			return nil, fmt.Errorf("encode traits: %w", err)
		}
		t.raw = raw
	}
	return t.raw, nil
}

// Text is the trait as text; empty when it is absent or of another type.
func (t *Traits) Text(key string) string {
	s, _ := t.Map()[key].(string)
	return s
}
