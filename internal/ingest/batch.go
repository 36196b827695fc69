package ingest

import (
	"cusp/internal/lead"
)

// Batch is what one request brought, ready to be stored. Its events have been validated; whether they are
// duplicates is not known yet.
type Batch struct {
	Source     lead.SourceID
	ReceivedAt lead.Instant
	Events     []lead.Event
	Rejected   []Rejected
}

// Receipt says what became of a batch once it is durable.
type Receipt struct {
	Accepted  int // stored, scored, decided
	Duplicate int // stored before, by source and message id
	Rejected  int // kept as rejected events
}

// Counts is what is added to a source's account. Received must be the sum of accepted, duplicate and
// rejected: the database refuses anything else.
type Counts struct {
	At                                      lead.Instant // when it was received
	Received, Accepted, Duplicate, Rejected int64
	Conflict                                int64 // of the duplicates, those that said something else; kept by [Dedupe]
}

// Code says why an event was rejected. Codes are part of the product's interface.
type Code string

// The codes.
const (
	EventTooLarge  Code = "event_too_large" // more than [MaxEvent] bytes
	TooDeep        Code = "too_deep"        // nested deeper than canon.MaxDepth
	BadNumber      Code = "bad_number"      // a number beyond float64
	NotAnObject    Code = "not_an_object"   // an item of a batch that is no JSON object
	UnknownType    Code = "unknown_type"    // a type that is none of Segment's
	BadMessageID   Code = "bad_message_id"  // longer than [MaxMessageID] characters
	BadEventName   Code = "bad_event_name"  // empty, blank or longer than [MaxName] characters
	BadIdentifier  Code = "bad_identifier"  // a user, anonymous, group or previous id longer than [MaxID] bytes
	NoIdentity     Code = "no_identity"     // nobody it could belong to
	AliasCycle     Code = "alias_cycle"     // an alias of an id for itself
	BadBody        Code = "bad_body"        // the request's body is not what the endpoint takes
	KeyDisabled    Code = "key_disabled"    // sent with a key that was disabled
	BadCompression Code = "bad_compression" // the request's body cannot be unpacked
)

// The limits of an event.
const (
	MaxEvent     = 32 << 10 // bytes as sent, without white space around it
	MaxMessageID = 255      // characters
	MaxName      = 200      // characters
	MaxID        = 512      // bytes; what an index of PostgreSQL takes with room to spare
	maxPath      = 2048     // bytes; more is cut
	maxRaw       = 32 << 10 // bytes of a rejected event that are kept
)

// Rejected is an event, or a whole body, that was not accepted. Without Raw it is only counted.
type Rejected struct {
	ID         int64
	Source     lead.SourceID
	ReceivedAt lead.Instant
	Trusted    bool
	Code       Code
	Reason     string // one sentence for people
	Size       int    // bytes as sent
	Raw        []byte // as sent, at most 32 KiB
	ReplayedAt lead.Instant
}

// NewRejected makes a rejection of what was received.
func NewRejected(code Code, reason string, raw []byte) Rejected {
	return Rejected{Code: code, Reason: reason, Size: len(raw), Raw: raw[:min(len(raw), maxRaw)]}
}

// Add puts a rejection into the batch.
func (b *Batch) Add(r Rejected, trusted bool) {
	r.Source, r.ReceivedAt, r.Trusted = b.Source, b.ReceivedAt, trusted
	b.Rejected = append(b.Rejected, r)
}
