package document

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"cusp/internal/condition"
	"cusp/internal/fault"
)

// Conditions compiles the conditions of a document.
type Conditions struct {
	d      *Document
	c      *condition.Compiler
	misses map[string]string // custom traits to the standard one that they resemble; empty for none
}

// Conditions makes a reader of conditions.
func (d *Document) Conditions(c *condition.Compiler) *Conditions {
	return &Conditions{d: d, c: c, misses: map[string]string{}}
}

// Read compiles the condition under a key; nil when it is absent or wrong.
func (r *Conditions) Read(s Section, key string, at condition.Scope) *condition.Condition {
	n := s.Field(key)
	if n == nil {
		return nil
	}
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!str" {
		hint := "write the condition in quotes: 'account.employees >= 50'"
		if n.ShortTag() == "!!bool" {
			hint = fmt.Sprintf("write it in quotes: '%s'", n.Value)
		}
		r.d.Refuse(n, "wrong_type", hint,
			"%s must be a condition, not %s", s.Path(key), KindName(n))
		return nil
	}
	if strings.TrimSpace(n.Value) == "" {
		r.d.Refuse(n, "empty", "give it a value or remove the key", "%s is empty", s.Path(key))
		return nil
	}
	c, found := r.c.Compile(n.Value, at)
	if len(found) > 0 {
		place := r.d.positions(n)
		for _, f := range found {
			line, column := place(f.Offset)
			r.d.report(fault.SeverityError, f.Code, line, column, f.Hint, f.Message)
		}
		r.d.bad[n] = true
		return nil
	}
	for _, path := range c.Paths() {
		r.NearMiss(n, path)
	}
	return c
}

// NearMiss warns of a custom trait that is most likely a mistyped standard one. Any trait may exist, so
// it is no more than advice.
func (r *Conditions) NearMiss(n *yaml.Node, path string) {
	root, name, _ := strings.Cut(path, ".")
	name, _, _ = strings.Cut(name, ".")
	trait := root + "." + name
	likely, asked := r.misses[trait]
	if !asked {
		traits := map[string][]condition.Trait{"person": condition.PersonTraits(), "account": condition.AccountTraits()}[root]
		likely = resembled(name, traits)
		r.misses[trait] = likely
	}
	if likely != "" {
		r.d.Warn(n, "unknown_trait", fmt.Sprintf("did you mean %s.%s?", root, likely), "%s is not a standard trait", trait)
	}
}

// resembled is the standard trait that a name is one or two typing mistakes away from; empty when the
// name is one itself, or resembles none.
func resembled(name string, traits []condition.Trait) string {
	if len(name) < 4 || slices.ContainsFunc(traits, func(t condition.Trait) bool { return t.Name == name }) {
		return ""
	}
	for _, t := range traits {
		if d := fault.Distance(name, t.Name); d == 1 || d == 2 && len(name) >= 6 {
			return t.Name
		}
	}
	return ""
}
