package arch

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// order is the map of the house: a package imports only what stands above it, and never a package of its
// own line. Packages inside a folder belong to the folder's line and may import each other.
const order = `
fault goldentest
lead
canon
domains
condition
document
db
config seal obs fetch queue mail slack hook meeting
access
playbook
ingest
identity
signal
score
decide
handoff
flow
alert
respond
track api
app
sim bench
cli
`

const (
	maxFunction   = 60 // lines, from func to the closing brace
	maxFile       = 500
	maxPackage    = 4000 // lines without tests
	maxInterface  = 6    // methods
	maxDependency = 25   // direct requirements in go.mod
)

// exceptions are places over the budget, each with its reason.
var exceptions = map[string]string{
	"internal/api": "a file for each resource, all on one small set of helpers; cut apart, the helpers would need a package",
}

// noIO are the packages whose rules are pure: they get time, randomness and files as values.
var noIO = []string{"lead", "canon", "condition", "identity", "signal", "score", "decide", "handoff"}

// impure may not be imported by packages of noIO.
var impure = []string{"os", "net/http", "math/rand", "math/rand/v2", "crypto/rand", "os/exec", "log", "log/slog"}

// drivers may be imported by db and what lies in it only.
var drivers = []string{"modernc.org/sqlite", "github.com/jackc/pgx"}

// file is one parsed source file that is not a test.
type file struct {
	path string // from the repository's root, with slashes
	pkg  string // the folder: internal/db/migrate
	ast  *ast.File
	set  *token.FileSet
}

// head is the name on the map: db for internal/db/migrate; empty outside internal.
func (f file) head() string {
	rest, ok := strings.CutPrefix(f.pkg, "internal/")
	if !ok {
		return ""
	}
	h, _, _ := strings.Cut(rest, "/")
	return h
}

func (f file) line(p token.Pos) int { return f.set.Position(p).Line }

// source parses all files under cmd and internal.
func source(t *testing.T) []file {
	t.Helper()
	root := filepath.Join("..", "..")
	var files []file
	for _, top := range []string{"cmd", "internal"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(p string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() && d.Name() == "testdata" {
				return filepath.SkipDir
			}
			if d.IsDir() || !strings.HasSuffix(p, ".go") || strings.HasSuffix(p, "_test.go") {
				return nil
			}
			set := token.NewFileSet()
			parsed, err := parser.ParseFile(set, p, nil, parser.ParseComments|parser.SkipObjectResolution)
			if err != nil {
				return fmt.Errorf("parse %s: %w", p, err)
			}
			rel, err := filepath.Rel(root, p)
			rel = filepath.ToSlash(rel)
			files = append(files, file{rel, path.Dir(rel), parsed, set})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(files) < 20 {
		t.Fatalf("only %d files found: does the search still work?", len(files))
	}
	return files
}

func imports(f file) []string {
	var all []string
	for _, im := range f.ast.Imports {
		s, _ := strconv.Unquote(im.Path.Value) // the parser has checked it
		all = append(all, s)
	}
	return all
}

func TestImportsPointUp(t *testing.T) {
	t.Parallel()
	rank := map[string]int{}
	for i, l := range strings.Split(strings.TrimSpace(order), "\n") {
		for n := range strings.FieldsSeq(l) {
			rank[n] = i + 1
		}
	}
	for _, f := range source(t) {
		if f.pkg == "internal/arch" || f.head() == "" {
			continue
		}
		r := rank[f.head()]
		if r == 0 {
			t.Errorf("%s is not on the map: give it a line in order", f.pkg)
		}
		for _, s := range imports(f) {
			in, ours := strings.CutPrefix(s, "cusp/internal/")
			h, _, _ := strings.Cut(in, "/")
			if ours && h != f.head() && rank[h] >= r {
				t.Errorf("%s may not import %s", f.path, in)
			}
		}
	}
}

func TestBoundaries(t *testing.T) {
	t.Parallel()
	in := func(s string, list []string) bool { return slices.Contains(list, s) }
	for _, f := range source(t) {
		for _, s := range imports(f) {
			switch {
			case f.head() != "db" && f.head() != "bench" && slices.ContainsFunc(drivers, func(d string) bool { return strings.HasPrefix(s, d) }):
				t.Errorf("%s: only internal/db knows a driver; bench measures them bare", f.path)
			case in(f.head(), noIO) && in(s, impure):
				t.Errorf("%s is pure and may not import %s: take it as an argument", f.path, s)
			case s == "testing" && !strings.HasSuffix(f.pkg, "test"):
				t.Errorf("%s: test helpers live in packages named …test", f.path)
			}
		}
		if !in(f.head(), noIO) {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok {
				x, _ := sel.X.(*ast.Ident)
				if x != nil && x.Name == "time" && in(sel.Sel.Name, []string{"Now", "Since", "Until", "Sleep"}) {
					t.Errorf("%s:%d: take the time as an argument", f.path, f.line(n.Pos()))
				}
			}
			return true
		})
	}
}

func TestEverythingIsExplained(t *testing.T) {
	t.Parallel()
	explained := map[string]bool{}
	for _, f := range source(t) {
		explained[f.pkg] = explained[f.pkg] || f.ast.Doc != nil
		for _, d := range f.ast.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && exportedReceiver(d) && d.Doc == nil && !ordinary[d.Name.Name] {
					t.Errorf("%s:%d: %s has no comment", f.path, f.line(d.Pos()), d.Name)
				}
			case *ast.GenDecl:
				unexplained(d, func(n *ast.Ident) { t.Errorf("%s:%d: %s has no comment", f.path, f.line(n.Pos()), n) })
			}
		}
	}
	for pkg, ok := range explained {
		if !ok {
			t.Errorf("%s has no package comment", pkg)
		}
	}
}

