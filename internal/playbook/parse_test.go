package playbook

import (
	"os"
	"path/filepath"
	"testing"

	"cusp/internal/fault"
)

// read loads a file of testdata.
func read(t testing.TB, name string) []byte {
	t.Helper()
	src, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func TestParse_designExample(t *testing.T) {
	t.Parallel()
	p, problems := Parse("acme.yaml", read(t, "acme.yaml"))
	if p == nil {
		t.Fatalf("the design's own example is refused:\n%v", problems)
	}
	for _, pr := range problems {
		if pr.Severity == fault.SeverityError {
			t.Errorf("unexpected error: %v", pr)
		}
	}
	if got, want := p.CountWindows(0), 14*day; got != want {
		t.Errorf("CountWindows(pricing_viewed) = %v, want %v", got, want)
	}
}
