package domains_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"cusp/internal/domains"
	"cusp/internal/fault"
)

func TestLists(t *testing.T) {
	t.Parallel()
	type kinds struct{ Free, Disposable, University bool }
	for domain, want := range map[string]kinds{
		"gmail.com":              {Free: true},
		"GMail.com.":             {Free: true},
		"uk.yahoo.com":           {Free: true},
		"web.de":                 {Free: true},
		"hey.com":                {Free: true},
		"notgmail.com":           {},
		"gmail.com.acme.com":     {},
		"mailinator.com":         {Disposable: true},
		"x.mailinator.com":       {Disposable: true},
		"0-mailer.dynv6.net":     {Disposable: true},
		"dynv6.net":              {},
		"mit.edu":                {University: true},
		"csail.mit.edu":          {University: true},
		"edu":                    {},
		"ac.uk":                  {},
		"somewhere.ac.uk":        {University: true},
		"cs.somewhere.edu.au":    {University: true},
		"uni-heidelberg.de":      {University: true},
		"stud.uni-heidelberg.de": {University: true},
		"nus.edu.sg":             {University: true},
		"unican.es":              {University: true},
		"edu.example":            {},
		"acme.com":               {},
		"":                       {},
		".":                      {},
		"com":                    {},
		"\n":                     {},
		"gmail.com\nacme.com":    {},
	} {
		got := kinds{domains.FreeMail(domain), domains.Disposable(domain), domains.University(domain)}
		if diff := cmp.Diff(got, want); diff != "" {
			t.Errorf("%q (-got +want):\n%s", domain, diff)
		}
	}
}

func TestRegistrable(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]string{
		"acme.com":                       "acme.com",
		"Mail.ACME.co.uk.":               "acme.co.uk",
		"a.b.bücher.de":                  "xn--bcher-kva.de",
		"xn--bcher-kva.de":               "xn--bcher-kva.de",
		"ａｃｍｅ．ｃｏｍ":                       "acme.com",
		"foo.github.io":                  "foo.github.io",
		"acme.example":                   "acme.example",
		"co.uk":                          "",
		"com":                            "",
		"localhost":                      "",
		"x.localhost":                    "",
		"localhost.localdomain":          "",
		"127.0.0.1":                      "",
		"[127.0.0.1]":                    "",
		"::1":                            "",
		"1.2.3":                          "",
		"0x7f.1":                         "",
		"a_b.com":                        "",
		"-a.com":                         "",
		"a..com":                         "",
		".a.com":                         "",
		"xn--a.com":                      "",
		"acme.com/evil":                  "",
		"acme.com\r\nX: y":               "",
		strings.Repeat("a", 64) + ".com": "",
	} {
		got, ok := domains.Registrable(host)
		if got != want || ok != (want != "") {
			t.Errorf("Registrable(%q) = %q, %v, want %q", host, got, ok, want)
		}
	}
}

func TestCompany(t *testing.T) {
	t.Parallel()
	for domain, want := range map[string]string{
		"mail.acme.com": "acme.com", "gmail.com": "", "mailinator.com": "", "stanford.edu": "stanford.edu",
		"localhost": "", "10.0.0.1": "",
	} {
		if got, _ := domains.Company(domain); got != want {
			t.Errorf("Company(%q) = %q, want %q", domain, got, want)
		}
	}
}

func TestWebsite(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"https://www.acme.com/about?x=1": "acme.com", "acme.com": "acme.com", " www.acme.co.uk/ ": "acme.co.uk",
		"http://user:pw@acme.com:8080": "acme.com", "javascript:alert(1)": "", "n/a": "", "": "", "http://": "",
		"https://[::1]/": "", "file:///etc/passwd": "",
	} {
		if got, _ := domains.Website(address); got != want {
			t.Errorf("Website(%q) = %q, want %q", address, got, want)
		}
	}
}

