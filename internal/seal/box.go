package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"cusp/internal/fault"
)

const (
	keySize    = 32 // AES-256
	boxVersion = "s1."
	keyNameLen = 4 // bytes of the key's hash before the nonce, to tell a wrong key from damage
	nonceSize  = 12
)

// Box seals secrets that have to be used again, such as the address of a Slack channel, so that a copy of
// the database without its key file tells nothing. The key lies in a file, which is made when the first
// secret is sealed. A Box is safe for concurrent use.
type Box struct {
	path string

	mu  sync.Mutex
	key []byte
}

// NewBox makes a box whose key lies at a path. Nothing is read before the first use.
func NewBox(path string) *Box { return &Box{path: path} }

// Path is where the key lies.
func (b *Box) Path() string { return b.path }

// Seal encrypts a secret (AES-256-GCM, a fresh nonce each time). What it is for is authenticated with it:
// a sealed text that is moved to another place does not open there.
func (b *Box) Seal(purpose, secret string) (string, error) {
	key, err := b.load(true)
	if err != nil {
		return "", err
	}
	aead, err := gcm(key)
	if err != nil {
		return "", err
	}
	out := append([]byte{}, nameOf(key)...)
	nonce := make([]byte, nonceSize)
	_, _ = rand.Read(nonce) // never fails, see crypto/rand
	out = append(out, nonce...)
	out = aead.Seal(out, nonce, []byte(secret), []byte(purpose))
	return boxVersion + base64.RawURLEncoding.EncodeToString(out), nil
}

// Open decrypts what [Box.Seal] made for the same purpose. [fault.Unavailable] when the key file is
// missing or another one, [fault.Internal] when the text was changed.
func (b *Box) Open(purpose, sealed string) (string, error) {
	key, err := b.load(false)
	if err != nil {
		return "", err
	}
	rest, ok := strings.CutPrefix(sealed, boxVersion)
	raw, err := base64.RawURLEncoding.DecodeString(rest)
	if !ok || err != nil || len(raw) < keyNameLen+nonceSize {
		return "", fault.New(fault.Internal, "a sealed secret is damaged").WithCode("sealed_damaged")
	}
	if string(raw[:keyNameLen]) != string(nameOf(key)) {
		return "", fault.New(fault.Unavailable, "a secret was sealed with another key than the one in %s", b.path).
			WithCode("wrong_key_file").WithHint("put the key file back that belongs to this database, or enter the secret again")
	}
	aead, err := gcm(key)
	if err != nil {
		return "", err
	}
	text, err := aead.Open(nil, raw[keyNameLen:keyNameLen+nonceSize], raw[keyNameLen+nonceSize:], []byte(purpose))
	if err != nil {
		return "", fault.New(fault.Internal, "a sealed secret is damaged or was moved").WithCode("sealed_damaged")
	}
	return string(text), nil
}

func gcm(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("use the sealing key: %w", err)
	}
	return cipher.NewGCM(block)
}

// nameOf tells keys apart; it says nothing about them.
func nameOf(key []byte) []byte {
	sum := sha256.Sum256(append([]byte("cusp key name "), key...))
	return sum[:keyNameLen]
}

// load reads the key, and makes one when there is none and one may be made.
func (b *Box) load(mayMake bool) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.key != nil {
		return b.key, nil
	}
	key, err := readKey(b.path)
	if errors.Is(err, fs.ErrNotExist) && mayMake {
		if err := makeKey(b.path); err != nil {
			return nil, fault.New(fault.Unavailable, "the key file %s cannot be made", b.path).WithCode("key_file").
				WithCause(err).WithHint("name a place for it with the option key_file")
		}
		key, err = readKey(b.path)
	}
	if err != nil {
		return nil, fault.New(fault.Unavailable, "the key file %s cannot be read", b.path).WithCode("key_file").
			WithCause(err).WithHint("put the key file back that belongs to this database, or name it with the option key_file")
	}
	b.key = key
	return key, nil
}

func readKey(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != keySize {
		return nil, fmt.Errorf("%s does not hold %d hex digits", path, 2*keySize)
	}
	return key, nil
}

// makeKey writes a new key beside its place and links it there: two processes that do so at once end up
// with one key, and a crash leaves none or a whole one.
func makeKey(path string) error {
	key := make([]byte, keySize)
	_, _ = rand.Read(key)
	f, err := os.CreateTemp(filepath.Dir(path), ".cusp-key-*") // 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.WriteString(hex.EncodeToString(key) + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}
