package identity_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"cusp/internal/identity"
)

func object(t testing.TB, text string) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestTraits(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{}`: `{}`,
		`{"firstName":" Ann ","last_name":"Lee","jobTitle":"CTO"}`:                                   `{"first_name":"Ann","last_name":"Lee","title":"CTO"}`,
		`{"position":"CFO","title":"CTO","jobtitle":"CEO"}`:                                          `{"title":"CTO"}`,
		`{"position":"CFO","job_title":"CTO"}`:                                                       `{"title":"CTO"}`,
		`{"Job Title":"CTO","linkedin-url":"x","companyURL":"y"}`:                                    `{"title":"CTO","linkedin":"x","company_url":"y"}`,
		`{"a":"","b":"  ","c":null,"d":{},"e":[],"f":[" ",null],"g":0,"h":false}`:                    `{"g":0,"h":false}`,
		`{"email":" Ann@ACME.com. "}`:                                                                `{"email":"ann@acme.com"}`,
		`{"email":"ann@localhost"}`:                                                                  `{}`,
		`{"email":7}`:                                                                                `{}`,
		`{"emailAddress":"a@b.c"}`:                                                                   `{"email":"a@b.c"}`,
		`{"email_domain":"evil.com","user_id":"x","anonymousId":"y","groupId":"z"}`:                  `{}`,
		`{"company":{"name":"Acme","industry":"Steel","employee_count":120,"id":"c1","plan":"pro"}}`: `{"company":"Acme","industry":"Steel","employees":120,"company_id":"c1","plan":"pro"}`,
		`{"company":{"name":"Acme","employeeCount":"1,200"},"employees":5}`:                          `{"company":"Acme","employees":5}`,
		`{"company":"Acme","companyName":"Other"}`:                                                   `{"company":"Acme"}`,
		`{"number_of_employees":"51-200"}`:                                                           `{"employees":51}`,
		`{"company_size":"10,000+"}`:                                                                 `{"employees":10000}`,
		`{"company_size":"about 50"}`:                                                                `{}`,
		`{"employees":"12 employees"}`:                                                               `{"employees":12}`,
		`{"employees":"5e1"}`:                                                                        `{"employees":50}`,
		`{"postalCode":89073,"name":{"first":"x"},"city":["x"],"phone":true}`:                        `{"postal_code":"89073"}`,
		`{"employees":"NaN"}`:                                                                        `{}`,
		`{"employees":{"x":1}}`:                                                                      `{}`,
		`{"address":{"city":"Ulm","country":"DE","postalCode":"89073","state":"BW"},"city":"Bonn"}`:  `{"address":{"city":"Ulm","country":"DE","postal_code":"89073","region":"BW"},"city":"Bonn","country":"DE","postal_code":"89073","region":"BW"}`,
		`{"nested":{"camelCase":[{"innerKey":" x "}]}}`:                                              `{"nested":{"camel_case":[{"inner_key":"x"}]}}`,
	} {
		got := identity.Traits(object(t, in))
		if diff := cmp.Diff(got, object(t, want)); diff != "" {
			t.Errorf("%s (-got +want):\n%s", in, diff)
		}
	}
}

func TestAccountTraits(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{"name":"Acme","website":"https://www.acme.com/x","numberOfEmployees":"1'500"}`: `{"name":"Acme","website":"https://www.acme.com/x","domain":"acme.com","employees":1500}`,
		`{"companyName":"Acme","domain":"WWW.Acme.com"}`:                                 `{"name":"Acme","domain":"acme.com"}`,
		`{"domain":"nonsense","annualRevenue":"1000000"}`:                                `{"revenue":1000000}`,
		`{"address":{"country":"DE"}}`:                                                   `{"address":{"country":"DE"},"country":"DE"}`,
	} {
		got := identity.AccountTraits(object(t, in))
		if diff := cmp.Diff(got, object(t, want)); diff != "" {
			t.Errorf("%s (-got +want):\n%s", in, diff)
		}
	}
}

func TestTraitsAreANormalForm(t *testing.T) {
	t.Parallel()
	words := []string{
		"firstName", "name", "email", "Email", "company", "company_name", "employees", "company_size", "address",
		"city", "state", "jobTitle", "job_title", "position", "x", "X", "Country Code",
	}
	values := []any{"a", " b ", "", "a@b.c", 5.0, "1,000", true, nil, map[string]any{"name": "n", "city": "c"}, []any{"x"}}
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.MapOf(rapid.SampledFrom(words), rapid.SampledFrom(values)).Draw(t, "traits")
		once := identity.Traits(in)
		if diff := cmp.Diff(identity.Traits(once), once); diff != "" {
			t.Fatalf("(-twice +once):\n%s", diff)
		}
		person := map[string]any{}
		identity.Apply(person, once, true)
		if identity.Apply(person, once, true) {
			t.Fatalf("applying %v again changed something", once)
		}
	})
}

