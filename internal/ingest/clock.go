package ingest

import (
	"time"

	"cusp/internal/canon"
	"cusp/internal/lead"
)

const (
	// year2000 is before anything that is scored: earlier times are mistakes or records of another age.
	year2000 = lead.Instant(946_684_800 * 1e6)
	// absurdAhead tells a wrong clock from a value that means "never".
	absurdAhead = lead.Instant(100 * 366 * 86_400 * 1e6)
)

// stamps are the times of a message as its sender saw them.
type stamps struct {
	original canon.Node // when it happened
	sent     canon.Node // when it was sent, by the same clock
}

// settle is when an event happened by our clock: receivedAt − (sentAt − originalTimestamp), Segment's
// rule, which takes out the error of the sender's clock. A time that cannot be read, or that lies in the
// future, is replaced by receivedAt, and a flag says so.
func (s stamps) settle(received lead.Instant) (lead.Instant, lead.Flags) {
	if s.original.Kind() <= canon.Null {
		return received, 0
	}
	at, ok := parseTime(s.original)
	if !ok {
		return received, lead.BadTimestamp
	}
	if sent, ok := parseTime(s.sent); ok {
		at = received - (sent - at)
	}
	switch {
	case at > received+absurdAhead:
		return received, lead.ClockSkew | lead.Unscored
	case at > received:
		return received, lead.ClockSkew
	case at == 0:
		return 1, lead.Unscored // the zero Instant means that there is none
	case at < year2000:
		return at, lead.Unscored
	}
	return at, 0
}

// parseTime reads an RFC 3339 time, with or without a colon in the offset. A leap second is the second
// after it, as in POSIX.
func parseTime(n canon.Node) (lead.Instant, bool) {
	if n.Kind() != canon.String {
		return 0, false
	}
	text := string(n.Bytes())
	leap := time.Duration(0)
	if len(text) > 19 && text[16:19] == ":60" {
		text, leap = text[:16]+":59"+text[19:], time.Second
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t, err = time.Parse("2006-01-02T15:04:05.999999999Z0700", text)
	}
	if err != nil {
		return 0, false
	}
	return lead.At(t.Add(leap)), true
}
