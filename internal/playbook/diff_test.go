package playbook_test

import (
	"fmt"
	"math"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"cusp/internal/goldentest"
	"cusp/internal/playbook"
)

func parse(t testing.TB, name string, src []byte) *playbook.Playbook {
	t.Helper()
	p, problems := playbook.Parse(name, src)
	if p == nil {
		t.Fatalf("%v", problems)
	}
	return p
}

func TestDiff_identicalPlaybooksGiveNone(t *testing.T) {
	t.Parallel()
	for name, src := range examples(t) {
		commented := append([]byte("# another first line\n\n"), src...)
		if got := playbook.Diff(parse(t, name, src), parse(t, name, commented)); len(got) > 0 {
			t.Errorf("%s differs from itself: %v", name, got)
		}
	}
}

// derived are fields that follow from others or do not decide anything.
var derived = map[string]bool{".Hash": true, ".Source": true, ".Max": true}

// mutate calls try after each change of a single field below v, and undoes the change.
func mutate(v reflect.Value, path string, try func(path string)) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			mutate(v.Elem(), path, try)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			name := "." + v.Type().Field(i).Name
			if v.Type().Field(i).IsExported() && !derived[name] {
				mutate(v.Field(i), path+name, try)
			}
		}
	case reflect.Array:
		for i := range v.Len() {
			mutate(v.Index(i), fmt.Sprintf("%s[%d]", path, i), try)
		}
	case reflect.Slice:
		mutateSlice(v, path, try)
	case reflect.Map:
		mutateMap(v, path, try)
	default:
		before := reflect.New(v.Type()).Elem()
		before.Set(v)
		mutateScalar(v)
		try(path)
		v.Set(before)
	}
}

func mutateSlice(v reflect.Value, path string, try func(path string)) {
	for i := range v.Len() {
		mutate(v.Index(i), fmt.Sprintf("%s[%d]", path, i), try)
	}
	if v.Len() == 0 {
		return
	}
	before := v.Slice(0, v.Len())
	whole := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
	reflect.Copy(whole, before)
	v.Set(whole.Slice(0, v.Len()-1))
	try(path + "[drop last]")
	v.Set(before)
}

func mutateMap(v reflect.Value, path string, try func(path string)) {
	for _, key := range v.MapKeys() {
		item := reflect.New(v.Type().Elem()).Elem()
		old := v.MapIndex(key)
		item.Set(old)
		mutate(item, fmt.Sprintf("%s[%v]", path, key), func(p string) {
			v.SetMapIndex(key, item)
			try(p)
		})
		v.SetMapIndex(key, reflect.Value{})
		try(fmt.Sprintf("%s[drop %v]", path, key))
		v.SetMapIndex(key, old)
	}
}

func mutateScalar(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(v.String() + "x")
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Uint8:
		v.SetUint((v.Uint() + 1) % 4)
	case reflect.Int, reflect.Int64:
		step := int64(1)
		if v.Type() == reflect.TypeFor[time.Duration]() {
			step = int64(time.Hour)
		}
		v.SetInt(v.Int() + step)
	case reflect.Float64:
		if math.IsInf(v.Float(), 0) {
			v.SetFloat(7)
			return
		}
		v.SetFloat(v.Float() + 1)
	default: // has fields or items of its own
	}
}

func TestDiff_everySingleChangeIsReported(t *testing.T) {
	t.Parallel()
	for name, src := range examples(t) {
		a, b := parse(t, name, src), parse(t, name, src)
		tried := 0
		mutate(reflect.ValueOf(b), name, func(path string) {
			tried++
			if len(playbook.Diff(a, b)) == 0 && !redundant(a, path) {
				t.Errorf("a change of %s is not reported", path)
			}
		})
		if tried < 300 {
			t.Errorf("%s: tried only %d changes", name, tried)
		}
		if got := playbook.Diff(a, b); len(got) > 0 {
			t.Fatalf("the mutations of %s were not undone: %v", name, got)
		}
	}
}

// redundant says whether the trigger's value says nothing on its own: the name of the signal that an
// index points to, or the index of a trigger that is no signal.
func redundant(p *playbook.Playbook, path string) bool {
	for i, s := range p.Signals {
		at := fmt.Sprintf(".Signals[%d].On.", i)
		onSignal := s.On.Kind == playbook.OnSignal
		if strings.HasSuffix(path, at+"Value") && onSignal || strings.HasSuffix(path, at+"Signal") && !onSignal {
			return true
		}
	}
	return false
}