func TestApply(t *testing.T) {
	t.Parallel()
	person := map[string]any{}
	apply := func(trusted bool, traits string) bool {
		return identity.Apply(person, identity.Traits(object(t, traits)), trusted)
	}
	for _, step := range []struct {
		trusted bool
		traits  string
		changed bool
		want    string
	}{
		{false, `{"name":"Ann van Lee"}`, true, `{"name":"Ann van Lee","first_name":"Ann","last_name":"van Lee"}`},
		{false, `{"email":"a@b.com"}`, true, `{"email":"a@b.com","email_domain":"b.com"}`},
		{false, `{"email":"a@b.com"}`, false, `{}`},
		{false, `{"email":"evil@c.com","owner":"x","ownerId":7,"consent":{"mail":true},"consentMail":true,"unsubscribed":false}`, false, `{}`},
		{true, `{"email":"a@c.com","owner":"o","unsubscribed":true}`, true, `{"email":"a@c.com","email_domain":"c.com","owner":"o","unsubscribed":true}`},
		{false, `{"unsubscribed":false,"title":"CTO"}`, true, `{"title":"CTO"}`},
		{true, `{"email":""}`, false, `{}`},
	} {
		before := maps.Clone(person)
		maps.Copy(before, object(t, step.want))
		if got := apply(step.trusted, step.traits); got != step.changed {
			t.Errorf("%s changed something: %v", step.traits, got)
		}
		if diff := cmp.Diff(person, before); diff != "" {
			t.Errorf("%s (-got +want):\n%s", step.traits, diff)
		}
	}
}

func TestHints(t *testing.T) {
	t.Parallel()
	person := map[string]any{}
	identity.Apply(person, identity.Traits(object(t, `{"email":"a@mail.acme.com","company":{"name":"Acme","employee_count":7}}`)), true)
	want := map[string]any{"name": "Acme", "employees": 7.0, "domain": "acme.com"}
	if diff := cmp.Diff(identity.Hints(person), want); diff != "" {
		t.Errorf("(-got +want):\n%s", diff)
	}
	if got := identity.Hints(map[string]any{"email_domain": "gmail.com"}); len(got) != 0 {
		t.Errorf("a free-mail domain says %v", got)
	}
}

func FuzzTraits(f *testing.F) {
	for _, s := range []string{`{"email":"a@b.c","company":{"name":1}}`, `{"":{"":[{"":""}]}}`, `{"É Ü":"x","aB":1,"a_b":2}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var m map[string]any
		if json.Unmarshal([]byte(s), &m) != nil {
			return
		}
		for _, normal := range []func(map[string]any) map[string]any{identity.Traits, identity.AccountTraits} {
			once := normal(m)
			if diff := cmp.Diff(normal(once), once); diff != "" {
				t.Fatalf("%s (-twice +once):\n%s", s, diff)
			}
		}
	})
}

func FuzzParseReference(f *testing.F) {
	for _, s := range []string{"u", "user:u", "email:A@b.c", "per_0000000000001", "domain:x", "group:", "user:user:x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, ok := identity.ParseReference(s)
		if !ok {
			return
		}
		if again, ok := identity.ParseReference(r.String()); !ok || again != r {
			t.Errorf("%q is %+v, which reads as %+v", s, r, again)
		}
	})
}

func TestParseReference(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"u": "user:u", "user:u": "user:u", "user:user:u": "user:user:u", "x:y": "user:x:y", "email:A@B.c": "email:a@b.c",
		"anonymous:A": "anonymous:A", "domain:WWW.Acme.com": "domain:acme.com", "per_0000000000001": "per_0000000000001",
		"": "", "email:x": "", "user:": "", "per_0000000000000": "", "a\x00b": "", strings.Repeat("x", 2000): "",
	} {
		r, ok := identity.ParseReference(in)
		if ok != (want != "") || ok && r.String() != want {
			t.Errorf("ParseReference(%q) = %v, %v, want %q", in, r, ok, want)
		}
	}
}

func TestCanonicalNamesWinOverTheirAliases(t *testing.T) {
	t.Parallel()
	in := map[string]any{"title": "1", "jobTitle": "2", "position": "3", "job_title": "4"}
	for len(in) > 0 {
		keys := slices.Sorted(maps.Keys(in))
		first := identity.Traits(in)["title"]
		for range 10 {
			if got := identity.Traits(in)["title"]; got != first {
				t.Fatalf("%v reads differently each time", keys)
			}
		}
		delete(in, keys[len(keys)-1])
	}
}

func TestNamed(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ known, userID, want string }{
		{`{}`, "Ann@ACME.com", `{"email":"ann@acme.com","email_domain":"acme.com"}`},
		{`{"email":"b@acme.com","email_domain":"acme.com"}`, "ann@acme.com", `{"email":"b@acme.com","email_domain":"acme.com"}`},
		{`{}`, "u_42", `{}`},
		{`{}`, "@ann", `{}`},
		{`{}`, "ann@localhost", `{}`},
	} {
		person, want := object(t, tt.known), object(t, tt.want)
		changed := !maps.Equal(person, want)
		if got := identity.Named(person, tt.userID); got != changed {
			t.Errorf("%s changed %s: %v", tt.userID, tt.known, got)
		}
		if diff := cmp.Diff(person, want); diff != "" {
			t.Errorf("%s (-got +want):\n%s", tt.userID, diff)
		}
	}
}
