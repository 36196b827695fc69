package canon

import "testing"

func TestLazy(t *testing.T) {
	t.Parallel()
	o := LazyRaw([]byte(`{"email":"ann@acme.example","n":3}`))
	if raw, err := o.Raw(); err != nil || string(raw) != `{"email":"ann@acme.example","n":3}` {
		t.Errorf("untouched: %s, %v", raw, err)
	}
	if o.Text("email") != "ann@acme.example" || o.Text("n") != "" || o.Text("none") != "" {
		t.Errorf("texts of %v", o.Map())
	}
	o.Map()["email"] = "bob@acme.example"
	o.Touch()
	if raw, err := o.Raw(); err != nil || string(raw) != `{"email":"bob@acme.example","n":3}` {
		t.Errorf("touched: %s, %v", raw, err)
	}
	var empty Lazy
	if raw, err := empty.Raw(); err != nil || len(raw) != 0 || empty.Map() == nil {
		t.Errorf("empty: %s, %v", raw, err)
	}
	if m := LazyMap(map[string]any{"a": "b"}); m.Text("a") != "b" {
		t.Error("a given map is not read")
	}
}
