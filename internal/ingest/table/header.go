package table

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// alias is one field with the names under which tables carry it, the usual ones first.
type alias struct {
	target target
	names  string // normalised, separated by spaces
	number bool
	date   bool
}

// aliases are the columns that are recognised without a mapping file. Each field takes the first of its
// names that is present; what is left over becomes a trait or property of its own name.
func aliases(kind Kind) []alias {
	switch kind {
	case People:
		return slices.Concat([]alias{userAlias(" id")}, idAliases, personAliases, campaignAliases)
	case Accounts:
		return accountAliases
	case Events:
		return slices.Concat([]alias{userAlias("")}, idAliases, eventAliases, campaignAliases)
	}
	return nil
}

// userAlias takes "id" for the person's id only where rows are people.
func userAlias(more string) alias {
	return alias{target: target{"userId"}, names: "user_id userid external_id contact_id lead_id customer_id" + more}
}

var idAliases = []alias{
	{target: target{"anonymousId"}, names: "anonymous_id anonymousid visitor_id cookie_id"},
	{target: target{"context", "groupId"}, names: "group_id groupid account_id company_id"},
	{target: target{"messageId"}, names: "message_id messageid event_id"},
	{target: target{"context"}, names: "context"},
}

var personAliases = []alias{
	{target: target{"traits"}, names: "traits"},
	{target: target{"traits", "email"}, names: "email e_mail email_address e_mail_address mail work_email business_email"},
	{target: target{"timestamp"}, names: "updated_at last_modified modified_at last_updated", date: true},
	{target: target{"traits", "first_name"}, names: "first_name firstname given_name"},
	{target: target{"traits", "last_name"}, names: "last_name lastname surname family_name"},
	{target: target{"traits", "name"}, names: "name full_name fullname contact_name"},
	{target: target{"traits", "title"}, names: "title job_title jobtitle position"},
	{target: target{"traits", "phone"}, names: "phone phone_number telephone mobile mobile_phone"},
	{target: target{"traits", "created_at"}, names: "created_at createdat create_date created", date: true},
	{target: target{"traits", "company", "name"}, names: "company company_name organization organisation employer account_name"},
	{target: target{"traits", "company", "website"}, names: "website company_website web_site homepage"},
	{target: target{"traits", "company", "domain"}, names: "company_domain domain"},
	{target: target{"traits", "company", "industry"}, names: "industry company_industry sector"},
	{target: target{"traits", "company", "employees"}, names: employeeNames, number: true},
}

const employeeNames = "employees employee_count employees_count number_of_employees no_of_employees num_employees company_size headcount"

var accountAliases = []alias{
	{target: target{"groupId"}, names: "group_id groupid account_id company_id external_id id"},
	{target: target{"messageId"}, names: "message_id messageid"},
	{target: target{"context"}, names: "context"},
	{target: target{"traits"}, names: "traits"},
	{target: target{"traits", "domain"}, names: "domain company_domain email_domain"},
	{target: target{"traits", "website"}, names: "website company_website web_site homepage url"},
	{target: target{"traits", "name"}, names: "name company company_name account account_name organization organisation"},
	{target: target{"timestamp"}, names: "updated_at last_modified modified_at last_updated", date: true},
	{target: target{"traits", "industry"}, names: "industry sector"},
	{target: target{"traits", "employees"}, names: employeeNames, number: true},
	{target: target{"traits", "revenue"}, names: "revenue annual_revenue yearly_revenue turnover", number: true},
	{target: target{"traits", "created_at"}, names: "created_at createdat created", date: true},
}

var eventAliases = []alias{
	{target: target{"properties"}, names: "properties"},
	{target: target{"type"}, names: "type event_type"},
	{target: target{"event"}, names: "event event_name eventname action activity name"},
	{target: target{"timestamp"}, names: "time timestamp event_time occurred_at happened_at datetime date_time date created_at", date: true},
	{target: target{"context", "traits", "email"}, names: "email e_mail email_address mail"},
	{target: target{"context", "page", "path"}, names: "path page_path"},
	{target: target{"context", "page", "url"}, names: "url page_url"},
	{target: target{"context", "page", "referrer"}, names: "referrer referer"},
	{target: target{"properties", "value"}, names: "value", number: true},
}

