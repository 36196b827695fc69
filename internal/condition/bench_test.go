package condition

import "testing"

func BenchmarkCondition(b *testing.B) {
	for _, bc := range []struct{ name, text string }{
		{"number", "account.employees >= 200"},
		{"text", `account.country == "DE"`},
		{"list", "person.email_domain in lists.mine"},
		{"universities", "person.email_domain in lists.universities"},
		{"count", `count("alpha", "14d") >= 3`},
		{"words", `person.title matches "(?i)\\b(chief|c[teifo]o|vp|head|director)\\b"`},
		{"three parts", `account.employees >= 200 and account.country in ["AT", "DE"] and person.title contains "Head"`},
		{"machine", "account.revenue / account.employees > 3000"},
		{"machine any", `any(event.properties.items, .price > 50)`},
	} {
		b.Run(bc.name, func(b *testing.B) {
			cond := compileFor(b, bc.text, Scope{Event: true, Score: true})
			f := someFacts()
			b.ReportAllocs()
			for b.Loop() {
				cond.Eval(f)
			}
		})
	}
}
