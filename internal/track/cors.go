package track

import (
	"net/http"
	"strings"

	"cusp/internal/respond"
)

// knownHeaders are the request headers of the browser SDKs.
const knownHeaders = "authorization, content-type, content-encoding, x-retry-count, x-write-key, anonymousid, sentat, " +
	"rsa-retry-attempt, rsa-retry-reason, rsa-since-first-attempt, rsa-since-last-attempt"

// allowOrigins lets pages of every site read the answer. It never allows credentials: cookies mean
// nothing to this API, and the answers hold no data.
func allowOrigins(h http.Header) {
	respond.Headers(h)
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Expose-Headers", "Retry-After, X-RateLimit-Reset")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
}

// preflight answers what a browser asks before it sends a request with an Authorization header. Names
// that the SDKs' next version adds are allowed as they are asked for.
func preflight(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", "GET, POST, OPTIONS")
	h.Set("Access-Control-Allow-Headers", knownHeaders+asked(r.Header.Get("Access-Control-Request-Headers")))
	h.Set("Access-Control-Max-Age", "600")
	h.Add("Vary", "Access-Control-Request-Headers")
	w.WriteHeader(http.StatusNoContent)
}

// asked are the header names that a browser asks for beyond the known ones, if they are names.
func asked(list string) string {
	const most = 1024
	var out strings.Builder
	for name := range strings.SplitSeq(list, ",") {
		name = strings.ToLower(strings.TrimSpace(name))
		if token(name) && out.Len() < most && !strings.Contains(", "+knownHeaders+",", ", "+name+",") {
			out.WriteString(", " + name)
		}
	}
	return out.String()
}

func token(name string) bool {
	for _, c := range []byte(name) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return name != "" && len(name) <= 64
}
