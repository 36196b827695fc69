package goldentest

import (
	"path/filepath"
	"strings"
	"testing"
)

// recorder stands in for a test and keeps what it is told.
type recorder struct {
	testing.TB

	said strings.Builder
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.said.WriteString(format)
	for _, a := range args {
		if s, ok := a.(string); ok {
			r.said.WriteString(s)
		}
	}
}

func TestEqualTellsWhatDiffers(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "new", "x.golden")
	write(t, file, "a\nb\n")
	var same, other recorder
	Equal(&same, file, "a\nb\n")
	Equal(&other, file, "a\nc\n")
	if same.said.Len() > 0 {
		t.Errorf("the same text is called stale: %s", same.said.String())
	}
	for _, want := range []string{file, "-update", "b", "c"} {
		if !strings.Contains(other.said.String(), want) {
			t.Errorf("%q is not told in:\n%s", want, other.said.String())
		}
	}
}
