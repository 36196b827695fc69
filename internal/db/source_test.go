package db_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"cusp/internal/db"
	"cusp/internal/db/dbtest"
)

// declared is one call of db.SQL in the source.
type declared struct{ name, text, at string }

func TestEveryStatementIsUnderstoodByItsEngines(t *testing.T) {
	t.Parallel()
	found := statements(t)
	if len(found) < 20 {
		t.Fatalf("only %d statements found: does the search still work?", len(found))
	}
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		for _, s := range found {
			if strings.HasPrefix(s.text, "/* postgres only */") && d.Dialect() != db.Postgres ||
				strings.HasPrefix(s.text, "/* sqlite only */") && d.Dialect() != db.SQLite {
				continue
			}
			err := d.Write(t.Context(), func(tx *db.Tx) error { return tx.Prepare(db.SQL(s.name, s.text)) })
			if err != nil {
				t.Errorf("%s: %v", s.at, err)
			}
		}
	})
}

func TestStatementsHaveUniqueNames(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, s := range statements(t) {
		if other, ok := seen[s.name]; ok {
			t.Errorf("%s: the name %s is taken by %s", s.at, s.name, other)
		}
		seen[s.name] = s.at
	}
}

// unportable are words whose meaning differs between the engines, or which one of them lacks.
var unportable = regexp.MustCompile(`(?i)select \*|\bilike\b|\bnow\(\)|\bgreatest\(|\bleast\(|\blower\(|\bupper\(|current_timestamp|->`)

func TestStatementsArePortable(t *testing.T) {
	t.Parallel()
	for _, s := range statements(t) {
		if word := unportable.FindString(s.text); word != "" && !strings.Contains(s.text, " only */") {
			t.Errorf("%s: %s uses %q", s.at, s.name, word)
		}
	}
}

// statements finds every db.SQL call under internal/, outside tests and this package.
func statements(t *testing.T) []declared {
	t.Helper()
	var found []declared
	dirs := map[string][]*ast.File{}
	set := token.NewFileSet()
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		dirs[filepath.Dir(path)] = append(dirs[filepath.Dir(path)], f)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, files := range dirs {
		consts := constants(files)
		for _, f := range files {
			ast.Inspect(f, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok || !isSQL(call.Fun) || len(call.Args) != 2 {
					return true
				}
				at := set.Position(call.Pos()).String()
				name, err1 := eval(call.Args[0], consts)
				text, err2 := eval(call.Args[1], consts)
				if err1 != nil || err2 != nil {
					t.Errorf("%s: name and text must be constants: %v %v", at, err1, err2)
				}
				found = append(found, declared{name, text, at})
				return true
			})
		}
	}
	return found
}

func isSQL(fun ast.Expr) bool {
	sel, ok := fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	pkg, ok := sel.X.(*ast.Ident)
	return ok && pkg.Name == "db" && sel.Sel.Name == "SQL"
}

// constants are the package-level constants that name a text.
func constants(files []*ast.File) map[string]ast.Expr {
	m := map[string]ast.Expr{}
	for _, f := range files {
		for _, d := range f.Decls {
			gen, ok := d.(*ast.GenDecl)
			if !ok || gen.Tok != token.CONST {
				continue
			}
			for _, s := range gen.Specs {
				v := s.(*ast.ValueSpec)
				for i, name := range v.Names {
					if i < len(v.Values) {
						m[name.Name] = v.Values[i]
					}
				}
			}
		}
	}
	return m
}

// eval works out a constant text: literals, names and sums of these.
func eval(e ast.Expr, consts map[string]ast.Expr) (string, error) {
	switch x := e.(type) {
	case *ast.BasicLit:
		if x.Kind == token.STRING {
			return strconv.Unquote(x.Value)
		}
	case *ast.ParenExpr:
		return eval(x.X, consts)
	case *ast.Ident:
		if v, ok := consts[x.Name]; ok {
			return eval(v, consts)
		}
	case *ast.BinaryExpr:
		left, err := eval(x.X, consts)
		if err != nil || x.Op != token.ADD {
			return "", fmt.Errorf("%s: %w", x.Op, err)
		}
		right, err := eval(x.Y, consts)
		return left + right, err
	}
	return "", fmt.Errorf("%T is not a constant text", e)
}
