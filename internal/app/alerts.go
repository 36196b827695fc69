package app

import (
	"context"
	"crypto/rand"

	"cusp/internal/access"
	"cusp/internal/alert"
	"cusp/internal/db"
	"cusp/internal/fault"
	"cusp/internal/fetch"
	"cusp/internal/handoff"
	"cusp/internal/mail"
	"cusp/internal/seal"
)

// Outgoing says how messages leave the house.
type Outgoing struct {
	KeyFile     string       // seals secrets; empty: beside the database
	Mail        *mail.Config // nil: there is no mail server
	SlackSecret string       // of the Slack app; empty: no buttons
	Allow       []string     // host:port that may be reached although not public
}

// keyFile is where the key lies when nobody says.
func (a *App) keyFile() string {
	switch {
	case a.o.Outgoing.KeyFile != "":
		return a.o.Outgoing.KeyFile
	case db.IsPostgres(a.o.DB):
		return "cusp.key"
	}
	return db.Path(a.o.DB) + ".key"
}

// setUpAlerts makes what sends messages. The queue is there already; the desk, whose handoffs can be
// answered in Slack, comes after it.
func (a *App) setUpAlerts() error {
	instance, err := seal.NewToken(rand.Reader, "")
	if err != nil {
		return err
	}
	client, err := fetch.New(fetch.Options{
		Allow: a.o.Outgoing.Allow, Self: []string{a.o.Addr}, Instance: instance, UserAgent: "Cusp/" + a.o.Version, Logger: a.o.Log,
	})
	if err != nil {
		return err
	}
	var sender *mail.Sender
	if a.o.Outgoing.Mail != nil {
		if sender, err = mail.New(*a.o.Outgoing.Mail); err != nil {
			return fault.New(fault.Invalid, "e-mail cannot be sent with these settings: %s", err).WithCode("bad_mail_settings").
				WithHint("check smtp_host, smtp_security and smtp_from, which is Cusp <alerts@company.example>")
		}
	}
	a.alerts, err = alert.New(alert.Options{
		DB: a.db, Queue: a.queue, Fetch: client, Box: seal.NewBox(a.keyFile()), Now: a.o.Now, Random: rand.Reader, Log: a.o.Log,
		Mail: sender, PublicURL: a.o.PublicURL, SlackSecret: a.o.Outgoing.SlackSecret, Plan: a.planInForce, Zone: zone, User: a.actor,
		Answer: func(ctx context.Context, id handoff.ID, x handoff.Answer, by access.Principal) (handoff.Handoff, error) {
			return a.desk.Answer(ctx, id, x, by)
		},
	})
	return err
}

// feed tells watchers of decisions.
func (a *App) feed(ctx context.Context) error {
	changes, stop := a.engine.Watch()
	defer stop()
	return a.alerts.Feed().Follow(ctx, changes)
}

// zone is the time zone that a user set; empty for none, and for addresses of nobody here.
func zone(tx *db.Tx, email string) (string, error) {
	user, err := access.FindUser(tx, email)
	if fault.Is(err, fault.NotFound) {
		return "", nil
	}
	return user.Attributes.Zone, err
}

// actor is the user whom somebody in Slack is.
func (a *App) actor(ctx context.Context, email string) (access.Principal, error) {
	user, err := a.staff.User(ctx, email)
	if err != nil {
		return access.Principal{}, err
	}
	if !user.Active {
		return access.Principal{}, fault.New(fault.Denied, "%s does not work here any more", email).WithCode("inactive_user")
	}
	return user.Principal(), nil
}
