package access

import (
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"cusp/internal/fault"
)

// The cost of a password hash: the second choice of OWASP's Password Storage Cheat Sheet for Argon2id,
// 19 MiB and two passes. Every hash carries its own cost, so that these may rise.
const (
	argonTime    = 2
	argonMemory  = 19 * 1024 // KiB
	argonThreads = 1
	argonSalt    = 16 // bytes
	argonKey     = 32 // bytes
	argonMost    = 1 << 20
)

// The length of passwords. The longest bounds the work of hashing.
const (
	passwordMin = 12  // characters
	passwordMax = 200 // bytes
)

// checkPassword refuses what is easily guessed.
func checkPassword(password, email string) error {
	switch {
	case utf8.RuneCountInString(password) < passwordMin || len(password) > passwordMax:
		return fault.New(fault.Invalid, "a password has %d to %d characters", passwordMin, passwordMax).
			WithCode("password_length").WithField("body.password").WithHint("take a sentence of a few words")
	case strings.EqualFold(password, email):
		return fault.New(fault.Invalid, "the password is the e-mail address").WithCode("password_guessable").WithField("body.password")
	}
	return nil
}

// hashPassword is the password as it is stored: a PHC string of Argon2id.
func hashPassword(random io.Reader, password string) (string, error) {
	salt := make([]byte, argonSalt)
	if _, err := io.ReadFull(random, salt); err != nil {
		return "", fmt.Errorf("draw a salt: %w", err)
	}
	key := argon2.IDKey([]byte(password), salt, argonTime, argonMemory, argonThreads, argonKey)
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonThreads,
		b64.EncodeToString(salt), b64.EncodeToString(key)), nil
}

// matches reports whether a stored hash is that of a password. What is no hash matches nothing.
func matches(stored, password string) bool {
	var version int
	var memory, passes uint32
	var threads uint8
	parts := strings.Split(stored, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" {
		return false
	}
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return false
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &memory, &passes, &threads); err != nil {
		return false
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(parts[4])
	key, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	if err1 != nil || err2 != nil || len(key) < 16 || len(key) > 64 || passes == 0 || passes > 16 || threads == 0 || memory > argonMost {
		return false
	}
	got := argon2.IDKey([]byte(password), salt, passes, memory, threads, uint32(len(key)))
	return subtle.ConstantTimeCompare(got, key) == 1
}