// edits is what a quarterly review might change in the mid-market example.
var edits = []string{
	"review_every: 90d        #", "review_every: 180d       #",
	"[spendwise.example, ledgerhub.example, payquick.example]", "[spendwise.example, payquick.example, tillwise.example]",
	"  suppliers: [pixelcraft.example, leadlists.example]\n", "  suppliers: [pixelcraft.example, leadlists.example]\n  partners: [northco.example]\n",
	"  - id: supplier\n    when: 'person.email_domain in lists.suppliers'\n    because: Sells to us\n", "",
	"    because: Looks for a job with us\n", "    because: Looks for a job with us\n" +
		"  - id: partner\n    when: 'person.email_domain in lists.partners'\n    because: Works for a partner\n",
	"account.employees >= 200', points: 30", "account.employees >= 200', points: 25",
	"    - id: geography\n      needs: [account.country]\n      rules:\n        - {when: 'account.country in lists.served', points: 10}\n", "",
	"ask: What is your role?", "ask: Which is your role at work?",
	"on: {page: '/pricing*'}, points: 15, half_life: 14d, cap: 45", "on: {page: '/plans*'}, points: 10, half_life: 7d, cap: 30",
	"count(\"pricing_viewed\", \"14d\") >= 3", "count(\"pricing_viewed\", \"7d\") >= 2",
	"{id: ebook_downloaded, class: interest,", "{id: guide_downloaded, class: interest,",
	"{id: topic_surge, class: evaluation, stage: consideration, origin: third_party,", "{id: topic_surge, class: evaluation, stage: consideration,",
	"cap: 50, track: inbound}", "cap: 50}",
	"caps: {interest: 10, third_party: 15}", "caps: {interest: 8, buying: 80}",
	"review: 40             #", "review: 45             #",
	"    - {level: 3, intent: 60}\n", "",
	"inbound: {fit_floor: 20}", "inbound: {fit_floor: 25}",
	"weights: [1, 0.5, 0.25]", "weights: [1, 0.5]",
}

func TestDiff_readsAloud(t *testing.T) {
	t.Parallel()
	before := examples(t)["midmarket-saas"]
	after := string(before)
	for i := 0; i < len(edits); i += 2 {
		if strings.Count(after, edits[i]) != 1 {
			t.Fatalf("the example holds %q %d times, want once", edits[i], strings.Count(after, edits[i]))
		}
		after = strings.Replace(after, edits[i], edits[i+1], 1)
	}
	var out strings.Builder
	for _, c := range playbook.Diff(parse(t, "before", before), parse(t, "after", []byte(after))) {
		fmt.Fprintf(&out, "%s\t%s\t%s\n", c.Section, c.Kind, c)
	}
	goldentest.Equal(t, filepath.Join("testdata", "diff.golden"), out.String())
}

const ordered = `
playbook: 1
name: Order
exclude:
  - {id: a, when: 'person.title == "a"', because: A}
  - {id: b, when: 'person.title == "b"', because: B}
fit:
  criteria:
    - id: size
      rules:
        - {when: 'account.employees >= 10', points: 10}
        - {when: 'account.country == "DE"', points: 20}
    - id: role
      rules: [{when: 'person.title == "c"', points: 5}]
signals:
  - {id: seen, class: evaluation, on: {page: '/pricing'}, points: 50, half_life: 14d, cap: 50}
  - {id: asked, class: buying, on: {page: '/pricing'}, where: 'has_signal("seen")', points: 40, half_life: 14d, cap: 40}
  - {id: other, class: usage, on: {track: Other}, points: 20, half_life: 14d, cap: 20}
decide: {review: 40, engage: 70}
`

func TestDiff_reportsOrderOnlyWhereItDecides(t *testing.T) {
	t.Parallel()
	line := func(containing string) string {
		for l := range strings.Lines(ordered) {
			if strings.Contains(l, containing) {
				return l
			}
		}
		t.Fatalf("no line holds %q", containing)
		return ""
	}
	swap := func(a, b string) string {
		return strings.NewReplacer(line(a), line(b), line(b), line(a)).Replace(ordered)
	}
	role := "    - id: role\n      rules: [{when: 'person.title == \"c\"', points: 5}]\n"
	for name, tt := range map[string]struct {
		after string
		want  int
	}{
		"exclusions: the first match is the reason":  {swap("id: a,", "id: b,"), 1},
		"rules: the first match gives the points":    {swap("employees >= 10", "country =="), 1},
		"signals, one of which asks about the other": {swap("id: seen", "id: asked"), 1},
		"signals that know nothing of each other":    {swap("id: asked", "id: other"), 0},
		"criteria": {strings.Replace(strings.Replace(ordered, role, "", 1), "  criteria:\n", "  criteria:\n"+role, 1), 0},
	} {
		got := playbook.Diff(parse(t, "before", []byte(ordered)), parse(t, name, []byte(tt.after)))
		if len(got) != tt.want {
			t.Errorf("%s: got %d changes, want %d: %v", name, len(got), tt.want, got)
		}
		for _, c := range got {
			if c.Kind != playbook.Moved {
				t.Errorf("%s: got %+v, want a move", name, c)
			}
		}
	}
}
