package alert

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"cusp/internal/access"
	"cusp/internal/db"
	"cusp/internal/domains"
	"cusp/internal/fault"
	"cusp/internal/handoff/calendar"
	"cusp/internal/hook"
	"cusp/internal/lead"
	"cusp/internal/queue"
)

// Kind is how a destination is reached.
type Kind string

// The kinds.
const (
	Email   Kind = "email"
	Slack   Kind = "slack"
	Webhook Kind = "webhook"
)

// mailLane is the queue's destination of all e-mails: they wait for one server.
const mailLane = "mail"

// Destination is where messages go, without what is secret of it.
type Destination struct {
	ID    string // chosen by whoever makes it; the playbook names it
	Kind  Kind
	Name  string
	Shown string // what may be seen of its address
	// Types are the messages that come here in any case: "handoff.assigned", "handoff.*", "*". What the
	// playbook sends here comes as well.
	Types  []string
	Zone   string
	Quiet  Quiet
	People map[string]string // Slack's user ids to e-mail addresses of users

	Enabled   bool
	Reason    string // why it is not
	CreatedAt lead.Instant
	TestedAt  lead.Instant // 0: never
	LastAt    lead.Instant // the last attempt; 0: never
	LastError string       // of that attempt; empty: it succeeded
	Sent      int64
	Failed    int64 // attempts

	sealed string
}

// secrets are what is sealed of a destination.
type secrets struct {
	Address string       `json:"address"`
	Signing []string     `json:"signing,omitempty"` // of webhooks; the newest first
	OldTo   lead.Instant `json:"old_to,omitempty"`  // until then the older ones sign too
}

// NewDestination says what to make.
type NewDestination struct {
	ID      string
	Kind    Kind
	Name    string
	Address string // an e-mail address or a URL
	Types   []string
	Zone    string
	Quiet   Quiet
	People  map[string]string
}

func purpose(id string) string { return "destination/" + id }

// lane is the queue's name of the destination, so that each waits for itself only.
func (d *Destination) lane() string {
	if d.Kind == Email {
		return mailLane
	}
	return "hook/" + d.ID
}

// adjust puts the destination's own zone and quiet hours in place of the recipient's.
func (d *Destination) adjust(j *job) {
	if d.Zone != "" {
		j.Zone = d.Zone
	}
	if d.Quiet.From != d.Quiet.To {
		j.Quiet = d.Quiet
	}
	if d.Kind == Webhook {
		j.Quiet = Quiet{} // programs do not sleep
	}
}

func (d *Destination) takes(messageType string) bool {
	return d.Enabled && slices.ContainsFunc(d.Types, func(t string) bool {
		family, all := strings.CutSuffix(t, "*")
		return t == messageType || all && strings.HasPrefix(messageType, family)
	})
}

// Create makes a destination. For a webhook, secret is its signing secret; it is shown this once.
func (a *Alerts) Create(ctx context.Context, n NewDestination) (d Destination, secret string, err error) {
	if err := a.check(&n); err != nil {
		return Destination{}, "", err
	}
	s := secrets{Address: n.Address}
	if n.Kind == Webhook {
		if secret, err = hook.NewSecret(a.o.Random); err != nil {
			return Destination{}, "", err
		}
		s.Signing = []string{secret}
	}
	d = Destination{
		ID: n.ID, Kind: n.Kind, Name: n.Name, Shown: shown(n.Kind, n.Address), Types: n.Types, Zone: n.Zone, Quiet: n.Quiet,
		People: n.People, Enabled: true, CreatedAt: a.now(),
	}
	if d.sealed, err = a.seal(d.ID, s); err != nil {
		return Destination{}, "", err
	}
	err = a.o.DB.Write(ctx, func(tx *db.Tx) error {
		if err := insertDestination(tx, &d); err != nil {
			return err
		}
		return a.record(tx, "destination.created", d.ID, nil, d)
	})
	return d, secret, err
}

func (a *Alerts) seal(id string, s secrets) (string, error) {
	text, err := json.Marshal(s)
	if err != nil {
		return "", fmt.Errorf("seal destination: %w", err)
	}
	return a.o.Box.Seal(purpose(id), string(text))
}

func (a *Alerts) open(d *Destination) (s secrets, err error) {
	text, err := a.o.Box.Open(purpose(d.ID), d.sealed)
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return s, fmt.Errorf("open destination %s: %w", d.ID, err)
	}
	return s, nil
}

