// Package seal makes and checks secrets that the product hands out: keys of machines, session and
// invitation tokens. [Box] keeps secrets that were handed to it and have to be used again.
//
// A token is drawn at random, so that only its SHA-256 is kept: there is nothing to guess, and no salt
// and no slow hash is needed. Passwords, which people choose, do not belong here.
package seal

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
)

// Digits is the length of a token behind its prefix: 32 digits of 5 bits are 160 random bits.
const Digits = 32

// MaxLength is longer than any token. What is longer is refused before it is hashed.
const MaxLength = 200

// alphabet leaves out i, l, o and u, which are mistaken for others (Crockford's base 32).
const alphabet = "0123456789abcdefghjkmnpqrstvwxyz"

// NewToken draws a token from random (crypto/rand.Reader outside of tests). The prefix, such as
// "cuspk_", tells people and secret scanners what it is.
func NewToken(random io.Reader, prefix string) (string, error) {
	raw := make([]byte, Digits)
	if _, err := io.ReadFull(random, raw); err != nil {
		return "", fmt.Errorf("draw a token: %w", err)
	}
	var b strings.Builder
	b.WriteString(prefix)
	for _, c := range raw {
		b.WriteByte(alphabet[c&31]) // 32 digits divide 256: every digit is equally likely
	}
	return b.String(), nil
}

// Hash is the form in which a token is stored and looked up: SHA-256 in hex.
func Hash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// Equal compares two secrets in a time that does not tell where they differ, nor how long they are.
func Equal(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}
