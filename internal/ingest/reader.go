package ingest

import (
	"errors"
	"unicode/utf8"

	"cusp/internal/canon"
	"cusp/internal/lead"
)

// Reader turns the messages of one request into a batch. Its fields are set before the first message.
type Reader struct {
	Batch
	Trusted bool          // sent with a server's key, by an import or by a signed-in person
	IP      string        // of the connection; stored with messages from the SDKs of browsers and phones
	Agent   string        // the request's User-Agent; likewise
	Device  bool          // the connection is the visitor's, whatever the messages say
	NewID   func() string // makes ids for messages that have none

	Tree         *canon.Tree // holds the nodes below and those of the messages
	Context      canon.Node  // of the whole request; a message's own members win
	Integrations canon.Node  // likewise
	SentAt       canon.Node  // when the request was sent; a message's own wins

	text  []byte // canonical bodies, one behind the other
	grown int    // bytes by which the messages have grown
}

// maxGrowth is by how many bytes the messages of a request may grow in all: a context that is said once is
// stored with each message, which must not turn a small request into a large transaction.
const maxGrowth = 8 << 20

// draft is a message on its way to becoming an event.
type draft struct {
	node  canon.Node
	event lead.Event
}

// Message reads one message into the batch, as an event or as a rejection. The endpoint may know its
// type; 0 leaves it to the message.
func (r *Reader) Message(msg canon.Node, endpoint lead.EventType) {
	if msg.Kind() != canon.Object {
		raw := msg.Append(nil)
		r.Add(NewRejected(NotAnObject, "A message is a JSON object.", raw), r.Trusted)
		return
	}
	d := draft{node: msg}
	code, reason := EventTooLarge, "The event is larger than 32 KiB."
	if shared := r.Context.Size() + r.Integrations.Size(); msg.Size() <= MaxEvent && msg.Size()+shared <= 2*MaxEvent {
		d.node = r.complete(msg, endpoint)
		code, reason = r.check(&d)
	}
	if code == "" {
		code, reason = r.pack(&d, msg.Size())
	}
	if code != "" {
		r.reject(&d, msg, code, reason)
		return
	}
	r.Events = append(r.Events, d.event)
}

// reject keeps what was sent and, so that it can be read again, what the request said for it.
func (r *Reader) reject(d *draft, msg canon.Node, code Code, reason string) {
	if r.grown > maxGrowth {
		d.node = msg
	}
	rejected := NewRejected(code, reason, d.node.Append(nil))
	rejected.Size = max(rejected.Size, msg.Size())
	r.grown += max(0, len(rejected.Raw)-msg.Size())
	r.Add(rejected, r.Trusted)
}

// complete is the message with what the request said for all of its messages, and without the key.
func (r *Reader) complete(msg canon.Node, endpoint lead.EventType) canon.Node {
	t := r.Tree
	if r.Context.Kind() == canon.Object {
		msg = t.With(msg, "context", msg.Get("context").Merge(r.Context))
	}
	if r.Integrations.Kind() == canon.Object {
		msg = t.With(msg, "integrations", msg.Get("integrations").Merge(r.Integrations))
	}
	if r.SentAt.Kind() == canon.String && msg.Get("sentAt").Kind() <= canon.Null {
		msg = t.With(msg, "sentAt", r.SentAt)
	}
	if endpoint != 0 && string(msg.Get("type").Bytes()) != endpoint.String() {
		msg = t.With(msg, "type", t.String(endpoint.String()))
	}
	if msg.Get("writeKey").Kind() != canon.Missing {
		msg = t.With(msg, "writeKey", canon.Node{})
	}
	if r.Device || fromDevice(msg) {
		msg = r.observed(msg, "ip", r.IP)
		msg = r.observed(msg, "userAgent", r.Agent)
	}
	return msg
}

// observed adds to a message's context what the connection showed, where the message says nothing.
func (r *Reader) observed(msg canon.Node, key, text string) canon.Node {
	context := msg.Get("context")
	if text == "" || context.Get(key).Kind() > canon.Null {
		return msg
	}
	return r.Tree.With(msg, "context", r.Tree.With(context, key, r.Tree.String(text)))
}

