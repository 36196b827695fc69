package table

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"cusp/internal/fault"
)

// message is a tracking message while it is built.
type message map[string]any

// set puts a value at a path. An object for a field of an object (a company for its name) goes one key
// higher; an object for a root is merged.
func (m message) set(t target, v any) {
	object, isObject := v.(map[string]any)
	if isObject && len(t) == 3 {
		t = t[:2]
	}
	at := map[string]any(m)
	for _, key := range t[:len(t)-1] {
		next, ok := at[key].(map[string]any)
		if !ok {
			next = map[string]any{}
			at[key] = next
		}
		at = next
	}
	last := t[len(t)-1]
	if old, ok := at[last].(map[string]any); ok && isObject {
		maps.Copy(old, object)
		return
	}
	at[last] = v
}

// text is the string at a path, or "".
func (m message) text(path ...string) string {
	var at any = map[string]any(m)
	for _, key := range path {
		object, ok := at.(map[string]any)
		if !ok {
			return ""
		}
		at = object[key]
	}
	if at == nil {
		return ""
	}
	return scalarText(at)
}

// build makes the messages of one record: its own, and those that the mapping adds.
func (m *Mapping) build(rec *record, find func(column string) any) (message, []message, error) {
	main, ok := m.whole(rec, find)
	if !ok {
		main = message{"type": messageType(m.Kind)}
		if err := m.assign(main, m.fields, find); err != nil {
			return nil, nil, err
		}
	}
	if err := check(m.Kind, main); err != nil {
		return nil, nil, err
	}
	var also []message
	for _, e := range m.also {
		extra := message{"type": "track", "event": e.name}
		if err := m.assign(extra, e.fields, find); err != nil {
			return nil, nil, err
		}
		inherit(extra, main)
		if extra.text("timestamp") == "" {
			continue // the row does not tell when it happened: then it did not
		}
		if err := check(Events, extra); err != nil {
			return nil, nil, err
		}
		also = append(also, extra)
	}
	return main, also, nil
}

func messageType(k Kind) string {
	switch k {
	case People:
		return "identify"
	case Accounts:
		return "group"
	case Events:
	}
	return "track"
}

// assign sets the mapped fields of one message. Identifiers are text, whatever the table has.
func (m *Mapping) assign(msg message, fields []field, find func(column string) any) error {
	for i := range fields {
		f := &fields[i]
		v, err := m.value(f, find)
		if err != nil {
			return err
		}
		if v == nil {
			continue
		}
		if len(f.target) == 1 && !f.object {
			v = scalarText(v)
		}
		msg.set(f.target, v)
	}
	return nil
}

// inherit says of an added event whose it is.
func inherit(extra, main message) {
	if extra.text("userId") != "" || extra.text("anonymousId") != "" || extra.text("context", "traits", "email") != "" {
		return
	}
	for _, id := range []string{"userId", "anonymousId"} {
		if v := main.text(id); v != "" {
			extra[id] = v
		}
	}
	if email := main.text("traits", "email"); email != "" && extra.text("userId") == "" {
		extra.set(target{"context", "traits", "email"}, email)
	}
}

// check refuses a message that the server could not use, in the words of the table.
func check(kind Kind, msg message) error {
	typ := msg.text("type")
	if kind != Events && typ != messageType(kind) {
		return refuse("wrong_kind", "the row is a %s call; it can be imported among events", typ)
	}
	switch kind {
	case People:
		if msg.text("userId") == "" && msg.text("anonymousId") == "" && msg.text("traits", "email") == "" {
			return refuse("no_identity", "the row has neither a user id nor an e-mail address")
		}
	case Accounts:
		if msg.text("groupId") == "" && msg.text("traits", "domain") == "" && msg.text("traits", "website") == "" {
			return refuse("no_identity", "the row has neither an account id nor a domain or website")
		}
	case Events:
		if err := checkEvent(typ, msg); err != nil {
			return err
		}
	}
	for _, email := range []string{msg.text("traits", "email"), msg.text("context", "traits", "email")} {
		if email != "" && !emailLike(email) {
			return refuse("bad_email", "%s is not an e-mail address", quoteCell(email))
		}
	}
	return nil
}

