package identity

import (
	"encoding/json"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"cusp/internal/domains"
)

// personAliases are other names under which callers and CRM exports send the standard traits.
var personAliases = map[string]string{
	"e_mail": "email", "email_address": "email", "mail": "email",
	"firstname": "first_name", "given_name": "first_name", "forename": "first_name",
	"lastname": "last_name", "surname": "last_name", "family_name": "last_name",
	"fullname": "name", "full_name": "name",
	"job_title": "title", "jobtitle": "title", "position": "title",
	"company_name": "company", "organization": "company", "organisation": "company", "employer": "company",
	"phone_number": "phone", "phonenumber": "phone", "telephone": "phone", "mobile": "phone", "mobile_phone": "phone",
	"linkedin_url": "linkedin", "linkedin_profile": "linkedin",
}

// commonAliases hold for people and accounts.
var commonAliases = map[string]string{
	"employee_count": "employees", "number_of_employees": "employees", "num_employees": "employees",
	"company_size": "employees", "headcount": "employees",
	"country_code": "country", "zip": "postal_code", "zip_code": "postal_code", "zipcode": "postal_code",
	"postcode": "postal_code", "state": "region", "province": "region",
	"time_zone": "timezone", "lang": "language", "web_site": "website", "homepage": "website",
}

// accountAliases are other names for traits of accounts.
var accountAliases = map[string]string{
	"company": "name", "company_name": "name", "account_name": "name",
	"company_domain": "domain", "domain_name": "domain", "annual_revenue": "revenue",
	"company_industry": "industry", "phone_number": "phone", "linkedin_url": "linkedin",
	"founded_year": "founded", "year_founded": "founded", "tech_stack": "technologies",
}

// textual are the standard traits that are text, so that a rule never meets a number in their place.
var textual = map[string]bool{
	"buying_role": true, "city": true, "company": true, "country": true, "department": true, "domain": true,
	"email": true, "first_name": true, "industry": true, "language": true, "last_name": true, "linkedin": true,
	"name": true, "phone": true, "plan": true, "postal_code": true, "region": true, "seniority": true,
	"timezone": true, "title": true, "type": true, "website": true,
}

// derived traits are filled by the product itself, never by a caller.
var derived = map[string]bool{"user_id": true, "anonymous_id": true, "email_domain": true, "group_id": true}

// Traits brings what a caller says about a person into the one form that rules read: names in snake_case,
// the usual other names replaced (job_title is title), text trimmed, what is empty left out, the address
// and the company laid flat (country, city, …; company is the name, employees and industry stand beside
// it), employees as a number, e-mail addresses in normal form. A name that is given directly wins over
// its other names. Invalid e-mail addresses are left out.
func Traits(traits map[string]any) map[string]any {
	out := plain(traits, personAliases)
	if company, ok := out["company"].(map[string]any); ok {
		typed(out)
		moveAbsent(out, plain(company, accountAliases), map[string]string{
			"name": "company", "employees": "employees", "industry": "industry", "domain": "company_domain",
			"website": "website", "plan": "plan", "id": "company_id",
		})
	}
	settle(out)
	if email, ok := out["email"]; ok {
		delete(out, "email")
		text, _ := email.(string)
		if a, err := domains.Normalize(text); err == nil {
			out["email"] = a.String()
		}
	}
	return out
}

// AccountTraits does for accounts what [Traits] does for people. The domain is brought into normal form,
// and derived from the website when it is not given.
func AccountTraits(traits map[string]any) map[string]any {
	out := plain(traits, accountAliases)
	settle(out)
	domain := text(out, "domain")
	delete(out, "domain")
	if d, ok := domains.Website(domain); ok {
		out["domain"] = d
	} else if d, ok := domains.Website(text(out, "website")); ok {
		out["domain"] = d
	}
	return out
}

// settle lays the address flat and gives the standard traits their types: before, since what has the
// wrong type is absent, and after.
func settle(out map[string]any) {
	typed(out)
	flattenAddress(out)
	typed(out)
}

