package route

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func reference(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "reference", "routing.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// row is a line of the worked example.
func row(n int, order []Turn, members []RepID, suffix string) string {
	var s strings.Builder
	fmt.Fprintf(&s, "| %d |", n)
	for _, m := range members {
		for _, turn := range order {
			if turn.Rep == m {
				s.WriteString(strings.ReplaceAll(fmt.Sprintf(" %.2f → %.2f |", turn.Ahead, turn.Due), "-0.00", "0.00"))
			}
		}
	}
	fmt.Fprintf(&s, " %s%s |\n", order[0].Rep, suffix)
	return s.String()
}

func TestReference_workedExample(t *testing.T) {
	t.Parallel()
	doc := reference(t)
	all := []candidate{{"Ana", 3}, {"Ben", 2}, {"Cleo", 1}}
	var p Pool
	for n := 1; n <= 8; n++ {
		suffix := ""
		if n == 7 {
			var err error
			if p, _, err = p.Credit(2, "Ben", NoShow); err != nil {
				t.Fatal(err)
			}
			suffix = ", made good"
		}
		var order []Turn
		p, order, _ = p.assign(HandoffID(n), members(all), all)
		if want := row(n, order, members(all), suffix); !strings.Contains(doc, want) {
			t.Errorf("the reference lacks %s", want)
		}
	}
}

func TestReference_namesEveryCode(t *testing.T) {
	t.Parallel()
	doc := reference(t)
	pattern := regexp.MustCompile(`(?:Code = |l\.refuse\(|l\.warn\()"([a-z_]+)"`)
	n := 0
	for _, file := range []string{"hop.go", "lint.go", "shadow.go"} {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range pattern.FindAllStringSubmatch(string(b), -1) {
			n++
			if !strings.Contains(doc, "`"+m[1]+"`") {
				t.Errorf("the reference does not name %s", m[1])
			}
		}
	}
	if n < 55 {
		t.Errorf("only %d codes found: does the search still work?", n)
	}
}
