package seal

import (
	"bytes"
	"crypto/rand"
	"regexp"
	"strings"
	"testing"
)

func TestTokensAreLongAndDifferent(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^cuspk_[0-9a-hjkmnp-tv-z]{32}$`)
	seen := map[string]bool{}
	for range 1000 {
		token, err := NewToken(rand.Reader, "cuspk_")
		if err != nil {
			t.Fatal(err)
		}
		if !form.MatchString(token) || seen[token] || len(token) > MaxLength {
			t.Fatalf("bad token %q", token)
		}
		seen[token] = true
	}
}

func TestTooLittleRandomnessIsAnError(t *testing.T) {
	t.Parallel()
	if token, err := NewToken(bytes.NewReader(make([]byte, 31)), "x_"); err == nil {
		t.Errorf("got %q", token)
	}
}

func TestHashIsSHA256(t *testing.T) {
	t.Parallel()
	// The test vector of FIPS 180-2 for "abc".
	if got := Hash("abc"); got != "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" {
		t.Errorf("got %s", got)
	}
}

func TestEqual(t *testing.T) {
	t.Parallel()
	for _, c := range [][2]string{{"", ""}, {"a", "a"}, {"a", "b"}, {"a", "ab"}, {strings.Repeat("x", 99), strings.Repeat("x", 99)}} {
		if got := Equal(c[0], c[1]); got != (c[0] == c[1]) {
			t.Errorf("Equal(%q, %q) = %v", c[0], c[1], got)
		}
	}
}