// typed turns standard traits into their types, or drops them, and drops what callers may not give.
func typed(out map[string]any) {
	for _, key := range [...]string{"employees", "revenue", "founded"} {
		numberOf(out, key)
	}
	for key, v := range out {
		if derived[key] {
			delete(out, key)
		} else if _, ok := v.(string); !ok && textual[key] {
			delete(out, key)
			if n, ok := v.(float64); ok {
				out[key] = strconv.FormatFloat(n, 'f', -1, 64)
			}
		}
	}
}

// plain renames and trims one level of traits; nested objects keep their own names.
func plain(traits map[string]any, aliases map[string]string) map[string]any {
	out := make(map[string]any, len(traits)+1)
	var others []string
	for _, key := range slices.Sorted(maps.Keys(traits)) {
		v, ok := tidy(traits[key])
		if !ok {
			continue
		}
		name := snake(key)
		if canonical(name, aliases) != name {
			others = append(others, key)
			continue
		}
		if _, taken := out[name]; !taken || key == name {
			out[name] = v
		}
	}
	for _, key := range others {
		name := canonical(snake(key), aliases)
		if _, taken := out[name]; !taken {
			out[name], _ = tidy(traits[key])
		}
	}
	return out
}

func canonical(name string, aliases map[string]string) string {
	if to, ok := aliases[name]; ok {
		return to
	}
	if to, ok := commonAliases[name]; ok {
		return to
	}
	return name
}

// tidy trims text, and names the keys of objects in snake_case; ok is false for what is empty.
func tidy(v any) (any, bool) {
	switch v := v.(type) {
	case nil:
		return nil, false
	case string:
		v = strings.TrimSpace(v)
		return v, v != ""
	case map[string]any:
		out := plain(v, nil)
		return out, len(out) > 0
	case []any:
		out := make([]any, 0, len(v))
		for _, item := range v {
			if item, ok := tidy(item); ok {
				out = append(out, item)
			}
		}
		return out, len(out) > 0
	}
	return v, true
}

