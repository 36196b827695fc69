package cases_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

const (
	guide  = "../../../docs/guide/read-an-explanation.md"
	worked = "../../../examples/midmarket-saas/cases/adds-up-by-hand/"
)

func text(t *testing.T, file string) string {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// TestGuide_worksTheTestedCase keeps the example that readers redo by hand equal to the case that is run.
func TestGuide_worksTheTestedCase(t *testing.T) {
	t.Parallel()
	page := text(t, guide)
	if facts := text(t, worked+"facts.yaml"); !strings.Contains(page, "```yaml\n"+facts+"```") {
		t.Errorf("%s shows other facts than %s", guide, worked)
	}
	for _, number := range regexp.MustCompile(`\d+\.\d{3,}`).FindAllString(text(t, worked+"want.yaml"), -1) {
		if !strings.Contains(page, number) {
			t.Errorf("%s never arrives at %s", guide, number)
		}
	}
}