func (a *Alerts) record(tx *db.Tx, what, id string, before, after any) error {
	return access.Record(tx, access.Change{What: what, Subject: "destination:" + id, Before: before, After: after, At: a.now()})
}

const (
	maxID      = 64
	maxName    = 100
	maxTypes   = 50
	maxPeople  = 500
	maxAddress = 2000
)

func (a *Alerts) check(n *NewDestination) error {
	n.Name = strings.TrimSpace(n.Name)
	if n.Name == "" {
		n.Name = n.ID
	}
	switch {
	case !plainID(n.ID):
		return invalid("id", "%q cannot be the id of a destination", n.ID).WithHint("use letters, digits, _ and -, beginning with a letter, at most %d", maxID)
	case n.ID == "owner" || n.ID == "manager":
		return invalid("id", "%q means a person in the playbook", n.ID).WithHint("choose another id")
	case !utf8.ValidString(n.Name) || len(n.Name) > maxName || strings.ContainsFunc(n.Name, unicode.IsControl):
		return invalid("name", "this cannot be a name").WithHint("write up to %d bytes on one line", maxName)
	case len(n.Address) > maxAddress:
		return invalid("address", "this address is too long")
	}
	if err := checkWhen(n); err != nil {
		return err
	}
	if err := checkTypes(n.Types); err != nil {
		return err
	}
	if err := checkPeople(n); err != nil {
		return err
	}
	return a.checkAddress(n)
}

func invalid(field, format string, args ...any) *fault.Error {
	return fault.New(fault.Invalid, format, args...).WithCode("bad_" + field).WithField(field)
}

// plainID reports whether a playbook could name the destination so.
func plainID(s string) bool {
	letter := func(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }
	return s != "" && len(s) <= maxID && letter(rune(s[0])) && !strings.ContainsFunc(s, func(r rune) bool {
		return !letter(r) && (r < '0' || r > '9') && r != '-' && r != '_'
	})
}

func checkWhen(n *NewDestination) error {
	const day = 24 * 60
	if n.Quiet.From < 0 || n.Quiet.From >= day || n.Quiet.To < 0 || n.Quiet.To >= day {
		return invalid("quiet", "these are not times of a day")
	}
	if n.Zone == "" {
		return nil
	}
	always := map[string]calendar.Times{"mon": {"00:00-24:00"}}
	if _, problems := calendar.Compile(calendar.Spec{ID: "zone", Zone: n.Zone, Hours: always}); len(problems) > 0 {
		return invalid("zone", "%q is no time zone", n.Zone).WithHint("write a name such as Europe/Berlin")
	}
	return nil
}

func checkTypes(types []string) error {
	if len(types) > maxTypes {
		return invalid("types", "these are more than %d types", maxTypes)
	}
	for _, t := range types {
		ok := t == "*" || slices.ContainsFunc(Types(), func(known string) bool {
			family, _, _ := strings.Cut(known, ".")
			return t == known || t == family+".*"
		})
		if !ok {
			return invalid("types", "%q is no type of message", t).
				WithHint("the types are %s; handoff.* means all of a family, * all", strings.Join(Types(), ", "))
		}
	}
	return nil
}

func checkPeople(n *NewDestination) error {
	if len(n.People) > 0 && n.Kind != Slack || len(n.People) > maxPeople {
		return invalid("people", "only a Slack channel has people, at most %d", maxPeople)
	}
	for id, address := range n.People {
		a, err := domains.Normalize(address)
		if err != nil || id == "" || len(id) > maxID {
			return invalid("people", "%q with %q is not a Slack user id with an e-mail address", id, address)
		}
		n.People[id] = a.String()
	}
	return nil
}

func (a *Alerts) checkAddress(n *NewDestination) error {
	switch n.Kind {
	case Email:
		if a.o.Mail == nil {
			return fault.New(fault.Invalid, "no mail server is configured").WithCode("no_mail_server").
				WithHint("set smtp_host and smtp_from, and restart")
		}
		address, err := domains.Normalize(n.Address)
		if err != nil {
			return err
		}
		n.Address = address.String()
		return nil
	case Slack, Webhook:
		return a.o.Fetch.Check(n.Address)
	}
	return invalid("kind", "%q is none of: email, slack, webhook", n.Kind)
}

