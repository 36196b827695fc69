package fault

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cusp/internal/goldentest"
)

// printed are problems as checkers find them; testdata/problems.txt says how people read them.
func printed() Problems {
	return Problems{
		{Code: "unknown_key", File: "playbook.yaml", Line: 3, Column: 1, Message: `unknown key "excludes"`, Hint: "did you mean exclude?", Source: "excludes:"},
		{Severity: SeverityWarning, Code: "no_decay", File: "playbook.yaml", Line: 12, Column: 7, Message: "the points never decay", Source: "    - id: pricing_viewed"},
		{Code: "wrong_type", File: "tabs.json", Line: 2, Column: 3, Message: "one tab is one character", Source: "\t\t\"points\": \"5\""},
		{Code: "wrong_type", File: "tabs.json", Line: 2, Column: 13, Message: "a tab between words stays a tab", Source: "\t\"points\":\t\"5\""},
		{Code: "unknown_name", File: "umlaut.yaml", Line: 1, Column: 14, Message: "columns count characters, not bytes", Source: `because: "Käufer" in x`},
		{Code: "too_short", File: "end.yaml", Line: 1, Column: 6, Message: "the caret may stand behind the line", Source: "name:"},
		{Code: "far", File: "end.yaml", Line: 1, Column: 99, Message: "and never stands further away than that", Source: "name:"},
		{Code: "empty", File: "empty.yaml", Message: "the whole document is meant", Hint: "begin with: playbook: 1"},
	}
}

func TestProblemsAsPeopleReadThem(t *testing.T) {
	t.Parallel()
	goldentest.Equal(t, filepath.Join("testdata", "problems.txt"), printed().Error()+"\n")
}

func TestOnlyErrorsRefuseADocument(t *testing.T) {
	t.Parallel()
	warning, refusal := Problem{Severity: SeverityWarning}, Problem{Severity: SeverityError}
	for _, c := range []struct {
		problems Problems
		refused  bool
	}{
		{nil, false},
		{Problems{warning, warning}, false},
		{Problems{refusal}, true},
		{Problems{warning, refusal}, true},
	} {
		err := c.problems.Err()
		if (err != nil) != c.refused {
			t.Errorf("%d problems: %v", len(c.problems), err)
		}
		if err != nil && KindOf(err) != Invalid {
			t.Errorf("the kind is %v", KindOf(err))
		}
	}
}

func TestSortKeepsTheOrderAtOnePlace(t *testing.T) {
	t.Parallel()
	ps := Problems{
		{File: "b", Line: 1, Column: 1, Message: "5"},
		{File: "a", Line: 2, Column: 1, Message: "4"},
		{File: "a", Line: 1, Column: 9, Message: "2"},
		{File: "a", Line: 1, Column: 9, Message: "3"},
		{File: "a", Line: 1, Column: 2, Message: "1"},
	}
	ps.Sort()
	var order strings.Builder
	for _, p := range ps {
		order.WriteString(p.Message)
	}
	if order.String() != "12345" {
		t.Errorf("sorted to %s", order.String())
	}
}

func TestProblemsRoundTripAsJSON(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(printed())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), `"severity":"warning"`) {
		t.Errorf("severities are not named: %s", text)
	}
	var back Problems
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(printed(), back); diff != "" {
		t.Error(diff)
	}
	var s Severity
	if err := json.Unmarshal([]byte(`"fatal"`), &s); err == nil {
		t.Errorf("read %v from an unknown severity", s)
	}
}
