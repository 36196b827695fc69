package arch

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// link is a link of a Markdown page to a file; addresses of other hosts and places on the same page are
// none.
var link = regexp.MustCompile(`\]\(([^)#:\s]+)(?:#[^)\s]*)?\)`)

// pages are the Markdown files of the repository, by their path from its root.
func pages(t *testing.T) map[string]string {
	t.Helper()
	root := filepath.Join("..", "..")
	all := map[string]string{}
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains([]string{".git", "bin", "node_modules", "testdata"}, d.Name()):
			return filepath.SkipDir
		case d.IsDir() || filepath.Ext(p) != ".md":
			return nil
		}
		text, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		all[filepath.ToSlash(rel)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestLinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	for page, text := range pages(t) {
		for _, l := range link.FindAllStringSubmatch(text, -1) {
			target := filepath.Join("..", "..", filepath.Dir(page), filepath.FromSlash(l[1]))
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s, which is not there", page, l[1])
			}
		}
	}
}

// A page that no index names is not found by those who need it.
func TestEveryPageIsInTheIndex(t *testing.T) {
	t.Parallel()
	all := pages(t)
	for page := range all {
		rel, ok := strings.CutPrefix(page, "docs/")
		if ok && rel != "README.md" && !strings.Contains(all["docs/README.md"], "]("+rel+")") {
			t.Errorf("docs/README.md does not lead to %s", rel)
		}
	}
}

// The README is the map that newcomers read first.
func TestReadmeNamesEveryPackage(t *testing.T) {
	t.Parallel()
	readme := pages(t)["README.md"]
	for name := range strings.FieldsSeq(order + " arch") {
		if !strings.Contains(readme, "`"+name+"`") && !strings.Contains(readme, "`internal/"+name+"`") {
			t.Errorf("the table in README.md leaves out internal/%s", name)
		}
	}
}
