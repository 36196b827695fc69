package document

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
	"pgregory.net/rapid"

	"cusp/internal/fault"
)

// Every character of a condition is found again in the source, however the scalar is written.
func TestPositions(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.StringMatching(`[a-zé"'\\.=0-9]{1,6}`), 1, 8).Draw(t, "words")
		value := strings.Join(words, " ")
		style := rapid.SampledFrom([]yaml.Style{0, yaml.SingleQuotedStyle, yaml.DoubleQuotedStyle, yaml.LiteralStyle, yaml.FoldedStyle}).Draw(t, "style")
		if style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
			value = strings.Join(words, "\n") + "\n"
		}
		tree := &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{
			{Kind: yaml.ScalarNode, Value: "key"}, {Kind: yaml.ScalarNode, Style: style, Value: value, Tag: "!!str"},
		}}
		src, err := yaml.Dump(tree, yaml.WithLineWidth(rapid.SampledFrom([]int{20, 1000}).Draw(t, "width")))
		if err != nil {
			t.Fatal(err)
		}
		d := New("test.yaml", src)
		root := d.read()
		if root == nil {
			t.Fatalf("%q is not read: %v", src, d.problems)
		}
		n := root.Content[1]
		place := d.positions(n)
		for i, r := range []rune(n.Value) {
			line, column := place(i)
			if r == ' ' || r == '\n' || r == '"' || r == '\\' || r == '\'' { // these may be escaped or folded
				continue
			}
			if got := d.runeAt(line, column); got != r {
				t.Fatalf("character %d (%q) of %q is placed at %d:%d, where %q stands, in\n%s", i, r, n.Value, line, column, got, src)
			}
		}
	})
}

// Whatever the bytes, a text is a mapping without problems, or its problems have a place in it; and every
// reader gets along with every value.
func FuzzLoad(f *testing.F) {
	for _, pattern := range []string{"*.yaml", "*.json"} {
		files, err := filepath.Glob(filepath.Join("..", "playbook", "testdata", "bad", pattern))
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			src, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(src)
		}
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		d := New("f", src)
		root := d.Load()
		if root == nil && d.Problems().Err() == nil {
			t.Fatal("nothing to read, and no reason")
		}
		if root != nil {
			s := d.Section(root, "")
			for key := range s.Fields {
				s.Text(key, MaxText)
				s.Number(key, 0, 100, 1)
				s.Duration(key, 60, 1)
				s.ID(key)
				s.Texts(key, 10, 10)
				s.Choice(key, []string{"a", "b"}, 0)
				s.Sub(key, "a", "b")
			}
		}
		lines := strings.Split(lineBreaks.Replace(string(src)), "\n")
		for _, p := range d.Problems() {
			if p.Severity != fault.SeverityError || p.Line < 0 || p.Line > len(lines) || p.Message == "" || p.Code == "" {
				t.Fatalf("a problem out of place: %+v", p)
			}
		}
	})
}
