package access

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// The shape of a secret: a mark that tells people and secret scanners what it is, then 32 base-32
// digits: 160 random bits.
const (
	markWrite    = "cuspw_"
	markAPI      = "cuspk_"
	secretDigits = 32
	prefixShown  = 10 // characters that lists show, so that a key can be recognised
	secretMax    = 200
)

const alphabet = "0123456789abcdefghjkmnpqrstvwxyz"

// newSecret draws a secret from random.
func newSecret(random io.Reader, kind Kind) (string, error) {
	raw := make([]byte, secretDigits)
	if _, err := io.ReadFull(random, raw); err != nil {
		return "", fmt.Errorf("draw a secret: %w", err)
	}
	var b strings.Builder
	b.WriteString(markOf(kind))
	for _, c := range raw {
		b.WriteByte(alphabet[c&31])
	}
	return b.String(), nil
}

func markOf(kind Kind) string {
	if kind == Write {
		return markWrite
	}
	return markAPI
}

// hash is how a secret is stored. Secrets are random, so that no salt and no slow hash is needed.
func hash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
