// Package cases tests a playbook with examples that people can read: folders with facts.yaml (who they
// are, what they did) and want.yaml (what Cusp should say of them).
//
// In goes a directory of folders, out come [Case] values, strictly read: every unknown key, trait, signal
// and time is refused with its position. [Run] asks an [Evaluate] function for each case's explanation,
// compares it with what is wanted, and tells which parts of the playbook no case reached. [WriteWant]
// makes a want.yaml from an explanation.
//
// The fold that explains stands below this package, so it comes in as a function; nothing here knows a
// clock, a database or the file system.
//
// Begin reading at [Load] and [Run].
package cases

import (
	"fmt"
	"maps"
	"strings"

	"go.yaml.in/yaml/v4"

	"cusp/internal/domains"
	"cusp/internal/lead"
	"cusp/internal/playbook"
)

// Case is one person's story and what Cusp should say at its end.
type Case struct {
	Name    string // its folder
	Title   string // the sentence under `case:`
	Now     lead.Instant
	Person  map[string]any // traits known from the beginning; they raise no signal
	Account map[string]any // the same for the company
	Events  []Event        // in fold order: by time, then as written

	want     *yaml.Node // nil without want.yaml
	wantFile string
	lines    []string // of want.yaml
}

// HasWant says whether the case has a want.yaml.
func (c *Case) HasWant() bool { return c.want != nil }

// Event is something that happens in a case.
type Event struct {
	At        lead.Instant
	Type      lead.EventType // Page, Track, Identify, Group or Answered
	MessageID string         // in the order of time and writing, so that fold order is the reader's
	Name      string         // event name of a track, outcome of an answer
	Path      string         // of a page
	// Properties of a page or track. A form is a track named "Form Submitted" with the property "form";
	// free text is the property "message".
	Properties map[string]any
	Traits     map[string]any // of an identify (the person's) or a group (the company's)
}

// Message is the event in the shape of the tracking API, for evaluators that fold tracked events.
// Answers have no such shape; they get the type "answered" with the outcome under "event".
func (e *Event) Message() map[string]any {
	m := map[string]any{
		"type": e.Type.String(), "messageId": e.MessageID, "timestamp": e.At.String(), "userId": "case",
	}
	switch e.Type {
	case lead.Page:
		m["context"] = map[string]any{"page": map[string]any{"path": e.Path}}
	case lead.Group:
		m["groupId"] = "case"
	default: // the others carry what they say in their own fields
	}
	if e.Name != "" {
		m["event"] = e.Name
	}
	if len(e.Properties) > 0 {
		m["properties"] = e.Properties
	}
	if len(e.Traits) > 0 {
		m["traits"] = e.Traits
	}
	return m
}

// Traits are what is known of the person and the company at the end of the case. A company whose domain
// nobody states is known by the person's e-mail address.
func (c *Case) Traits() (person, account map[string]any) {
	person, account = maps.Clone(c.Person), maps.Clone(c.Account)
	for i := range c.Events {
		switch e := &c.Events[i]; e.Type {
		case lead.Identify:
			maps.Copy(person, e.Traits)
		case lead.Group:
			maps.Copy(account, e.Traits)
		default: // nothing else says who somebody is
		}
	}
	if _, stated := account["domain"]; !stated {
		mail, _ := person["email_domain"].(string)
		if domain, ok := domains.Company(mail); ok {
			account["domain"] = domain
		}
	}
	return person, account
}

// Evaluate explains a case under a playbook: the decoded JSON of `cusp explain --json` at the case's Now.
type Evaluate func(p *playbook.Playbook, facts Case) (explain map[string]any, err error)

// withMailDomain adds the domain of an e-mail address where the traits do not name one themselves.
func withMailDomain(traits map[string]any) map[string]any {
	email, _ := traits["email"].(string)
	_, stated := traits["email_domain"]
	if at := strings.LastIndexByte(email, '@'); at >= 0 && !stated {
		traits["email_domain"] = strings.ToLower(email[at+1:])
	}
	return traits
}

func messageID(n int) string { return fmt.Sprintf("case-%05d", n) }
