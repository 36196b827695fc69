package meeting

import (
	"encoding/json"
	"errors"
)

type calendly struct {
	Event   string          `json:"event"`
	Created string          `json:"created_at"`
	Payload calendlyInvitee `json:"payload"`
}

type calendlyInvitee struct {
	URI         string           `json:"uri"`
	Email       string           `json:"email"`
	Name        string           `json:"name"`
	Rescheduled bool             `json:"rescheduled"`
	Answers     []calendlyAnswer `json:"questions_and_answers"`
	Scheduled   calendlyEvent    `json:"scheduled_event"`
	Tracking    struct {
		Anonymous string `json:"salesforce_uuid"`
	} `json:"tracking"`
}

type calendlyAnswer struct {
	Answer string `json:"answer"`
}

type calendlyEvent struct {
	URI     string `json:"uri"`
	Name    string `json:"name"`
	Start   string `json:"start_time"`
	End     string `json:"end_time"`
	Members []struct {
		Email string `json:"user_email"`
	} `json:"event_memberships"`
}

// ParseCalendly reads the body of a webhook of Calendly. Events that tell nothing about a meeting give
// none, and so does the cancelling half of a meeting that was moved: the other half tells the new time.
func ParseCalendly(body []byte) ([]Meeting, error) {
	var c calendly
	if err := json.Unmarshal(body, &c); err != nil {
		return nil, unreadable("Calendly", err)
	}
	kind, ok := map[string]Kind{
		"invitee.created": Booked, "invitee.canceled": Cancelled, "invitee_no_show.created": NoShow,
	}[c.Event]
	p := &c.Payload
	if !ok || kind == Cancelled && p.Rescheduled {
		return nil, nil
	}
	if p.URI == "" || p.Email == "" {
		return nil, unreadable("Calendly", errors.New("uri or email are missing"))
	}
	m := Meeting{
		Kind: kind, Provider: "calendly", ID: p.URI, Email: p.Email, Name: p.Name, Title: p.Scheduled.Name,
		Start: moment(p.Scheduled.Start), End: moment(p.Scheduled.End), At: moment(c.Created),
		Key: "calendly-" + digest(c.Event, p.URI), Anonymous: p.Tracking.Anonymous,
	}
	if len(p.Scheduled.Members) > 0 {
		m.Host = p.Scheduled.Members[0].Email
	}
	for _, a := range p.Answers {
		if a.Answer != "" {
			m.Answers = append(m.Answers, a.Answer)
		}
	}
	return []Meeting{m}, nil
}
