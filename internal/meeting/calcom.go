package meeting

import (
	"encoding/json"
	"errors"
	"slices"
	"time"
)

// maxAttendees bounds how many people one request may tell of.
const maxAttendees = 50

type calcom struct {
	Trigger string        `json:"triggerEvent"`
	Created string        `json:"createdAt"`
	Payload calcomBooking `json:"payload"`
}

type calcomBooking struct {
	UID        string         `json:"uid"`
	BookingUID string         `json:"bookingUid"` // of a no-show
	Title      string         `json:"title"`
	Start      string         `json:"startTime"`
	End        string         `json:"endTime"`
	Organizer  calcomPerson   `json:"organizer"`
	Attendees  []calcomPerson `json:"attendees"`
	Responses  map[string]any `json:"responses"`
	Metadata   map[string]any `json:"metadata"`
}

type calcomPerson struct {
	Email  string `json:"email"`
	Name   string `json:"name"`
	NoShow *bool  `json:"noShow"`
}

// ParseCalcom reads the body of a webhook of Cal.com. Triggers that tell nothing about a meeting give
// none.
func ParseCalcom(body []byte) ([]Meeting, error) {
	var c calcom
	if err := json.Unmarshal(body, &c); err != nil {
		return nil, unreadable("Cal.com", err)
	}
	kind, ok := map[string]Kind{
		"BOOKING_CREATED": Booked, "BOOKING_RESCHEDULED": Booked, "BOOKING_CANCELLED": Cancelled, "BOOKING_NO_SHOW_UPDATED": NoShow,
	}[c.Trigger]
	if !ok {
		return nil, nil
	}
	b := &c.Payload
	if b.UID == "" {
		b.UID = b.BookingUID
	}
	if b.UID == "" || len(b.Attendees) == 0 || len(b.Attendees) > maxAttendees {
		return nil, unreadable("Cal.com", errors.New("uid or attendees are missing"))
	}
	var out []Meeting
	for _, who := range b.Attendees {
		if who.Email == "" || kind == NoShow && (who.NoShow == nil || !*who.NoShow) {
			continue
		}
		m := Meeting{
			Kind: kind, Provider: "calcom", ID: b.UID, Email: who.Email, Name: who.Name, Host: b.Organizer.Email, Title: b.Title,
			Start: moment(b.Start), End: moment(b.End), At: moment(c.Created), Answers: responses(b.Responses),
			Key: "calcom-" + digest(c.Trigger, b.UID, b.Start, who.Email),
		}
		m.Anonymous, _ = b.Metadata["anonymous_id"].(string)
		out = append(out, m)
	}
	return out, nil
}

// responses are the texts that the attendee wrote, in the order of the fields' names. Who they are and
// where the meeting is stands elsewhere.
func responses(fields map[string]any) []string {
	names := make([]string, 0, len(fields))
	for name := range fields {
		if !slices.Contains([]string{"name", "email", "location", "guests", "attendeePhoneNumber", "rescheduleReason"}, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var out []string
	for _, name := range names {
		value := fields[name]
		if field, ok := value.(map[string]any); ok {
			value = field["value"]
		}
		if text, ok := value.(string); ok && text != "" {
			out = append(out, text)
		}
	}
	return out
}

// moment reads a time; zero when there is none.
func moment(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}