func checkEvent(typ string, msg message) error {
	if !segmentType(typ) && typ != "" && msg.text("event") == "" {
		msg["event"], msg["type"] = typ, "track" // a column called type that names the event
		typ = "track"
	}
	switch typ {
	case "track":
		if msg.text("event") == "" {
			return refuse("no_event", "the row does not name its event")
		}
	case "page", "screen":
		if name := msg.text("event"); name != "" {
			delete(msg, "event")
			msg["name"] = name
		}
	case "identify", "group", "alias":
	default:
		return refuse("bad_type", "%s is not a type of event (track, page, screen, identify, group, alias)", quoteCell(typ))
	}
	if msg.text("timestamp") == "" {
		return refuse("no_time", "the row does not say when the event happened")
	}
	known := msg.text("userId") + msg.text("anonymousId") + msg.text("context", "traits", "email") + msg.text("traits", "email")
	if known == "" && typ != "group" {
		return refuse("no_identity", "the row has neither a user id, an anonymous id nor an e-mail address")
	}
	return nil
}

// emailLike sorts out what is no address at all; the exact grammar is the server's.
func emailLike(s string) bool {
	at := strings.LastIndexByte(s, '@')
	return at > 0 && strings.Contains(s[at:], ".") && !strings.ContainsAny(s, " \t\r\n,;<>")
}

// whole finds a message that the row carries as it is: a line in Segment's own shape, or a row of our
// export of events, whose canonical message stands beside what the product knows of it.
func (m *Mapping) whole(rec *record, find func(column string) any) (message, bool) {
	if m.doc != nil {
		return nil, false
	}
	if rec.object != nil && segmentType(rec.object["type"]) && segmentShaped(rec.object) {
		return adopt(rec.object, find), true
	}
	for _, column := range []string{"event", "message", "body"} {
		inner, err := objectOf(find(column))
		if object, ok := inner.(map[string]any); err == nil && ok && segmentType(object["type"]) {
			return adopt(object, find), true
		}
	}
	return nil, false
}

// segmentShaped tells a message from a row that merely has a column called type.
func segmentShaped(object map[string]any) bool {
	for _, key := range []string{"messageId", "userId", "anonymousId", "groupId"} {
		if _, ok := object[key]; ok {
			return true
		}
	}
	return false
}

// adopt takes a stored message over. Its time is the one that the product settled on: the client's
// clock was corrected once and must not be corrected again.
func adopt(object map[string]any, find func(column string) any) message {
	msg := message(maps.Clone(object))
	if settled, ok := find("time").(string); ok && settled != "" {
		msg["timestamp"] = settled
	} else if original, ok := msg["originalTimestamp"]; ok && msg["timestamp"] == nil {
		msg["timestamp"] = original
	}
	for _, key := range []string{"sentAt", "receivedAt", "originalTimestamp", "writeKey", "_metadata"} {
		delete(msg, key)
	}
	if id, ok := find("message_id").(string); ok && id != "" {
		msg["messageId"] = id
	}
	return msg
}

func segmentType(v any) bool {
	switch v {
	case "track", "page", "screen", "identify", "group", "alias":
		return true
	}
	return false
}

// seal gives a message its id, a hash of its kind and content, and encodes it with sorted keys.
func seal(kind Kind, msg message) (json.RawMessage, error) {
	if msg.text("messageId") == "" {
		delete(msg, "messageId")
		text, err := encode(msg)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(append([]byte(kind+"\n"), text...))
		msg["messageId"] = fmt.Sprintf("%s-%s", kind, hex.EncodeToString(sum[:16]))
	}
	text, err := encode(msg)
	if err != nil {
		return nil, err
	}
	if len(text) > MaxMessage {
		return nil, refuse("event_too_large", "the row makes an event of %d bytes; the limit is %d", len(text), MaxMessage)
	}
	return text, nil
}

func encode(msg message) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(msg); err != nil {
		return nil, fault.New(fault.Internal, "encode message").WithCause(err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
