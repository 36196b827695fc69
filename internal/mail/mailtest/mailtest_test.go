package mailtest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The program in the cache is named by its version: another one in go.mod must be built anew.
func TestVersionIsThatOfTheModule(t *testing.T) {
	t.Parallel()
	mod, err := os.ReadFile(filepath.Join("..", "..", "..", "tests", "tools", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(mod), "github.com/axllent/mailpit "+version+"\n") {
		t.Errorf("tests/tools/go.mod has another Mailpit than %s", version)
	}
}