// snake turns camelCase, spaces and hyphens into snake_case: "employeeCount", "Employee Count" and
// "employee-count" are employee_count, "companyURL" is company_url.
func snake(key string) string {
	if isSnake(key) {
		return key
	}
	runes := []rune(key)
	var b strings.Builder
	gap := func() {
		if b.Len() > 0 && !strings.HasSuffix(b.String(), "_") {
			b.WriteByte('_')
		}
	}
	for i, r := range runes {
		switch {
		case r == ' ' || r == '-' || r == '_' || r == '.':
			gap()
			continue
		case unicode.IsUpper(r):
			afterLower := i > 0 && !unicode.IsUpper(runes[i-1])
			beforeLower := i+1 < len(runes) && unicode.IsLower(runes[i+1])
			if afterLower || beforeLower && i > 0 {
				gap()
			}
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return strings.TrimSuffix(b.String(), "_")
}

// isSnake says that a key is plain snake_case already, as most are.
func isSnake(key string) bool {
	before := byte('_')
	for i := range len(key) {
		c := key[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && (c != '_' || before == '_') {
			return false
		}
		before = c
	}
	return before != '_'
}

// flattenAddress copies the parts of an address object beside it.
func flattenAddress(out map[string]any) {
	address, ok := out["address"].(map[string]any)
	if !ok {
		return
	}
	moveAbsent(out, plain(address, nil), map[string]string{
		"city": "city", "country": "country", "postal_code": "postal_code", "region": "region", "street": "street",
	})
}

// moveAbsent takes the named values of from over where out has none.
func moveAbsent(out, from map[string]any, names map[string]string) {
	for name, to := range names {
		v, ok := from[name]
		if _, taken := out[to]; ok && !taken {
			out[to] = v
		}
	}
}

// numberOf turns a trait into a number, or drops it: a rule that compares numbers must never meet text.
func numberOf(out map[string]any, key string) {
	v, ok := out[key]
	if !ok {
		return
	}
	delete(out, key)
	if n, ok := number(v); ok {
		out[key] = n
	}
}

// number reads a count. Text may have separators ("1,200"), a range counts by its lower end ("51-200",
// "10,000+"), since that is all that is certain.
func number(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, !math.IsNaN(v) && !math.IsInf(v, 0)
	case json.Number:
		n, err := v.Float64()
		return n, err == nil
	case string:
		if n, err := strconv.ParseFloat(v, 64); err == nil {
			return n, !math.IsNaN(n) && !math.IsInf(n, 0)
		}
		digits := strings.NewReplacer(",", "", "'", "", "_", "", " ", "").Replace(v)
		end := strings.IndexFunc(digits, func(r rune) bool { return r < '0' || r > '9' })
		if end == 0 {
			return 0, false
		}
		if end > 0 {
			if !strings.ContainsAny(digits[end:end+1], "+-") && !strings.HasPrefix(digits[end:], "–") &&
				!strings.HasPrefix(digits[end:], "to") && digits[end:] != "employees" {
				return 0, false
			}
			digits = digits[:end]
		}
		n, err := strconv.ParseFloat(digits, 64)
		return n, err == nil
	}
	return 0, false
}

func text(m map[string]any, key string) string {
	s, _ := m[key].(string)
	return s
}

// protected says that a public write key may not set a trait: anybody can read that key in the page.
func protected(key string) bool {
	switch key {
	case "unsubscribed", "opted_out", "opt_out", "do_not_contact", "suppressed":
		return true
	}
	return key == "owner" || strings.HasPrefix(key, "owner_") || strings.HasPrefix(key, "consent")
}

// Apply takes the traits of one event into what is known of a person; it reports whether anything
// changed. Both are in the form of [Traits]; events are applied in fold order, later ones win. From an
// untrusted event, owner, consent and unsubscription are ignored, and so is another e-mail address for
// somebody who has one. The e-mail domain follows the address; first and last name follow the name, and
// the other way round, where they are not given.
func Apply(person, traits map[string]any, trusted bool) bool {
	changed := false
	for key, v := range traits {
		if !trusted && (protected(key) || key == "email" && text(person, "email") != "") {
			continue
		}
		changed = set(person, key, v) || changed
	}
	if _, domain, ok := strings.Cut(text(person, "email"), "@"); ok {
		changed = set(person, "email_domain", domain) || changed
	}
	return names(person) || changed
}

// Named takes a user id that is an e-mail address for the person's address where none is known; it reports
// whether anything changed.
func Named(person map[string]any, userID string) bool {
	address := addressIn(userID)
	return address != "" && text(person, "email") == "" && Apply(person, map[string]any{"email": address}, true)
}

func set(m map[string]any, key string, v any) bool {
	if old, ok := m[key]; ok && reflect.DeepEqual(old, v) {
		return false
	}
	m[key] = v
	return true
}

// names fills in the parts of a name from the whole, or the whole from the parts.
func names(person map[string]any) bool {
	first, last, whole := text(person, "first_name"), text(person, "last_name"), text(person, "name")
	switch {
	case whole == "" && first+last != "":
		person["name"] = strings.TrimSpace(first + " " + last)
		return true
	case whole != "" && first+last == "":
		first, last, _ = strings.Cut(whole, " ")
		person["first_name"] = first
		if last = strings.TrimSpace(last); last != "" {
			person["last_name"] = last
		}
		return true
	}
	return false
}

// companyHints are the traits of a person that speak of the company, and what they are called there.
var companyHints = map[string]string{
	"company": "name", "employees": "employees", "industry": "industry", "company_domain": "domain", "plan": "plan",
}

// Hints are what a person's own traits say about the employer: to be believed as long as the account
// itself says nothing else.
func Hints(person map[string]any) map[string]any {
	hints := map[string]any{}
	moveAbsent(hints, person, companyHints)
	if host := text(person, "email_domain"); host != "" {
		if d, ok := domains.Company(host); ok {
			hints["domain"] = d
		}
	}
	return hints
}
