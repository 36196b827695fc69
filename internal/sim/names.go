package sim

// What things and people are called. Companies live under .example, which nobody can own; only students
// have addresses of real universities, because that is how they are recognised.

func firstNames() []string {
	return []string{"Ana", "Ben", "Carla", "David", "Elena", "Finn", "Grace", "Hugo", "Ines", "Jonas", "Kira", "Liam", "Maya",
		"Noah", "Olga", "Paul", "Quinn", "Rosa", "Sami", "Tara", "Umar", "Vera", "Will", "Xenia", "Yara", "Zoe"}
}

func lastNames() []string {
	return []string{"Adler", "Brown", "Costa", "Dubois", "Evans", "Fischer", "Garcia", "Hansen", "Ito", "Jensen", "Keller", "Lopez",
		"Meyer", "Novak", "Owens", "Patel", "Quist", "Rossi", "Silva", "Tanaka", "Ueda", "Vogel", "Weber", "Young", "Zhang"}
}

func companyHeads() []string {
	return []string{"north", "blue", "iron", "clear", "river", "stone", "bright", "field", "harbor", "summit", "cedar", "copper",
		"delta", "ember", "forge", "grand", "hill", "jade", "kite", "lake", "maple", "nova", "oak", "pine", "quartz", "ridge"}
}

func companyTails() []string {
	return []string{"works", "line", "point", "trade", "soft", "log", "media", "foods", "parts", "group", "labs", "tech", "freight",
		"retail", "care", "build", "data", "travel", "print", "supply"}
}

func coreIndustries() []string {
	return []string{"Software", "Professional Services", "Logistics", "Wholesale"}
}

func otherIndustries() []string {
	return []string{"Retail", "Manufacturing", "Hospitality", "Media", "Healthcare", "Education", "Government", "Agriculture", "Construction"}
}

func servedCountries() []string {
	return []string{"US", "US", "US", "CA", "GB", "GB", "IE", "NL", "DE", "DE"}
}

func otherCountries() []string {
	return []string{"IN", "BR", "FR", "AU", "JP", "ES", "PL", "ZA", "SG", "MX"}
}

func buyerTitles() []string {
	return []string{"CFO", "Chief Financial Officer", "VP Finance", "Head of Finance", "Director of Finance", "Director of Accounting",
		"Head of Procurement", "Controller", "Finance Manager", "Accounting Manager", "Procurement Manager", "COO"}
}

func colleagueTitles() []string {
	return []string{"CFO", "Head of IT", "IT Manager", "Accounting Manager", "Procurement Manager", "Accountant", "CEO", "Operations Manager"}
}

func readerTitles() []string {
	return []string{"Accountant", "Financial Analyst", "Consultant", "Office Manager", "Business Analyst", "Project Manager", "Marketing Manager",
		"Finance Manager", "Controller", "Bookkeeper", "Head of Finance", "Assistant", "Software Engineer", "Owner"}
}

func universityDomains() []string {
	return []string{"mit.edu", "stanford.edu", "ox.ac.uk", "tum.de", "uva.nl"}
}

func competitorDomains() []string {
	return []string{"spendwise.example", "ledgerhub.example", "payquick.example"}
}

func supplierDomains() []string { return []string{"pixelcraft.example", "leadlists.example"} }

func freeMail() []string { return []string{"gmail.com", "outlook.com", "yahoo.com", "gmx.de"} }

func technologies() []string {
	return []string{"NetSuite", "Xero", "QuickBooks", "SAP", "Sage", "HubSpot", "Slack"}
}

func blogPages() []string {
	return []string{"/blog/expense-policy-guide", "/blog/close-faster", "/blog/approval-chains", "/blog/card-fraud", "/blog/vat-basics",
		"/blog/cfo-interview", "/blog/budgeting-myths", "/blog/procurement-trends"}
}

func docsPages() []string {
	return []string{"/docs/netsuite", "/docs/xero", "/docs/sso", "/docs/api", "/docs/rollout"}
}

func comparePages() []string {
	return []string{"/compare/spendwise", "/compare/ledgerhub", "/compare/payquick"}
}

func casePages() []string {
	return []string{"/customers/northline-logistics", "/customers/cedar-retail", "/customers/brightsoft"}
}

func productPages() []string {
	return []string{"/product", "/product/cards", "/product/approvals", "/product/reporting"}
}

func assets() []string {
	return []string{"Expense policy template", "Month-end checklist", "State of spend report", "ROI workbook"}
}

func webinars() []string {
	return []string{"Closing in three days", "Cards without chaos", "What CFOs automate first"}
}

func campaigns() []Campaign {
	return []Campaign{
		{"brand-search", "google", "cpc"}, {"spend-management", "google", "cpc"}, {"cfo-audience", "linkedin", "paid"},
		{"", "google", "organic"}, {"", "google", "organic"}, {"", "", ""}, {"", "", ""}, {"partner-xero", "xero", "referral"},
	}
}

func browsers() []string {
	return []string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0 Safari/537.36",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15",
		"Mozilla/5.0 (X11; Linux x86_64; rv:129.0) Gecko/20100101 Firefox/129.0",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
	}
}

func crawlers() []string {
	return []string{
		"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
		"Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/128.0.0.0 Safari/537.36",
		"Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)",
	}
}