// shown is what may be seen of an address: the path of a URL is its secret.
func shown(k Kind, address string) string {
	if k == Email {
		return address
	}
	u, err := url.Parse(address)
	if err != nil {
		return "…"
	}
	return u.Scheme + "://" + u.Host + "/…"
}

// List is every destination, in order of their ids.
func (a *Alerts) List(ctx context.Context) (all []Destination, err error) {
	err = a.o.DB.Read(ctx, func(tx *db.Tx) error {
		all, err = listDestinations(tx)
		return err
	})
	return all, err
}

// Find is one destination; [fault.NotFound] when there is none.
func (a *Alerts) Find(ctx context.Context, id string) (d Destination, err error) {
	err = a.o.DB.Read(ctx, func(tx *db.Tx) error {
		d, err = findDestination(tx, id)
		return err
	})
	return d, err
}

// Disable switches a destination off. What waits for it is called off.
func (a *Alerts) Disable(ctx context.Context, id, reason string) (Destination, error) {
	return a.change(ctx, id, "destination.disabled", func(tx *db.Tx, d *Destination) error {
		return a.switchOff(tx, d, reason, "")
	})
}

// switchOff calls off what waits, except the message that is being tried: the queue buries that one.
func (a *Alerts) switchOff(tx *db.Tx, d *Destination, reason, except string) error {
	d.Enabled, d.Reason = false, reason
	if _, err := tx.Exec(cancelDeliveries, d.ID, int64(a.now()), except); err != nil {
		return err
	}
	if d.Kind == Email {
		return nil // they share a lane; each finds on its turn that it is called off
	}
	_, err := queue.CancelWaiting(tx, DeliverKind, d.lane())
	return err
}

// Enable switches a destination on again.
func (a *Alerts) Enable(ctx context.Context, id string) (Destination, error) {
	return a.change(ctx, id, "destination.enabled", func(_ *db.Tx, d *Destination) error {
		d.Enabled, d.Reason = true, ""
		return nil
	})
}

// Link says who in Slack is which user, so that they can answer there. An empty address ends it.
func (a *Alerts) Link(ctx context.Context, id, slackUser, email string) (Destination, error) {
	return a.change(ctx, id, "destination.linked", func(_ *db.Tx, d *Destination) error {
		n := NewDestination{Kind: d.Kind, People: map[string]string{}}
		maps.Copy(n.People, d.People)
		delete(n.People, slackUser)
		if email != "" {
			n.People[slackUser] = email
		}
		err := checkPeople(&n)
		d.People = n.People
		return err
	})
}

// Rotate gives a webhook a new signing secret, which is shown this once. For a day the one before it
// signs as well.
func (a *Alerts) Rotate(ctx context.Context, id string) (d Destination, secret string, err error) {
	if secret, err = hook.NewSecret(a.o.Random); err != nil {
		return d, "", err
	}
	d, err = a.change(ctx, id, "destination.rotated", func(_ *db.Tx, d *Destination) error {
		if d.Kind != Webhook {
			return fault.New(fault.Invalid, "only webhooks have a signing secret").WithCode("no_signing_secret")
		}
		s, err := a.open(d)
		if err != nil {
			return err
		}
		s.Signing = []string{secret, s.Signing[0]}
		s.OldTo = a.now().Add(rotateFor)
		d.sealed, err = a.seal(d.ID, s)
		return err
	})
	return d, secret, err
}

func (a *Alerts) change(ctx context.Context, id, what string, edit func(*db.Tx, *Destination) error) (d Destination, err error) {
	err = a.o.DB.Write(ctx, func(tx *db.Tx) error {
		if d, err = lockDestination(tx, id); err != nil {
			return err
		}
		before := d
		if err := edit(tx, &d); err != nil {
			return err
		}
		if err := updateDestination(tx, &d); err != nil {
			return err
		}
		return a.record(tx, what, id, before, d)
	})
	return d, err
}

// Delete forgets a destination with its secrets. Its deliveries stay in the log.
func (a *Alerts) Delete(ctx context.Context, id string) error {
	return a.o.DB.Write(ctx, func(tx *db.Tx) error {
		d, err := lockDestination(tx, id)
		if err != nil {
			return err
		}
		if err := a.switchOff(tx, &d, "deleted", ""); err != nil {
			return err
		}
		if _, err := tx.Exec(deleteDestination, id); err != nil {
			return err
		}
		return a.record(tx, "destination.deleted", id, d, nil)
	})
}
