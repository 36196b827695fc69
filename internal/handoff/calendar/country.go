package calendar

import (
	"github.com/rickar/cal/v2"
	"github.com/rickar/cal/v2/ar"
	"github.com/rickar/cal/v2/at"
	"github.com/rickar/cal/v2/au"
	"github.com/rickar/cal/v2/be"
	"github.com/rickar/cal/v2/bg"
	"github.com/rickar/cal/v2/br"
	"github.com/rickar/cal/v2/ca"
	"github.com/rickar/cal/v2/ch"
	"github.com/rickar/cal/v2/cy"
	"github.com/rickar/cal/v2/cz"
	"github.com/rickar/cal/v2/de"
	"github.com/rickar/cal/v2/dk"
	"github.com/rickar/cal/v2/ee"
	"github.com/rickar/cal/v2/es"
	"github.com/rickar/cal/v2/fi"
	"github.com/rickar/cal/v2/fr"
	"github.com/rickar/cal/v2/gb"
	"github.com/rickar/cal/v2/gr"
	"github.com/rickar/cal/v2/hr"
	"github.com/rickar/cal/v2/hu"
	"github.com/rickar/cal/v2/ie"
	"github.com/rickar/cal/v2/is"
	"github.com/rickar/cal/v2/it"
	"github.com/rickar/cal/v2/jp"
	"github.com/rickar/cal/v2/ke"
	"github.com/rickar/cal/v2/lt"
	"github.com/rickar/cal/v2/lu"
	"github.com/rickar/cal/v2/lv"
	"github.com/rickar/cal/v2/mt"
	"github.com/rickar/cal/v2/mw"
	"github.com/rickar/cal/v2/mx"
	"github.com/rickar/cal/v2/nc"
	"github.com/rickar/cal/v2/nl"
	"github.com/rickar/cal/v2/no"
	"github.com/rickar/cal/v2/nz"
	"github.com/rickar/cal/v2/pl"
	"github.com/rickar/cal/v2/pt"
	"github.com/rickar/cal/v2/ro"
	"github.com/rickar/cal/v2/rs"
	"github.com/rickar/cal/v2/ru"
	"github.com/rickar/cal/v2/se"
	"github.com/rickar/cal/v2/si"
	"github.com/rickar/cal/v2/sk"
	"github.com/rickar/cal/v2/th"
	"github.com/rickar/cal/v2/ua"
	"github.com/rickar/cal/v2/us"
	"github.com/rickar/cal/v2/za"
)

// region is a part of a country with holidays of its own; its list includes those of the country.
type region struct {
	code, name string
	list       []*cal.Holiday
}

// country is a country whose holidays are known. One without a list of its own wants a region.
type country struct {
	code, name string
	list       []*cal.Holiday
	regions    []region
}

// countries are all that the library knows, by ISO 3166-1 code; regions by the second part of ISO 3166-2.
func countries() []country {
	return []country{
		{"AR", "Argentina", ar.Holidays, nil},
		{"AT", "Austria", at.Holidays, nil},
		{"AU", "Australia", nil, australia()},
		{"BE", "Belgium", be.Holidays, nil},
		{"BG", "Bulgaria", bg.Holidays, nil},
		{"BR", "Brazil", br.Holidays, nil},
		{"CA", "Canada", ca.Holidays, nil},
		{"CH", "Switzerland", ch.Holidays, switzerland()},
		{"CY", "Cyprus", cy.Holidays, nil},
		{"CZ", "Czechia", cz.Holidays, nil},
		{"DE", "Germany", de.Holidays, germany()},
		{"DK", "Denmark", dk.Holidays, nil},
		{"EE", "Estonia", ee.Holidays, nil},
		{"ES", "Spain", es.Holidays, nil},
		{"FI", "Finland", fi.Holidays, nil},
		{"FR", "France", fr.Holidays, nil},
		{"GB", "United Kingdom", gb.Holidays, nil},
		{"GR", "Greece", gr.Holidays, nil},
		{"HR", "Croatia", hr.Holidays, nil},
		{"HU", "Hungary", hu.Holidays, nil},
		{"IE", "Ireland", ie.Holidays, nil},
		{"IS", "Iceland", is.Holidays, nil},
		{"IT", "Italy", it.Holidays, nil},
		{"JP", "Japan", jp.Holidays, nil},
		{"KE", "Kenya", ke.Holidays, nil},
		{"LT", "Lithuania", lt.Holidays, nil},
		{"LU", "Luxembourg", lu.Holidays, nil},
		{"LV", "Latvia", lv.Holidays, nil},
		{"MT", "Malta", mt.Holidays, nil},
		{"MW", "Malawi", mw.Holidays, nil},
		{"MX", "Mexico", mx.Holidays, nil},
		{"NC", "New Caledonia", nc.Holidays, nil},
		{"NL", "Netherlands", nl.Holidays, nil},
		{"NO", "Norway", no.Holidays, nil},
		{"NZ", "New Zealand", nz.Holidays, nil},
		{"PL", "Poland", pl.Holidays, nil},
		{"PT", "Portugal", pt.Holidays, nil},
		{"RO", "Romania", ro.Holidays, nil},
		{"RS", "Serbia", rs.Holidays, nil},
		{"RU", "Russia", ru.Holidays, nil},
		{"SE", "Sweden", se.Holidays, nil},
		{"SI", "Slovenia", si.Holidays, nil},
		{"SK", "Slovakia", sk.Holidays, nil},
		{"TH", "Thailand", th.Holidays, nil},
		{"UA", "Ukraine", ua.Holidays, nil},
		{"US", "United States", us.Holidays, nil},
		{"ZA", "South Africa", za.Holidays, nil},
	}
}

