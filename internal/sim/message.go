package sim

import (
	"strconv"
	"time"

	"cusp/internal/lead"
)

// Message is one call of the tracking API, with the truth about it that is not sent.
type Message struct {
	Type        lead.EventType
	ID          string // messageId
	UserID      string
	AnonymousID string
	GroupID     string
	Name        string       // event name of a track, title of a page
	At          lead.Instant // timestamp: when it happened
	Arrival     lead.Instant // when it is sent; later than At for late ones
	Server      bool         // sent by a server (trusted), not by a browser
	Context     Context
	Fields      []Field // traits of identify and group, properties of the others

	Person   int      // index of whom it is about, see [Sim.Truth]
	Robot    bool     // a machine did it
	Repeated bool     // sent before, with the same id
	Labels   []string // what its free text says: "budget", "no_deadline"
}

// Context is what a browser or a server knows about the moment.
type Context struct {
	Path      string
	Referrer  string
	Campaign  Campaign
	UserAgent string
	IP        string
}

// Campaign is where a visit came from.
type Campaign struct{ Name, Source, Medium string }

// Field is a trait or a property: a text, a number, or a list of texts.
type Field struct {
	Key    string
	Text   string
	Number float64
	List   []string
	Kind   FieldKind
}

// FieldKind says which part of a [Field] holds its value.
type FieldKind uint8

// The kinds of fields.
const (
	TextField FieldKind = iota
	NumberField
	ListField
)

func text(key, value string) Field { return Field{Key: key, Text: value} }
func number(key string, value float64) Field {
	return Field{Key: key, Number: value, Kind: NumberField}
}
func list(key string, values []string) Field { return Field{Key: key, List: values, Kind: ListField} }

// Time is when it happened.
func (m *Message) Time() time.Time { return m.At.Time() }

// Wait is how long it takes from now until the message is sent: the pause to make when the company is
// watched live. It is 0 for what should have been sent already.
func (m *Message) Wait(now lead.Instant) time.Duration { return max(0, m.Arrival.Sub(now)) }

// AppendJSON writes the message as an SDK would send it, with its keys in order.
func (m *Message) AppendJSON(dst []byte) []byte {
	w := writer{dst}
	w.b = append(w.b, '{')
	w.optional("anonymousId", m.AnonymousID)
	w.context(&m.Context, m.Server)
	if m.Type == lead.Track {
		w.member("event", m.Name)
	}
	w.optional("groupId", m.GroupID)
	w.member("messageId", m.ID)
	if m.Type == lead.Page {
		w.member("name", m.Name)
	}
	if m.Type != lead.Identify && m.Type != lead.Group {
		w.fields("properties", m.Fields)
	}
	w.key("timestamp")
	w.b = append(m.Time().AppendFormat(append(w.b, '"'), "2006-01-02T15:04:05.000Z"), '"')
	if m.Type == lead.Identify || m.Type == lead.Group {
		w.fields("traits", m.Fields)
	}
	w.member("type", m.Type.String())
	w.optional("userId", m.UserID)
	return append(w.b, '}')
}

// writer appends JSON.
type writer struct{ b []byte }

func (w *writer) key(k string) {
	if c := w.b[len(w.b)-1]; c != '{' {
		w.b = append(w.b, ',')
	}
	w.b = append(append(append(w.b, '"'), k...), '"', ':')
}

func (w *writer) member(k, v string) {
	w.key(k)
	w.text(v)
}

func (w *writer) optional(k, v string) {
	if v != "" {
		w.member(k, v)
	}
}

func (w *writer) open(k string) {
	w.key(k)
	w.b = append(w.b, '{')
}

func (w *writer) close() { w.b = append(w.b, '}') }

func (w *writer) context(c *Context, server bool) {
	w.open("context")
	if c.Campaign != (Campaign{}) {
		w.open("campaign")
		w.optional("medium", c.Campaign.Medium)
		w.optional("name", c.Campaign.Name)
		w.optional("source", c.Campaign.Source)
		w.close()
	}
	w.optional("ip", c.IP)
	w.open("library")
	if server {
		w.member("name", "analytics-node")
	} else {
		w.member("name", "analytics.js")
	}
	w.close()
	if c.Path != "" {
		w.open("page")
		w.member("path", c.Path)
		w.optional("referrer", c.Referrer)
		w.key("url")
		w.b = append(append(append(w.b, `"https://tallyport.example`...), c.Path...), '"')
		w.close()
	}
	w.optional("userAgent", c.UserAgent)
	w.close()
}

func (w *writer) fields(k string, fields []Field) {
	w.open(k)
	for i := range fields {
		switch f := &fields[i]; f.Kind {
		case TextField:
			w.member(f.Key, f.Text)
		case NumberField:
			w.key(f.Key)
			w.b = strconv.AppendFloat(w.b, f.Number, 'f', -1, 64)
		case ListField:
			w.key(f.Key)
			w.list(f.List)
		}
	}
	w.close()
}

func (w *writer) list(values []string) {
	w.b = append(w.b, '[')
	for i, v := range values {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.text(v)
	}
	w.b = append(w.b, ']')
}

// text writes a string. What the simulation says is valid UTF-8 without control characters but for line
// ends.
func (w *writer) text(s string) {
	w.b = append(w.b, '"')
	plain := 0
	for i := range len(s) {
		c := s[i]
		if c != '"' && c != '\\' && c >= ' ' {
			continue
		}
		w.b = append(w.b, s[plain:i]...)
		plain = i + 1
		switch c {
		case '\n':
			w.b = append(w.b, '\\', 'n')
		case '"', '\\':
			w.b = append(w.b, '\\', c)
		}
	}
	w.b = append(append(w.b, s[plain:]...), '"')
}