// check validates a message and fills in the event, all but its body.
func (r *Reader) check(d *draft) (Code, string) {
	m, e := d.node, &d.event
	switch {
	case errors.Is(m.Err(), canon.ErrTooDeep):
		return TooDeep, "The event is nested deeper than 32 levels."
	case m.Err() != nil:
		return BadNumber, "A number in the event is too large: send it as a string."
	}
	var known bool
	if e.Type, known = lead.ParseEventType(string(m.Get("type").Bytes())); !known || e.Type > lead.Alias {
		return UnknownType, "The type must be track, page, screen, identify, group or alias."
	}
	e.Source, e.ReceivedAt = r.Source, r.ReceivedAt
	e.Time, e.Flags = stamps{firstOf(m.Get("originalTimestamp"), m.Get("timestamp")), m.Get("sentAt")}.settle(r.ReceivedAt)
	if r.Trusted {
		e.Flags |= lead.Trusted
	}
	if code, reason := r.identify(d); code != "" {
		return code, reason
	}
	return r.name(d)
}

// identify reads who and what the message is about.
func (r *Reader) identify(d *draft) (Code, string) {
	m, e := d.node, &d.event
	e.MessageID = identifier(m.Get("messageId"))
	e.UserID = identifier(m.Get("userId"))
	e.AnonymousID = identifier(m.Get("anonymousId"))
	e.PreviousID = identifier(m.Get("previousId"))
	e.GroupID = identifier(firstOf(m.Get("groupId"), m.Get("context", "groupId")))
	if e.UserID != "" && randomAnonymous(m, e.Type) {
		e.AnonymousID = ""
	}
	if e.MessageID == "" {
		e.MessageID = r.NewID()
	}
	switch {
	case utf8.RuneCountInString(e.MessageID) > MaxMessageID:
		return BadMessageID, "The messageId is longer than 255 characters."
	case max(len(e.UserID), len(e.AnonymousID), len(e.PreviousID), len(e.GroupID)) > MaxID:
		return BadIdentifier, "An id is longer than 512 bytes."
	case !r.belongs(d):
		return NoIdentity, "The event has neither a userId nor an anonymousId."
	case e.Type == lead.Alias && e.PreviousID == e.UserID:
		return AliasCycle, "The previousId is the userId itself."
	}
	return "", ""
}

// belongs reports whether there is somebody, or a company, whose event this is. A browser's e-mail
// address is an identity only where it identifies; servers and imports may name people by it.
func (r *Reader) belongs(d *draft) bool {
	m, e := d.node, &d.event
	if e.Type == lead.Alias {
		return e.UserID != "" && e.PreviousID != ""
	}
	if e.UserID != "" || e.AnonymousID != "" || e.Type == lead.Group && (e.GroupID != "" || r.Trusted && company(m)) {
		return true
	}
	if e.Type != lead.Identify && !r.Trusted {
		return false
	}
	return identifier(m.Get("traits", "email")) != "" || identifier(m.Get("context", "traits", "email")) != ""
}

// company reports whether the traits of a group call name the company by its domain.
func company(m canon.Node) bool {
	return identifier(m.Get("traits", "domain")) != "" || identifier(m.Get("traits", "website")) != ""
}

// name reads what the event is called and where it happened.
func (r *Reader) name(d *draft) (Code, string) {
	m, e := d.node, &d.event
	e.Path = pagePath(m)
	switch e.Type {
	case lead.Track:
		name := m.Get("event")
		if name.Kind() != canon.String || blank(name.Bytes()) {
			return BadEventName, "A track call needs the name of its event."
		}
		if utf8.RuneCount(name.Bytes()) > MaxName {
			return BadEventName, "The name of the event is longer than 200 characters."
		}
		e.Name = name.Text()
	case lead.Page, lead.Screen:
		name := m.Get("name")
		if name.Kind() != canon.String {
			name = m.Get("properties", "name")
		}
		e.Name = cut(name, MaxName)
	default:
	}
	return "", ""
}

// pack writes the message as it is stored.
func (r *Reader) pack(d *draft, sent int) (Code, string) {
	start := len(r.text)
	r.text = d.node.Append(r.text)
	size := len(r.text) - start
	growth := max(0, size-sent)
	if size > 2*MaxEvent || r.grown+growth > maxGrowth {
		r.text = r.text[:start]
		return EventTooLarge, "The event is too large together with the context of its batch."
	}
	r.grown += growth
	d.event.Body = r.text[start:len(r.text):len(r.text)]
	return "", ""
}

// Reserve makes room for the bodies of a request of so many bytes.
func (r *Reader) Reserve(size int) { r.text = make([]byte, 0, size+size/8) }