func TestNormalize(t *testing.T) {
	t.Parallel()
	for email, want := range map[string]string{
		"a@b.c":                          "a@b.c",
		"A@B.c":                          "a@b.c",
		" a@b.c\t":                       "a@b.c",
		"a@b.c.":                         "a@b.c",
		"First.Last+tag@Acme.COM":        "first.last+tag@acme.com",
		"o'neil@acme.com":                "o'neil@acme.com",
		"a@bücher.de":                    "a@xn--bcher-kva.de",
		"a@xn--bcher-kva.de":             "a@xn--bcher-kva.de",
		"a@XN--BCHER-KVA.DE.":            "a@xn--bcher-kva.de",
		"ａ＠ｂ.c":                          "",
		"ａbc@ｂ．c":                        "abc@b.c",
		"用户@例子.广告":                       "用户@xn--fsqu00a.xn--4rr70v",
		`"a b> SIZE=1"@b.c`:              "",
		`"a"@b.c`:                        "",
		"a@b.c, x@y.z":                   "",
		"a@b.c;x@y.z":                    "",
		"Ann <a@b.c>":                    "",
		"a@[127.0.0.1]":                  "",
		"a@[IPv6:::1]":                   "",
		"a@127.0.0.1":                    "",
		"a@localhost":                    "",
		"a@b@c.d":                        "",
		"a.b.c":                          "",
		"@b.c":                           "",
		"a@":                             "",
		"":                               "",
		".a@b.c":                         "",
		"a.@b.c":                         "",
		"a..b@b.c":                       "",
		"a b@b.c":                        "",
		"a(x)@b.c":                       "",
		"a@b.c\r\nBcc: x@y.z":            "",
		"a\r\n@b.c":                      "",
		"a@b.c\n":                        "",
		"a\x00@b.c":                      "",
		"a\u200b@b.c":                    "",
		"a\u202e@b.c":                    "",
		"a\xff@b.c":                      "",
		"x＠evil.com@b.c":                 "",
		"=cmd()@b.c":                     "",
		"mailto:a@b.c":                   "",
		"a@b c.d":                        "",
		"a@xn--zzzzzzzzzz-.com":          "",
		strings.Repeat("a", 65) + "@b.c": "",
	} {
		got, err := domains.Normalize(email)
		if want == "" {
			if !fault.Is(err, fault.Invalid) {
				t.Errorf("Normalize(%q) = %q, %v, want a refusal", email, got, err)
			}
			continue
		}
		if err != nil || got.String() != want {
			t.Errorf("Normalize(%q) = %q, %v, want %q", email, got, err, want)
		}
	}
}

// What is normal stays normal, and no spelling of an address has a second normal form.
func TestNormalizeIsIdempotentAndIgnoresCase(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		email := rapid.StringMatching(`[a-zA-Z0-9+_'-]{1,10}(\.[a-zA-Z0-9]{1,5})?@[a-zA-Zü0-9]{1,8}\.(com|de|co\.uk|ÉX)`).Draw(t, "email")
		a, err := domains.Normalize(email)
		if err != nil {
			t.Fatal(err)
		}
		for _, spelling := range []string{
			a.String(), strings.ToUpper(email), strings.ToLower(email), email + ".", " " + email,
		} {
			if b, err := domains.Normalize(spelling); err != nil || b != a {
				t.Errorf("Normalize(%q) = %v, %v, want %v as for %q", spelling, b, err, a, email)
			}
		}
	})
}

func FuzzNormalize(f *testing.F) {
	for _, s := range []string{"a@b.c", "A@B.c", `"a"@b.c`, "a@[::1]", "a@xn--bcher-kva.de", "ａ@ｂ.c", "a@b.c\r\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := domains.Normalize(s)
		if err != nil {
			return
		}
		text := a.String()
		if strings.ContainsAny(text, " \t\r\n\x00<>()[],;:\\\"") || strings.Count(text, "@") != 1 {
			t.Errorf("Normalize(%q) = %q lets a dangerous character through", s, text)
		}
		if b, err := domains.Normalize(text); err != nil || b != a {
			t.Errorf("Normalize(%q) = %q, but Normalize(%q) = %q, %v", s, text, text, b, err)
		}
		if domains.FreeMail(a.Domain) && domains.Disposable(a.Domain) {
			t.Errorf("%q is both free and disposable", a.Domain)
		}
	})
}

func FuzzRegistrable(f *testing.F) {
	for _, s := range []string{"acme.com", "a.co.uk", "xn--bcher-kva.de", "1.2.3.4", "..", "ß.de"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, ok := domains.Registrable(s)
		if !ok {
			return
		}
		if again, ok := domains.Registrable(d); !ok || again != d {
			t.Errorf("Registrable(%q) = %q, but of that %q, %v", s, d, again, ok)
		}
	})
}