var campaignAliases = []alias{
	{target: target{"context", "campaign", "source"}, names: "utm_source"},
	{target: target{"context", "campaign", "medium"}, names: "utm_medium"},
	{target: target{"context", "campaign", "name"}, names: "utm_campaign"},
	{target: target{"context", "campaign", "term"}, names: "utm_term"},
	{target: target{"context", "campaign", "content"}, names: "utm_content"},
}

// ignored are columns that say nothing about the row: our own remarks, and ids that only this
// installation knows.
var ignored = []string{"rejected_line", "rejected_because", "received_at"}

// derived are the columns of our own exports of people and accounts that the product works out itself or
// that name things by ids of the exporting installation. They are passed over when they stand together.
func derived(kind Kind, normal []string) []string {
	ours := func(marks ...string) bool {
		return !slices.ContainsFunc(marks, func(m string) bool { return !slices.Contains(normal, m) })
	}
	switch {
	case kind == People && ours("id", "decision", "quadrant", "momentum", "last_seen"):
		return strings.Fields("id account_id decision track stage level quadrant fit intent momentum since last_seen events")
	case kind == Accounts && ours("id", "domain", "score", "decision", "people", "traits"):
		return strings.Fields("id score decision people")
	}
	return nil
}

// defaultFields matches columns by their usual names. Every column is used, or is one of ignored or
// derived.
func defaultFields(kind Kind, columns []string) []field {
	normal := make([]string, len(columns))
	used := make([]bool, len(columns))
	for i, c := range columns {
		normal[i] = normalise(c)
	}
	skip := append(derived(kind, normal), ignored...)
	for i := range columns {
		used[i] = slices.Contains(skip, normal[i])
	}
	var fields []field
	for i, c := range columns { // names that are targets already, such as traits.plan
		if t, err := parseTarget(kind, c); err == nil && !used[i] && strings.Contains(c, ".") && free(fields, t) {
			fields, used[i] = append(fields, field{target: t, columns: columns[i : i+1]}), true
		}
	}
	for _, a := range aliases(kind) {
		for name := range strings.FieldsSeq(a.names) {
			i := slices.Index(normal, name)
			if i < 0 || used[i] || !free(fields, a.target) {
				continue
			}
			fields, used[i] = append(fields, a.field(columns[i])), true
			break
		}
	}
	for i := range columns {
		if !used[i] {
			fields = append(fields, field{target: freeTarget(kind, fields, normal[i]), columns: columns[i : i+1]})
		}
	}
	return fields
}

func (a alias) field(column string) field {
	f := field{target: a.target, columns: []string{column}, object: len(a.target) == 1 && slices.Contains(objectRoots, a.target[0])}
	if a.number {
		f.number, f.soft = &numberFormat{",", '.'}, true
	}
	if a.date {
		f.date, f.soft = &dateFormat{word: "auto"}, a.target.String() != "timestamp"
	}
	return f
}

var objectRoots = []string{"traits", "properties", "context"}

// free reports whether a target can be set beside the others. A root such as traits is always free:
// its object is merged.
func free(fields []field, t target) bool {
	if len(t) == 1 && slices.Contains(objectRoots, t[0]) {
		return true
	}
	return !slices.ContainsFunc(fields, func(f field) bool { return !f.object && overlaps(f.target, t) })
}

// freeTarget is the trait or property of a column that is not recognised.
func freeTarget(kind Kind, fields []field, name string) target {
	for n := 1; ; n++ {
		key := name
		if n > 1 {
			key += "_" + strconv.Itoa(n)
		}
		if t := (target{roots[kind][0], key}); free(fields, t) {
			return t
		}
	}
}

// normalise writes a header as programs do: "E-Mail Address" and "eMailAddress" become e_mail_address.
func normalise(header string) string {
	var b strings.Builder
	var last rune
	for _, r := range strings.TrimSpace(header) {
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			if b.Len() > 0 && (!wordRune(last) || unicode.IsUpper(r) && unicode.IsLower(last)) {
				b.WriteByte('_')
			}
			b.WriteRune(unicode.ToLower(r))
		}
		last = r
	}
	if b.Len() == 0 {
		return "column"
	}
	return b.String()
}

func wordRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
