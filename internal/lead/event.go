package lead

import (
	"cmp"
	"strings"
)

// EventType is what a caller of the tracking API, an import or a person said.
type EventType uint8

// The first six are Segment's calls. The others are facts that people state about stored events and
// identities; they live in the same log, so that replay sees them.
const (
	Track EventType = iota + 1
	Page
	Screen
	Identify
	Group
	Alias
	Merge    // PreviousID and UserID name two people who are one (values are "kind:value" identifiers)
	Unmerge  // PreviousID names an identifier that does not belong to the person of UserID
	Verdict  // Name is "human" or "bot", PreviousID the message id it speaks of
	Answered // Name is the outcome of a handoff: it answers every earlier inbound signal
)

var eventTypeNames = [...]string{
	"", "track", "page", "screen", "identify", "group", "alias", "merge", "unmerge", "verdict", "answered",
}

// String is the type's name on the wire.
func (t EventType) String() string {
	if int(t) < len(eventTypeNames) {
		return eventTypeNames[t]
	}
	return ""
}

// ParseEventType reads a wire name; ok is false for an unknown one.
func ParseEventType(s string) (t EventType, ok bool) {
	for i, name := range eventTypeNames {
		if i > 0 && name == s {
			return EventType(i), true
		}
	}
	return 0, false
}

// Flags record what ingest had to correct or what it noticed.
type Flags uint16

// The flags of an event.
const (
	Trusted      Flags = 1 << iota // sent with a server key, by an import or by a signed-in person
	ClockSkew                      // the client's time lay in the future; ReceivedAt is used
	BadTimestamp                   // the client's time could not be read; ReceivedAt is used
	Unscored                       // the time is absurd (before 2000 or after ReceivedAt): stored, not scored
	Bot                            // the user agent says robot
)

// Has reports whether all flags of f are set.
func (fl Flags) Has(f Flags) bool { return fl&f == f }

// Event is something that happened, as it is stored: validated, with its time corrected.
type Event struct {
	Source      SourceID
	Type        EventType
	Flags       Flags
	MessageID   string
	UserID      string
	AnonymousID string
	GroupID     string // of a group call, else context.groupId
	PreviousID  string // of an alias
	Name        string // event name of a track, name of a page or screen
	Path        string // page path without query, for page events and whatever carries context.page
	Time        Instant
	ReceivedAt  Instant
	Body        []byte // the whole message as canonical JSON (package canon)
}

// Compare is fold order: by (time, messageId), then by source for ids that two sources share.
func (e *Event) Compare(o *Event) int {
	if c := cmp.Compare(e.Time, o.Time); c != 0 {
		return c
	}
	if c := strings.Compare(e.MessageID, o.MessageID); c != 0 {
		return c
	}
	return cmp.Compare(e.Source, o.Source)
}
