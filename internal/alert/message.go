package alert

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"slices"
	"strings"

	"cusp/internal/db"
	"cusp/internal/fault"
	"cusp/internal/handoff/calendar"
	"cusp/internal/lead"
	"cusp/internal/queue"
)

// Message is what is told.
type Message struct {
	// Key is the same for the same occurrence: a destination gets one message with it, however often it
	// is sent.
	Key    string       `json:"key"`
	Type   string       `json:"type"` // "handoff.assigned"
	At     lead.Instant `json:"at"`
	Urgent bool         `json:"urgent,omitempty"` // a raised hand: quiet hours do not hold it back

	Title   string          `json:"title"`
	Lines   []string        `json:"lines,omitempty"`
	Facts   []Fact          `json:"facts,omitempty"`
	Path    string          `json:"path,omitempty"`    // where it is shown, from the public address
	Handoff int64           `json:"handoff,omitempty"` // that can be answered with buttons; 0 for none
	Reasons []Choice        `json:"reasons,omitempty"` // for rejecting it
	Data    json.RawMessage `json:"data,omitempty"`    // for programs

	// To are those who are told besides the destinations that get every message of this type.
	To []Recipient `json:"-"`
	// Quiet hold for recipients without quiet hours of their own.
	Quiet Quiet `json:"-"`
}

// Fact is a name with a value: a text, or a time that is shown in the recipient's zone.
type Fact struct {
	Name string       `json:"name"`
	Text string       `json:"text,omitempty"`
	At   lead.Instant `json:"at,omitempty"`
}

// Choice is something to choose, with its label.
type Choice struct {
	Code  string `json:"code"`
	Label string `json:"label"`
}

// Recipient is a destination by its id, or an e-mail address.
type Recipient struct {
	Name string
	Zone string // IANA zone of the person; empty: unknown
}

// Quiet are hours of every day; equal ends mean none.
type Quiet struct{ From, To int } // minutes after midnight

// until is when a message may go out that is ready at an instant: then, or when the quiet hours end. An
// unknown zone counts as UTC.
func (q Quiet) until(at lead.Instant, zone string) lead.Instant {
	if q.From == q.To {
		return at
	}
	if zone == "" {
		zone = "UTC"
	}
	spec := calendar.Spec{ID: "loud", Zone: zone, Hours: map[string]calendar.Times{}}
	for _, day := range []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"} {
		spec.Hours[day] = calendar.Times{clock(q.To) + "-" + clock(q.From)}
	}
	c, problems := calendar.Compile(spec)
	if len(problems) > 0 {
		if zone == "UTC" {
			return at
		}
		return q.until(at, "UTC")
	}
	if open, ok := c.NextOpen(at); ok {
		return open
	}
	return at
}

func clock(minutes int) string {
	return string([]byte{
		byte('0' + minutes/600%10), byte('0' + minutes/60%10), ':', byte('0' + minutes%60/10), byte('0' + minutes%10),
	})
}

// job is what the queue keeps of a delivery.
type job struct {
	ID      string  `json:"id"` // of the message at this destination
	To      string  `json:"to"`
	Zone    string  `json:"zone,omitempty"`
	Quiet   Quiet   `json:"quiet,omitzero"`
	Message Message `json:"message"`
}

// messageID is the id that a receiver sees. It has no dot, as Standard Webhooks wants, and fits a
// Message-ID.
func messageID(key, destination string) string {
	sum := sha256.Sum256([]byte(key + "\x00" + destination))
	return "msg_" + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:16]))
}

// Send tells everybody concerned, within the transaction that made the message true. Sending it again
// changes nothing.
func (a *Alerts) Send(tx *db.Tx, m Message) error {
	if m.Key == "" || m.Type == "" {
		return fault.New(fault.Internal, "a message needs a key and a type")
	}
	destinations, err := listDestinations(tx)
	if err != nil {
		return err
	}
	for _, r := range recipients(m, destinations) {
		if err := a.send(tx, m, r, destinations); err != nil {
			return err
		}
	}
	return nil
}

// recipients are those who are named and those who take every message of the type, each once.
func recipients(m Message, all []Destination) []Recipient {
	var to []Recipient
	add := func(r Recipient) {
		if r.Name != "" && !slices.ContainsFunc(to, func(x Recipient) bool { return x.Name == r.Name }) {
			to = append(to, r)
		}
	}
	for _, r := range m.To {
		add(r)
	}
	for i := range all {
		if all[i].takes(m.Type) {
			add(Recipient{Name: all[i].ID})
		}
	}
	return to
}

func (a *Alerts) send(tx *db.Tx, m Message, r Recipient, destinations []Destination) error {
	j := job{ID: messageID(m.Key, r.Name), To: r.Name, Zone: r.Zone, Quiet: m.Quiet, Message: m}
	lane := mailLane
	if !strings.Contains(r.Name, "@") {
		i := slices.IndexFunc(destinations, func(d Destination) bool { return d.ID == r.Name })
		if i < 0 || !destinations[i].Enabled {
			return nil // the playbook may name what is not set up yet, or switched off
		}
		lane = destinations[i].lane()
		destinations[i].adjust(&j)
	} else if a.o.Mail == nil {
		return nil
	}
	now := a.now()
	held := now
	if !m.Urgent {
		held = j.Quiet.until(now, j.Zone)
	}
	row := []any{j.ID, j.To, m.Type, m.Title, int64(now), int64(0)}
	work := queue.Job{Kind: DeliverKind, Key: j.ID, Destination: lane}
	if held > now {
		row[5], work.RunAt = int64(held), held
	}
	if n, err := tx.Exec(insertDelivery, row...); err != nil || n == 0 {
		return err
	}
	var err error
	if work.Payload, err = json.Marshal(j); err != nil {
		return fault.New(fault.Internal, "a message cannot be written").WithCause(err)
	}
	_, err = queue.Enqueue(tx, work)
	return err
}
