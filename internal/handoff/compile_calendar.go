package handoff

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"

	"cusp/internal/document"
	"cusp/internal/fault"
	"cusp/internal/handoff/calendar"
)

// places remembers where the fields of a calendar stand, by the names that its problems give them.
type places struct {
	d     *document.Document
	nodes map[string]*yaml.Node
}

// find is the node of a field, else of the nearest one around it.
func (at *places) find(field string, otherwise *yaml.Node) *yaml.Node {
	for field != "" {
		if n := at.nodes[field]; n != nil {
			return n
		}
		field = field[:max(strings.LastIndexAny(field, ".["), 0)]
	}
	return otherwise
}

// Bounds of what is read; what makes sense is the calendar's to say.
const (
	maxDays      = 10_000
	maxDayParts  = 100
	maxDayText   = 40
	maxHolidayOf = 50
)

// times reads parts of days by weekday or date. Where whole is set, a date without a value is one.
func (at *places) times(t document.Section, key string, whole bool) map[string]calendar.Times {
	s, ok := t.Sub(key)
	if !ok {
		return nil
	}
	at.nodes[key] = s.Node
	all := map[string]calendar.Times{}
	if len(s.Node.Content) > 2*maxDays {
		at.d.Refuse(s.Node, "too_large", "", "%s has more than %d days", s.Path(key), maxDays)
		return nil
	}
	for i := 0; i+1 < len(s.Node.Content); i += 2 {
		name, n := s.Node.Content[i], s.Node.Content[i+1]
		if !s.Has(name.Value) {
			continue
		}
		field := key + "." + name.Value
		at.nodes[field] = name
		if whole && n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" {
			all[name.Value] = nil
			continue
		}
		all[name.Value] = at.parts(s, name.Value, field)
	}
	return all
}

// parts reads the parts of one day: a text or a list of them.
func (at *places) parts(s document.Section, key, field string) calendar.Times {
	n := s.Field(key)
	if n == nil {
		return nil
	}
	nodes := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		nodes = s.List(key, maxDayParts)
	}
	var times calendar.Times
	for i, part := range nodes {
		text, ok := at.d.Text(part, "each part of "+field, maxDayText)
		if ok {
			at.nodes[fmt.Sprintf("%s[%d]", field, len(times))] = nodes[i]
			times = append(times, text)
		}
	}
	return times
}

func (at *places) holidays(t document.Section) []string {
	var all []string
	for _, n := range t.List("holidays", maxHolidayOf) {
		if v, ok := at.d.Text(n, "each of "+t.Path("holidays"), maxDayText); ok {
			at.nodes[fmt.Sprintf("holidays[%d]", len(all))] = n
			all = append(all, v)
		}
	}
	return all
}

// countryCodes are those of ISO 3166-1 alpha-2, and XK, which is in use for Kosovo.
const countryCodes = ` AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ
 CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG
 GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ
 LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR
 NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ
 TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW `

// isCountry refuses what is no country code; regions are what else could have been meant.
func (r *reader) isCountry(n *yaml.Node, v string, regions []string) bool {
	if len(v) == 2 && strings.Contains(strings.ReplaceAll(countryCodes, "\n", ""), " "+strings.ToUpper(v)+" ") {
		return true
	}
	hint := "write a country code of ISO 3166-1 such as DE"
	switch near := fault.Nearest(v, regions); {
	case strings.EqualFold(v, "UK"):
		hint = "did you mean GB?"
	case near != "":
		hint = "did you mean " + near + "?"
	case regions != nil:
		hint += ", or one of the regions: " + strings.Join(regions, ", ")
	}
	r.d.Refuse(n, "unknown_country", hint, "%q is not a country code%s", v, map[bool]string{true: " or a region"}[regions != nil])
	return false
}