func australia() []region {
	return []region{
		{"ACT", "Australian Capital Territory", au.HolidaysACT},
		{"NSW", "New South Wales", au.HolidaysNSW},
		{"NT", "Northern Territory", au.HolidaysNT},
		{"QLD", "Queensland", au.HolidaysQLD},
		{"SA", "South Australia", au.HolidaysSA},
		{"TAS", "Tasmania", au.HolidaysTAS},
		{"VIC", "Victoria", au.HolidaysVIC},
		{"WA", "Western Australia", au.HolidaysWA},
	}
}

func switzerland() []region {
	return []region{
		{"AG", "Aargau", ch.HolidaysAG},
		{"AI", "Appenzell Innerrhoden", ch.HolidaysAI},
		{"AR", "Appenzell Ausserrhoden", ch.HolidaysAR},
		{"BE", "Bern", ch.HolidaysBE},
		{"BL", "Basel-Landschaft", ch.HolidaysBL},
		{"BS", "Basel-Stadt", ch.HolidaysBS},
		{"FR", "Fribourg", ch.HolidaysFR},
		{"GE", "Genève", ch.HolidaysGE},
		{"GL", "Glarus", ch.HolidaysGL},
		{"GR", "Graubünden", ch.HolidaysGR},
		{"JU", "Jura", ch.HolidaysJU},
		{"LU", "Luzern", ch.HolidaysLU},
		{"NE", "Neuchâtel", ch.HolidaysNE},
		{"NW", "Nidwalden", ch.HolidaysNW},
		{"OW", "Obwalden", ch.HolidaysOW},
		{"SG", "St. Gallen", ch.HolidaysSG},
		{"SH", "Schaffhausen", ch.HolidaysSH},
		{"SO", "Solothurn", ch.HolidaysSO},
		{"SZ", "Schwyz", ch.HolidaysSZ},
		{"TG", "Thurgau", ch.HolidaysTG},
		{"TI", "Ticino", ch.HolidaysTI},
		{"UR", "Uri", ch.HolidaysUR},
		{"VD", "Vaud", ch.HolidaysVD},
		{"VS", "Valais", ch.HolidaysVS},
		{"ZG", "Zug", ch.HolidaysZG},
		{"ZH", "Zürich", ch.HolidaysZH},
	}
}

func germany() []region {
	return []region{
		{"BB", "Brandenburg", de.HolidaysBB},
		{"BE", "Berlin", de.HolidaysBE},
		{"BW", "Baden-Württemberg", de.HolidaysBW},
		{"BY", "Bayern", de.HolidaysBY},
		{"HB", "Bremen", de.HolidaysHB},
		{"HE", "Hessen", de.HolidaysHE},
		{"HH", "Hamburg", de.HolidaysHH},
		{"MV", "Mecklenburg-Vorpommern", de.HolidaysMV},
		{"NI", "Niedersachsen", de.HolidaysNI},
		{"NW", "Nordrhein-Westfalen", de.HolidaysNW},
		{"RP", "Rheinland-Pfalz", de.HolidaysRP},
		{"SH", "Schleswig-Holstein", de.HolidaysSH},
		{"SL", "Saarland", de.HolidaysSL},
		{"SN", "Sachsen", de.HolidaysSN},
		{"ST", "Sachsen-Anhalt", de.HolidaysST},
		{"TH", "Thüringen", de.HolidaysTH},
	}
}
