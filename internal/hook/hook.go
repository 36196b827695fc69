// Package hook writes and signs messages for webhooks as Standard Webhooks 1.0 describes them
// (github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md), so that receivers can
// verify them with the libraries that exist for it.
//
// In: an id, a type, a time, data as JSON, and one or two secrets. Out: body and headers of a request.
// What is kept: the id and the body are the same in every attempt; time and signature are of the attempt.
//
// This package sends nothing: package alert does, through the one HTTP client. Begin reading at [Compose]
// and [Sign].
package hook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"cusp/internal/fault"
)

// The headers of a message.
const (
	HeaderID        = "Webhook-Id"
	HeaderTimestamp = "Webhook-Timestamp"
	HeaderSignature = "Webhook-Signature"
)

// Tolerance is how far the time of a message may be from the receiver's.
const Tolerance = 5 * time.Minute

const (
	secretPrefix = "whsec_"
	secretBytes  = 32
	minSecret    = 24 // bytes
	maxSecret    = 64
	maxID        = 200
	version      = "v1,"
)

// NewSecret draws a signing secret from random (crypto/rand.Reader outside of tests).
func NewSecret(random io.Reader) (string, error) {
	raw := make([]byte, secretBytes)
	if _, err := io.ReadFull(random, raw); err != nil {
		return "", fmt.Errorf("draw a signing secret: %w", err)
	}
	return secretPrefix + base64.StdEncoding.EncodeToString(raw), nil
}

// CheckSecret refuses what is no signing secret.
func CheckSecret(secret string) error {
	_, err := decode(secret)
	return err
}

func decode(secret string) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, secretPrefix))
	if err != nil || len(key) < minSecret || len(key) > maxSecret {
		return nil, fault.New(fault.Invalid, "this is no signing secret").WithCode("bad_secret").
			WithHint("a secret is whsec_ and %d to %d bytes in base 64", minSecret, maxSecret)
	}
	return key, nil
}

// Message is what happened.
type Message struct {
	Type string // "handoff.assigned": letters, digits, _ and dots
	Time time.Time
	Data json.RawMessage // an object; null when empty
}

// Compose writes the body. The same message gives the same bytes.
func Compose(m Message) ([]byte, error) {
	if m.Type == "" || strings.ContainsFunc(m.Type, notInType) {
		return nil, fault.New(fault.Internal, "%q is no type of a webhook message", m.Type)
	}
	if len(m.Data) == 0 {
		m.Data = json.RawMessage("null")
	}
	body, err := json.Marshal(struct {
		Type      string          `json:"type"`
		Timestamp string          `json:"timestamp"`
		Data      json.RawMessage `json:"data"`
	}{m.Type, m.Time.UTC().Format(time.RFC3339Nano), m.Data})
	if err != nil {
		return nil, fmt.Errorf("write webhook message: %w", err)
	}
	return body, nil
}

func notInType(r rune) bool {
	return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' && r != '.'
}

// Sign gives the headers of one attempt. While a secret is being replaced, both are used and the receiver
// accepts either.
func Sign(secrets []string, id string, at time.Time, body []byte) (http.Header, error) {
	if id == "" || len(id) > maxID || strings.ContainsFunc(id, func(r rune) bool { return r == '.' || r <= ' ' || r > '~' }) {
		return nil, fault.New(fault.Internal, "%q is no id of a webhook message", id)
	}
	if len(secrets) == 0 {
		return nil, fault.New(fault.Internal, "a webhook has no signing secret")
	}
	stamp := strconv.FormatInt(at.Unix(), 10)
	var all []string
	for _, s := range secrets {
		key, err := decode(s)
		if err != nil {
			return nil, err
		}
		all = append(all, version+base64.StdEncoding.EncodeToString(digest(key, id, stamp, body)))
	}
	return http.Header{
		HeaderID: {id}, HeaderTimestamp: {stamp}, HeaderSignature: {strings.Join(all, " ")},
		"Content-Type": {"application/json"},
	}, nil
}

func digest(key []byte, id, stamp string, body []byte) []byte {
	mac := hmac.New(sha256.New, key)
	_, _ = io.WriteString(mac, id+"."+stamp+".") // a hash takes all
	_, _ = mac.Write(body)
	return mac.Sum(nil)
}

// Verify checks a message that came in. The error is [fault.Unauthentic].
func Verify(secret string, h http.Header, body []byte, now time.Time) error {
	refuse := func(why string) error {
		return fault.New(fault.Unauthentic, "this message is not accepted: %s", why).WithCode("bad_signature")
	}
	key, err := decode(secret)
	if err != nil {
		return err
	}
	id, stamp := h.Get(HeaderID), h.Get(HeaderTimestamp)
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || id == "" {
		return refuse("it is not signed")
	}
	if now.Sub(time.Unix(seconds, 0)).Abs() > Tolerance {
		return refuse("it is not of now")
	}
	want := digest(key, id, stamp, body)
	for s := range strings.FieldsSeq(h.Get(HeaderSignature)) {
		encoded, ok := strings.CutPrefix(s, version)
		got, err := base64.StdEncoding.DecodeString(encoded)
		if ok && err == nil && hmac.Equal(got, want) {
			return nil
		}
	}
	return refuse("its signature does not fit")
}
