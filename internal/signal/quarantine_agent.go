package signal

import (
	"net/netip"
	"strings"
)

// agentWords are what robots call themselves, in lower case: crawlers, monitors, libraries, previews and
// the link scanners of mail gateways. A word that begins with a letter must begin a word of the agent,
// unless it starts with '*'.
var agentWords = byFirst(
	"*crawl", "*spider", "slurp", "*headless", "phantomjs", "selenium", "puppeteer", "playwright", "lighthouse", "chrome-lighthouse",
	"pingdom", "uptime", "statuscake", "site24x7", "newrelic", "datadog", "checkly", "gtmetrix", "monitis", "nagios", "zabbix",
	"synthetics", "catchpoint", "curl/", "wget", "python-", "python/", "aiohttp", "httpx", "go-http-client", "java/", "apache-httpclient",
	"libwww", "lwp", "scrapy", "node-fetch", "axios", "got/", "got (", "undici", "guzzle", "httpclient", "httpie", "postman", "insomnia",
	"okhttp-scan", "reqwest", "faraday", "mechanize", "httrack", "php/", "ruby", "perl",
	"facebookexternalhit", "facebookcatalog", "whatsapp/", "skypeuripreview", "embedly", "slack-imgproxy", "bingpreview", "google-safety",
	"google favicon", "google-read-aloud", "mediapartners", "apis-google", "feedfetcher", "feedburner", "feedly", "googleother",
	"google-inspectiontool", "chrome privacy preserving prefetch", "duckduckgo-favicons", "ia_archiver", "archive.org", "bytespider",
	"baiduspider", "sogou", "yandex.com/", "nutch", "dataprovider", "netcraft", "censys", "nmap", "masscan", "zgrab", "nuclei", "sqlmap",
	"nikto", "wpscan", "barracuda", "proofpoint", "mimecast", "safelinks", "messagelabs", "symantec", "trendmicro", "trend micro", "fireeye",
	"cloudmark", "sophos", "forcepoint", "ironport", "trustwave", "urldefense", "threatpulse", "bluecoat", "webroot", "vipre", "spamhaus",
	"hornetsecurity", "retarus", "zix", "mailguard", "egress", "area1", "cloudflare-prefetch", "cloudflare-security",
	"microsoft office existence", "microsoft office protocol", "microsoft-webdav", "ms-office", "microsoft data access", "prerender",
	"rendertron", "w3c_", "w3c-", "validator", "wappalyzer", "builtwith", "linkcheck", "link checker", "link-check", "linkwalker", "urlscan",
	"virustotal", "phishtank", "checkmarknetwork", "scanner", "security scan", "prefetch proxy", "openai", "chatgpt-user", "anthropic", "claude-web", "perplexity",
	"semrush", "ahrefs", "screaming frog", "petalbot",
)

func byFirst(words ...string) [256][]string {
	var table [256][]string
	for _, w := range words {
		first := strings.TrimPrefix(w, "*")[0]
		table[first] = append(table[first], w)
	}
	return table
}

// UserAgentBot reports whether a user agent names a robot: a crawler, a headless browser, a monitor, a
// program's HTTP library, a link preview, a prefetching proxy or the link scanner of a mail gateway. An
// empty agent is none: server SDKs have no agent of the person to report. Only the first 512 bytes are
// looked at.
func UserAgentBot(ua string) bool {
	ua = lowerASCII(ua[:min(len(ua), 512)])
	for i := range len(ua) {
		begins := i == 0 || !isLetter(ua[i-1])
		if ua[i] == 'b' && namesBot(ua, i, begins) {
			return true
		}
		for _, word := range agentWords[ua[i]] {
			inside, anywhere := strings.CutPrefix(word, "*")
			if (begins || anywhere) && strings.HasPrefix(ua[i:], inside) {
				return true
			}
		}
	}
	return false
}

// namesBot finds "bot" at the end of a word, as in Googlebot/2.1; not in Cubot, which makes telephones.
func namesBot(ua string, i int, begins bool) bool {
	if !strings.HasPrefix(ua[i:], "bot") {
		return false
	}
	rest := ua[i+3:]
	rest = strings.TrimPrefix(rest, "s")
	ends := rest == "" || !isLetter(rest[0])
	return ends && (begins || !strings.HasSuffix(ua[:i], "cu"))
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' }

// lowerASCII lowers without allocating where nothing is to be lowered, and keeps all offsets.
func lowerASCII(s string) string {
	for i := range len(s) {
		if s[i] >= 'A' && s[i] <= 'Z' {
			b := []byte(s)
			for ; i < len(b); i++ {
				if b[i] >= 'A' && b[i] <= 'Z' {
					b[i] += 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}

// MailProxy reports whether a mail was opened by a proxy that loads images for everybody: Apple's Mail
// Privacy Protection (whose agent is a bare "Mozilla/5.0", from Apple's own network 17.0.0.0/8), Gmail's
// and Yahoo's. Such an open tells nothing about a person.
func MailProxy(ua, ip string) bool {
	ua = strings.TrimSpace(ua)
	if ua == "Mozilla/5.0" || strings.Contains(ua, "GoogleImageProxy") || strings.Contains(ua, "YahooMailProxy") ||
		strings.Contains(ua, "ggpht.com") {
		return true
	}
	addr, err := netip.ParseAddr(ip)
	return err == nil && netip.PrefixFrom(netip.AddrFrom4([4]byte{17}), 8).Contains(addr.Unmap())
}
