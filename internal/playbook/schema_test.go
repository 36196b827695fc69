package playbook_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"

	"cusp/internal/goldentest"
	"cusp/internal/playbook"
)

func compileSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(playbook.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource("urn:cusp:playbook:1", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("urn:cusp:playbook:1")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// asJSON is a YAML document as the values of a JSON decoder, which is what editors validate.
func asJSON(t *testing.T, src []byte) any {
	t.Helper()
	var v any
	if err := yaml.Load(src, &v); err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestSchema_isCheckedIn(t *testing.T) {
	t.Parallel()
	goldentest.Equal(t, filepath.Join("..", "..", "docs", "reference", "playbook.schema.json"), string(playbook.Schema()))
}

func TestSchema_acceptsWhatParseAccepts(t *testing.T) {
	t.Parallel()
	s := compileSchema(t)
	all := examples(t)
	all["ordered"] = []byte(ordered)
	all["full"] = []byte(full)
	acme, err := os.ReadFile("testdata/acme.yaml")
	if err != nil {
		t.Fatal(err)
	}
	all["acme"] = acme
	for name, src := range all {
		if _, problems := playbook.Parse(name, src); problems.Err() != nil {
			t.Errorf("%v", problems)
		}
		if err := s.Validate(asJSON(t, src)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// full uses every key of the format once.
const full = `
playbook: 1
name: Full
review_every: 12w
lists: {rivals: [rival.example]}
internal: {domains: [full.example], ips: [203.0.113.7, '2001:db8::/32']}
exclude:
  - {id: rival, when: 'account.domain in lists.rivals', because: Competitor}
fit:
  gate: 40
  min_coverage: 0.25
  criteria:
    - {id: size, needs: [account.employees], ask: 'How many?', rules: [{when: 'account.employees >= 5', points: 10}]}
signals:
  - {id: read, class: interest, stage: awareness, origin: first_party, on: {page: '/a*'}, points: 5, half_life: 14d, cap: 10, once_per: 30m, track: nurture}
  - {id: told, class: interest, on: {identify: true}, points: 1, half_life: 14d, cap: 1}
  - {id: wrote, class: buying, stage: decision, on: {form: contact}, points: 60, half_life: 14d, cap: 60, track: inbound}
  - {id: said, class: buying, on: {text: budget}, points: 30, half_life: 14d, cap: 30}
  - {id: denied, class: negative, on: {text: no_budget}, points: -30, half_life: 14d}
  - {id: turned, class: usage, stage: consideration, on: {turn: serious}, points: 5, half_life: 14d, cap: 5}
  - {id: tried, class: usage, on: {track: Tried}, where: 'event.properties.n > 1', points: 5, half_life: 14d, cap: 25}
  - {id: again, class: evaluation, on: {signal: read}, where: 'count("read", "7d") >= 3', points: 10, half_life: 14d, cap: 10}
  - {id: price, class: evaluation, on: {page: '*/price'}, points: 10, half_life: 14d, cap: 10}
  - {id: surge, class: evaluation, origin: third_party, on: {track: Surge}, points: 10, half_life: 14d, cap: 10}
intent:
  caps: {interest: 10, evaluation: 50, buying: 90, usage: 30, third_party: 10}
  first_party_within: 30d
decide: {review: 40, engage: 70, mql: [{level: 1, intent: 20}], cooldown: 0d, inbound: {fit_floor: 10}}
account: {weights: [1, 0.5], roles_bonus: {two: 5, three: 10}, review: 50, engage: 90}
momentum: {fast: 7d, slow: 28d, serious_within: 14d, serious_count: 2}
handoff: {}
nurture: {}
`

// slips are replacements in full that make it structurally wrong.
var slips = map[string][2]string{
	"unknown key at the top":      {"handoff: {}", "handofff: {}"},
	"unknown key in a signal":     {"half_life: 14d, cap: 10, once_per", "halflife: 14d, cap: 10, once_per"},
	"unknown key in a criterion":  {"ask: 'How many?'", "asks: 'How many?'"},
	"unknown class":               {"class: usage, stage", "class: usages, stage"},
	"unknown stage":               {"stage: decision", "stage: decided"},
	"unknown origin":              {"origin: third_party", "origin: third"},
	"unknown track":               {"track: inbound", "track: outbound"},
	"unknown finding":             {"text: no_budget", "text: not_budget"},
	"two triggers":                {"on: {form: contact}", "on: {form: contact, track: X}"},
	"no trigger":                  {"on: {form: contact}", "on: {}"},
	"missing points":              {"points: 60, ", ""},
	"missing id":                  {"{id: wrote, ", "{"},
	"missing name":                {"name: Full\n", ""},
	"missing thresholds":          {"review: 40, engage: 70, mql", "mql"},
	"another version":             {"playbook: 1", "playbook: 2"},
	"points as text":              {"points: 60", "points: '60'"},
	"a duration without a unit":   {"once_per: 30m", "once_per: 30"},
	"a duration of nothing":       {"once_per: 30m", "once_per: 0m"},
	"a duration in seconds":       {"first_party_within: 30d", "first_party_within: 30s"},
	"a cap of nothing":            {"points: 30, half_life: 14d, cap: 30", "points: 30, half_life: 14d, cap: 0"},
	"a cap for negative":          {"caps: {interest: 10", "caps: {negative: 10"},
	"a gate above 100":            {"gate: 40", "gate: 140"},
	"coverage in percent":         {"min_coverage: 0.25", "min_coverage: 25"},
	"a list that is built in":     {"rivals: [rival.example]}", "rivals: [rival.example], free_mail: [x.example]}"},
	"a page with its host":        {"page: '/a*'", "page: 'https://x.example/a*'"},
	"a page with its query":       {"page: '/a*'", "page: '/a?b=*'"},
	"an id with a space":          {"{id: size", "{id: 'si ze'"},
	"a need that is no trait":     {"needs: [account.employees]", "needs: [employees]"},
	"half a level":                {"level: 1", "level: 1.5"},
	"no weights":                  {"weights: [1, 0.5]", "weights: []"},
	"a weight above 1":            {"weights: [1, 0.5]", "weights: [2, 0.5]"},
	"an empty reason":             {"because: Competitor", "because: ''"},
	"a mapping instead of a list": {"exclude:\n  - {", "exclude:\n    {"},
	"half a count":                {"serious_count: 2", "serious_count: 2.5"},
	"identify that is not true":   {"identify: true", "identify: always"},
	"a turn to something else":    {"turn: serious", "turn: sour"},
	"handoff that is no mapping":  {"handoff: {}", "handoff: []"},
}

func TestSchema_refusesWhatParseRefuses(t *testing.T) {
	t.Parallel()
	s := compileSchema(t)
	for name, slip := range slips {
		if strings.Count(full, slip[0]) < 1 {
			t.Fatalf("%s: the document does not hold %q", name, slip[0])
		}
		src := []byte(strings.Replace(full, slip[0], slip[1], 1))
		if _, problems := playbook.Parse(name, src); problems.Err() == nil {
			t.Errorf("%s: Parse accepts it", name)
		}
		if err := s.Validate(asJSON(t, src)); err == nil {
			t.Errorf("%s: the schema accepts it", name)
		}
	}
}

// TestSchema_describesEverything keeps the schema useful in an editor: each property says what it is.
func TestSchema_describesEverything(t *testing.T) {
	t.Parallel()
	var doc map[string]any
	if err := json.Unmarshal(playbook.Schema(), &doc); err != nil {
		t.Fatal(err)
	}
	var walk func(path string, s map[string]any)
	walk = func(path string, s map[string]any) {
		props, _ := s["properties"].(map[string]any)
		for name, p := range props {
			sub := p.(map[string]any)
			if text, _ := sub["description"].(string); text == "" {
				t.Errorf("%s.%s has no description", path, name)
			}
			walk(path+"."+name, sub)
		}
		if item, ok := s["items"].(map[string]any); ok {
			walk(path+"[]", item)
		}
	}
	walk("", doc)
}
