package condition

import "testing"

// Whatever the text, a condition compiles or is refused with a reason; what compiles never panics, and
// gives one answer.
func FuzzCondition(f *testing.F) {
	for _, text := range []string{
		`account.employees >= 200 and not (person.title matches "(?i)intern")`, `count("alpha", "7d") > 2 ? true : person.a`,
		`any(event.properties.items, .price > 50 && #.x ?? 3 == 3)`, `(person.a ?? person.b) in lists.mine`, `person.tags[0] == "a"`,
		`person.tags[1:] == ["b"]`, `person?.a?.b == nil`, `sum(person.a, # * 2) % 3 == 1`, `1 < account.employees < 300`, `"a" + person.title == "x"`,
		`len(filter(person.tags, {# == "a"})) > 0`, `-account.employees ** 2 < 0`, `max(1, account.employees, [3]) > 2`, `person.tags | first() == "a"`,
		`string(person.address) == "x"`, `split(person.title, " ")[0] == "Head"`, `person["title"] == 'Head'`, `not known(person.x)`, `person.a..3`,
	} {
		f.Add(text)
	}
	c := NewCompiler(testSignals, testLists)
	f.Fuzz(func(t *testing.T, text string) {
		cond, found := c.Compile(text, Scope{Event: true, Score: true})
		if (cond == nil) != (len(found) > 0) {
			t.Fatalf("%q: condition %v with findings %v", text, cond, found)
		}
		if cond == nil {
			return
		}
		facts := someFacts()
		got := cond.Eval(facts)
		v := cond.Explain(facts)
		if v.Truth != got || cond.Eval(facts) != got {
			t.Fatalf("%q: Eval %v, then Explain %+v", text, got, v)
		}
		if (got == Unknown) != (len(v.Missing) > 0 || v.Err != "") {
			t.Fatalf("%q: unknown without a reason, or a reason without unknown: %+v", text, v)
		}
	})
}
