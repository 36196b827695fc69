package condition

import "testing"

func TestCovered(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		later   string
		earlier []string
		want    bool
	}{
		{"account.employees >= 500", []string{"account.employees >= 200"}, true},
		{"account.employees >= 200", []string{"account.employees >= 500"}, false},
		{`account.country in ["AT", "DE"]`, []string{`account.country == "AT"`, `account.country == "DE"`}, true},
		{`account.country in ["AT", "CH"]`, []string{`account.country == "AT"`, `account.country == "DE"`}, false},
		{`account.country == "AT"`, []string{"true"}, true},
		{`account.country == "AT"`, []string{""}, true}, // no condition: always
		{"", []string{`account.country == "AT"`}, false},
		{"", []string{""}, true},
		{"", nil, false},
		{`account.country == "AT"`, nil, false},
	} {
		var earlier []*Condition
		for _, text := range tc.earlier {
			earlier = append(earlier, optionalCondition(t, text))
		}
		if got := Covered(optionalCondition(t, tc.later), earlier); got != tc.want {
			t.Errorf("Covered(%q, %q) = %v", tc.later, tc.earlier, got)
		}
	}
	if Covered(&Condition{}, []*Condition{{}}) {
		t.Error("conditions that are not compiled cover nothing")
	}
}

func optionalCondition(t *testing.T, text string) *Condition {
	t.Helper()
	if text == "" {
		return nil
	}
	return compileFor(t, text, Scope{})
}
