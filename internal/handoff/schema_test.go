package handoff

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"

	"cusp/internal/condition"
	"cusp/internal/decide"
	"cusp/internal/playbook"
)

func schema(t *testing.T) (compiled *jsonschema.Schema, doc map[string]any) {
	t.Helper()
	read, err := jsonschema.UnmarshalJSON(bytes.NewReader(playbook.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("urn:cusp:playbook:1", read); err != nil {
		t.Fatal(err)
	}
	if compiled, err = c.Compile("urn:cusp:playbook:1"); err != nil {
		t.Fatal(err)
	}
	return compiled, read.(map[string]any)
}

// values are a document as an editor sees it: keys that look like dates are text, as they are to us.
func values(t *testing.T, src string) any {
	t.Helper()
	var n yaml.Node
	if err := yaml.Load([]byte(src), &n); err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(plain(t, n.Content[0]))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func plain(t *testing.T, n *yaml.Node) any {
	t.Helper()
	switch n.Kind {
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			m[n.Content[i].Value] = plain(t, n.Content[i+1])
		}
		return m
	case yaml.SequenceNode:
		list := []any{}
		for _, c := range n.Content {
			list = append(list, plain(t, c))
		}
		return list
	default: // a scalar
	}
	var v any
	if err := n.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestSchema_acceptsWhatCompileAccepts(t *testing.T) {
	t.Parallel()
	s, _ := schema(t)
	full, err := os.ReadFile(filepath.Join("testdata", "section", "full.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(values(t, head+string(full))); err != nil {
		t.Error(err)
	}
	for _, slip := range [][2]string{
		{"zone: Europe/Berlin", "zones: Europe/Berlin"},
		{"fri: \"09:00-15:00\"", "fri: 9-15"},
		{"fri: \"09:00-15:00\"", "friday: \"09:00-15:00\""},
		{"2026-12-24", "24.12.2026"},
		{"manager: mia@acme.example", "manager: mia"},
		{"when_full: manager", "when_full: boss"},
		{"wait: true", "wait: maybe"},
		{"{id: sales, fallback: true}", "{name: Sales, fallback: true}"},
		{"regions: {dach: [DE", "regions: {dach: [Germany"},
		{"regions: {dach:", "regions: {da:"},
		{"track: inbound, terr", "track: outbound, terr"},
		{"min_engagement: 40", "min_engagement: 400"},
		{"LI], to: dach", "LI]"},
		{"first_contact: 10m", "first_contact: 10"},
		{"attempts: 5", "attempts: 5.5"},
		{"barrier: timing", "barrier: time"},
		{"too_early, barrier: timing", "too_early"},
		{"frameworks: [champ", "frameworks: [chimp"},
		{"on: [breach]", "on: []"},
		{"on: [breach]", "on: [breached]"},
		{"tracks: [inbound]", "tracks: [upbound]"},
		{`from: "20:00"`, `from: "25:00"`},
		{`, to: "07:30"`, ""},
	} {
		src := head + strings.Replace(string(full), slip[0], slip[1], 1)
		if src == head+string(full) {
			t.Fatalf("%q is not in the document", slip[0])
		}
		if p, _, _ := Parse("slip", []byte(src)); p != nil {
			t.Errorf("%s: Compile accepts it", slip[1])
		}
		if err := s.Validate(values(t, src)); err == nil {
			t.Errorf("%s: the schema accepts it", slip[1])
		}
	}
}

// The schema shows the clocks that hold when nothing is said.
func TestSchema_defaults(t *testing.T) {
	t.Parallel()
	_, doc := schema(t)
	at := func(path ...string) map[string]any {
		m := doc
		for _, p := range path {
			m = m["properties"].(map[string]any)[p].(map[string]any)
		}
		return m
	}
	for track, sla := range DefaultPlan().SLA {
		text := func(d time.Duration) any { return condition.FormatDuration(d.Seconds()) }
		for key, want := range map[string]any{
			"business": sla.Business, "first_contact": text(sla.FirstContact), "warn": text(sla.Warn), "escalate": text(sla.Escalate),
			"reassign": text(sla.Reassign), "return": text(sla.Return),
		} {
			if got := at("handoff", "sla", string(track), key)["default"]; got != want {
				t.Errorf("%s.%s: %v, want %v", track, key, got, want)
			}
		}
	}
	if got := at("handoff", "frameworks")["default"]; !cmp.Equal(got, []any{"bant"}) {
		t.Errorf("frameworks: %v", got)
	}
	if len(DefaultPlan().SLA) != 2 || DefaultPlan().SLA[decide.TrackInbound].Attempts != 6 {
		t.Error("the defaults have changed: change the schema too")
	}
}
