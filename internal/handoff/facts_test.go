package handoff

import (
	"errors"
	"strings"
	"testing"

	"cusp/internal/fault"
)

func TestToQualifyTakesFactsAndAuthority(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		facts map[string]any
		code  string
	}{
		"nothing filled in":  {nil, ""},
		"some":               {map[string]any{"budget": "60k", "authority": "partly"}, ""},
		"no authority":       {map[string]any{"budget": true, "authority": false}, "no_authority"},
		"something unheard":  {map[string]any{"bugdet": true}, "unknown_fact"},
		"something said not": {map[string]any{"budget": ""}, "empty_fact"},
	} {
		a := Answer{Action: Qualify, Framework: c.facts}
		err := a.check(DefaultPlan(), 1)
		got := &fault.Error{}
		if e, ok := errors.AsType[*fault.Error](err); ok {
			got = e
		}
		if got.Code != c.code || err != nil && !strings.HasPrefix(got.Field, "framework.") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