// ordinary are methods of the language's own interfaces, which need no words.
var ordinary = map[string]bool{"Error": true, "Unwrap": true, "Len": true, "Less": true, "Swap": true}

func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil || len(d.Recv.List) == 0 {
		return true
	}
	name := ""
	ast.Inspect(d.Recv.List[0].Type, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && name == "" {
			name = id.Name
		}
		return true
	})
	return ast.IsExported(name)
}

// unexplained reports exported names of a declaration without a comment; one above the group will do.
func unexplained(d *ast.GenDecl, report func(*ast.Ident)) {
	for _, s := range d.Specs {
		switch s := s.(type) {
		case *ast.TypeSpec:
			if s.Name.IsExported() && s.Doc == nil && d.Doc == nil && s.Comment == nil {
				report(s.Name)
			}
		case *ast.ValueSpec:
			if s.Doc != nil || d.Doc != nil || s.Comment != nil {
				continue
			}
			for _, n := range s.Names {
				if n.IsExported() {
					report(n)
				}
			}
		}
	}
}

func TestSizes(t *testing.T) {
	t.Parallel()
	lines := map[string]int{}
	var functions []int
	over := func(where string, got, limit int, what string) {
		if got > limit && exceptions[where] == "" {
			t.Errorf("%s has %d %s, over the budget of %d: cut it, or give the exception a reason", where, got, what, limit)
		}
	}
	for _, f := range source(t) {
		n := f.set.File(f.ast.Pos()).LineCount()
		lines[f.pkg] += n
		over(f.path, n, maxFile, "lines")
		ast.Inspect(f.ast, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				size := f.line(n.End()) - f.line(n.Pos()) + 1
				functions = append(functions, size)
				over(f.path+" "+n.Name.Name, size, maxFunction, "lines")
				if n.Recv == nil && n.Name.Name == "init" {
					t.Errorf("%s:%d: no init: do it where it can be seen", f.path, f.line(n.Pos()))
				}
			case *ast.TypeSpec:
				if i, ok := n.Type.(*ast.InterfaceType); ok {
					over(f.path+" "+n.Name.Name, i.Methods.NumFields(), maxInterface, "methods")
				}
			}
			return true
		})
	}
	for pkg, n := range lines {
		over(pkg, n, maxPackage, "lines")
	}
	slices.Sort(functions)
	if median := functions[len(functions)/2]; median > 10 {
		t.Errorf("the median function has %d lines, over 10", median)
	}
}

func TestFewDirectDependencies(t *testing.T) {
	t.Parallel()
	mod, err := os.ReadFile(filepath.Join("..", "..", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	direct := 0
	for line := range strings.Lines(string(mod)) {
		if strings.HasPrefix(line, "\t") && !strings.Contains(line, "// indirect") {
			direct++
		}
	}
	if direct == 0 || direct > maxDependency {
		t.Errorf("go.mod has %d direct dependencies, the budget is %d", direct, maxDependency)
	}
}
