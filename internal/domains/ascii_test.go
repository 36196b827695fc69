package domains

import (
	"testing"

	"pgregory.net/rapid"
)

// The short cut around the IDNA tables gives what they give.
func TestPlainHost_agreesWithTheTables(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		host := rapid.StringMatching(`[a-z0-9.\-]{1,70}`).Draw(t, "host")
		if !plainHost(host) {
			return
		}
		if got, err := lookup.ToASCII(host); err != nil || got != host {
			t.Fatalf("the tables make %q of %q: %v", got, host, err)
		}
	})
}
