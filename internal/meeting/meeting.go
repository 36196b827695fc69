// Package meeting reads what booking services tell: somebody booked a meeting, called it off, or did not
// come.
//
// The signature is checked over the raw bytes before anything of them is read ([VerifyCalcom],
// [VerifyCalendly]); then they become [Meeting] values ([ParseCalcom], [ParseCalendly]). A meeting names
// itself by [Meeting.Key], which is the same however often and by whomever the same bytes are sent, so
// that a request that is repeated counts once.
package meeting

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"cusp/internal/fault"
)

// MaxBody is how many bytes a request may have.
const MaxBody = 256 << 10

// Tolerance is how far the time in a signature may be from ours.
const Tolerance = 3 * time.Minute

// Kind is what became of a meeting.
type Kind string

// The kinds, under the names of their events.
const (
	Booked    Kind = "Meeting Booked"
	Cancelled Kind = "Meeting Cancelled"
	NoShow    Kind = "Meeting No-Show"
)

// Meeting is what a booking service told about one attendee.
type Meeting struct {
	Kind      Kind
	Key       string // names this piece of news
	ID        string // of the booking, at the service
	Provider  string // calcom, calendly
	Email     string // the attendee
	Name      string
	Host      string // e-mail address
	Title     string
	Start     time.Time // zero when it was not told
	End       time.Time
	At        time.Time // when it was said; zero when it was not told
	Answers   []string  // what the attendee wrote
	Anonymous string    // the visitor's id, when the page passed it on
}

// VerifyCalcom checks X-Cal-Signature-256: hex HMAC-SHA256 of the body, with or without "sha256=" before
// it. Cal.com signs no time; what is sent again counts once. The error is [fault.Unauthentic].
func VerifyCalcom(secret, signature string, body []byte) error {
	if secret == "" || !same(strings.TrimPrefix(signature, "sha256="), sum(secret, body)) {
		return refused("its signature does not fit")
	}
	return nil
}

// VerifyCalendly checks Calendly-Webhook-Signature, "t=…,v1=…": hex HMAC-SHA256 of the time, a dot and the
// body. The error is [fault.Unauthentic].
func VerifyCalendly(secret, signature string, body []byte, now time.Time) error {
	var at string
	var given []string
	for part := range strings.SplitSeq(signature, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "t":
			at = value
		case "v1":
			given = append(given, value)
		}
	}
	seconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil || secret == "" || len(given) == 0 || len(given) > 4 {
		return refused("it is not signed")
	}
	if now.Sub(time.Unix(seconds, 0)).Abs() > Tolerance {
		return refused("it is not of now")
	}
	want := sum(secret, append([]byte(at+"."), body...))
	for _, s := range given {
		if same(s, want) {
			return nil
		}
	}
	return refused("its signature does not fit")
}

func sum(secret string, body []byte) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = mac.Write(body) // a hash takes all
	return mac.Sum(nil)
}

func same(given string, want []byte) bool {
	raw, err := hex.DecodeString(given)
	return err == nil && hmac.Equal(raw, want)
}

func refused(why string) error {
	return fault.New(fault.Unauthentic, "this request is not accepted: %s", why).WithCode("bad_signature").
		WithHint("check that both sides hold the same secret, and the clocks")
}

// digest makes a key of parts that may hold anything.
func digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		one := sha256.Sum256([]byte(p)) // of each part, so that their borders count
		_, _ = h.Write(one[:])
	}
	return hex.EncodeToString(h.Sum(nil))[:32]
}

func unreadable(service string, err error) error {
	return fault.New(fault.Invalid, "this is no message of %s", service).WithCode("bad_payload").WithCause(err).
		WithHint("leave the body of the webhook as %s makes it", service)
}
