package meeting

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cusp/internal/fault"
)

const (
	secret   = "s3cret"
	body     = `{"a":1}`
	calcomOK = "5910e62016ef5034272c926c27071992a465c2335cecf41851bda071577f4f6d"
	calOK    = "t=1700000000,v1=1698a50bc74d1ff1db85c4e0a5297c2ad9fdba245d5737cdb789e4cc6e098940"
)

var signed = time.Unix(1_700_000_000, 0)

// The signatures were computed with another program.
func TestSignatures(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{
		"calcom":                  VerifyCalcom(secret, calcomOK, []byte(body)),
		"calcom with a prefix":    VerifyCalcom(secret, "sha256="+calcomOK, []byte(body)),
		"calendly":                VerifyCalendly(secret, calOK, []byte(body), signed),
		"calendly, almost late":   VerifyCalendly(secret, calOK, []byte(body), signed.Add(Tolerance)),
		"calendly, almost early":  VerifyCalendly(secret, calOK, []byte(body), signed.Add(-Tolerance)),
		"calendly, other order":   VerifyCalendly(secret, strings.Join(reversed(strings.Split(calOK, ",")), ", "), []byte(body), signed),
		"calendly, second secret": VerifyCalendly(secret, calOK+",v1=00", []byte(body), signed),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func reversed(s []string) []string { return []string{s[1], s[0]} }

func TestForgeries(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{
		"calcom, nothing":         VerifyCalcom(secret, "", []byte(body)),
		"calcom, no secret":       VerifyCalcom("", calcomOK, []byte(body)),
		"calcom, other secret":    VerifyCalcom("other", calcomOK, []byte(body)),
		"calcom, other body":      VerifyCalcom(secret, calcomOK, []byte(`{"a": 1}`)),
		"calcom, half":            VerifyCalcom(secret, calcomOK[:32], []byte(body)),
		"calcom, no hex":          VerifyCalcom(secret, "zz"+calcomOK[2:], []byte(body)),
		"calendly, nothing":       VerifyCalendly(secret, "", []byte(body), signed),
		"calendly, no secret":     VerifyCalendly("", calOK, []byte(body), signed),
		"calendly, other body":    VerifyCalendly(secret, calOK, []byte(`{"a":2}`), signed),
		"calendly, late":          VerifyCalendly(secret, calOK, []byte(body), signed.Add(Tolerance+time.Second)),
		"calendly, early":         VerifyCalendly(secret, calOK, []byte(body), signed.Add(-Tolerance-time.Second)),
		"calendly, other time":    VerifyCalendly(secret, strings.Replace(calOK, "t=1700000000", "t=1700000001", 1), []byte(body), signed),
		"calendly, no time":       VerifyCalendly(secret, calOK[len("t=1700000000,"):], []byte(body), signed),
		"calendly, many":          VerifyCalendly(secret, calOK+strings.Repeat(",v1=00", 9), []byte(body), signed),
		"calendly, far away time": VerifyCalendly(secret, strings.Replace(calOK, "1700000000", "9223372036854775807", 1), []byte(body), signed),
	} {
		if fault.KindOf(err) != fault.Unauthentic {
			t.Errorf("%s: %v", name, err)
		}
	}
}

const calcomBooked = `{"triggerEvent":"BOOKING_CREATED","createdAt":"2026-06-01T09:00:00.000Z","payload":{"uid":"bk1","title":"Demo",
"startTime":"2026-06-02T10:00:00Z","endTime":"2026-06-02T10:30:00Z","status":"ACCEPTED",
"organizer":{"email":"amy@cusp.example","name":"Amy","timeZone":"Europe/Berlin"},
"attendees":[{"email":"ada@x.example","name":"Ada","timeZone":"Europe/London"},{"email":"","name":"nobody"},{"email":"bo@x.example","name":"Bo"}],
"responses":{"name":{"label":"your_name","value":"Ada"},"notes":{"label":"notes","value":"We have a budget of 40k."},"what":"plain","n":{"value":3}},
"metadata":{"anonymous_id":"v1"}}}`

const calendlyBooked = `{"event":"invitee.created","created_at":"2026-06-01T09:00:00.000000Z","payload":{"uri":"https://api.calendly.example/i/1",
"email":"ada@x.example","name":"Ada","rescheduled":false,"questions_and_answers":[{"question":"What?","answer":"Price","position":0}],
"tracking":{"salesforce_uuid":"v1"},"scheduled_event":{"uri":"https://api.calendly.example/e/1","name":"Demo","start_time":"2026-06-02T10:00:00.000000Z",
"end_time":"2026-06-02T10:30:00.000000Z","event_memberships":[{"user":"u","user_email":"amy@cusp.example","user_name":"Amy"}]}}}`

func at(hour, minute int, day int) time.Time {
	return time.Date(2026, 6, day, hour, minute, 0, 0, time.UTC)
}

func TestBookedAtCalcom(t *testing.T) {
	t.Parallel()
	got, err := ParseCalcom([]byte(calcomBooked))
	if err != nil || len(got) != 2 {
		t.Fatalf("%+v, %v", got, err)
	}
	want := Meeting{
		Kind: Booked, Key: got[0].Key, ID: "bk1", Provider: "calcom", Email: "ada@x.example", Name: "Ada", Host: "amy@cusp.example", Title: "Demo",
		Start: at(10, 0, 2), End: at(10, 30, 2), At: at(9, 0, 1), Answers: []string{"We have a budget of 40k.", "plain"}, Anonymous: "v1",
	}
	if d := cmp.Diff(want, got[0]); d != "" {
		t.Error(d)
	}
	if got[0].Key == got[1].Key || len(got[0].Key) > 60 {
		t.Errorf("keys %s, %s", got[0].Key, got[1].Key)
	}
}

func TestBookedAtCalendly(t *testing.T) {
	t.Parallel()
	got, err := ParseCalendly([]byte(calendlyBooked))
	if err != nil || len(got) != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
	want := Meeting{
		Kind: Booked, Key: got[0].Key, ID: "https://api.calendly.example/i/1", Provider: "calendly", Email: "ada@x.example", Name: "Ada",
		Host: "amy@cusp.example", Title: "Demo", Start: at(10, 0, 2), End: at(10, 30, 2), At: at(9, 0, 1), Answers: []string{"Price"}, Anonymous: "v1",
	}
	if d := cmp.Diff(want, got[0]); d != "" {
		t.Error(d)
	}
}

func TestWhatBecomesOfMeetings(t *testing.T) {
	t.Parallel()
	replace := func(text string, oldnew ...string) []byte {
		return []byte(strings.NewReplacer(oldnew...).Replace(text))
	}
	noShow := `{"triggerEvent":"BOOKING_NO_SHOW_UPDATED","payload":{"bookingUid":"bk1","attendees":[{"email":"ada@x.example","noShow":true},{"email":"bo@x.example","noShow":false}]}}`
	for name, c := range map[string]struct {
		parse func([]byte) ([]Meeting, error)
		body  []byte
		want  []Kind
	}{
		"calcom moved":         {ParseCalcom, replace(calcomBooked, "CREATED", "RESCHEDULED"), []Kind{Booked, Booked}},
		"calcom called off":    {ParseCalcom, replace(calcomBooked, "CREATED", "CANCELLED"), []Kind{Cancelled, Cancelled}},
		"calcom nobody came":   {ParseCalcom, []byte(noShow), []Kind{NoShow}},
		"calcom something":     {ParseCalcom, replace(calcomBooked, "BOOKING_CREATED", "MEETING_ENDED"), nil},
		"calendly called off":  {ParseCalendly, replace(calendlyBooked, "invitee.created", "invitee.canceled"), []Kind{Cancelled}},
		"calendly moved":       {ParseCalendly, replace(calendlyBooked, "invitee.created", "invitee.canceled", "false", "true"), nil},
		"calendly nobody came": {ParseCalendly, replace(calendlyBooked, "invitee.created", "invitee_no_show.created"), []Kind{NoShow}},
		"calendly something":   {ParseCalendly, replace(calendlyBooked, "invitee.created", "routing_form_submission.created"), nil},
	} {
		got, err := c.parse(c.body)
		var kinds []Kind
		for _, m := range got {
			kinds = append(kinds, m.Kind)
		}
		if d := cmp.Diff(c.want, kinds); d != "" || err != nil {
			t.Errorf("%s: %v %s", name, err, d)
		}
	}
}

func TestUnreadable(t *testing.T) {
	t.Parallel()
	for name, parse := range map[string]func([]byte) ([]Meeting, error){"calcom": ParseCalcom, "calendly": ParseCalendly} {
		for _, text := range []string{
			"", "[]", "{", `{"triggerEvent":"BOOKING_CREATED","event":"invitee.created"}`,
			`{"triggerEvent":"BOOKING_CREATED","event":"invitee.created","payload":{"uid":"1","uri":"1","attendees":[]}}`,
		} {
			if got, err := parse([]byte(text)); fault.KindOf(err) != fault.Invalid {
				t.Errorf("%s reads %q as %+v, %v", name, text, got, err)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(calcomBooked))
	f.Add([]byte(calendlyBooked))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, parse := range []func([]byte) ([]Meeting, error){ParseCalcom, ParseCalendly} {
			meetings, err := parse(text)
			if err != nil && len(meetings) > 0 {
				t.Errorf("%v and %+v", err, meetings)
			}
			for _, m := range meetings {
				if m.Email == "" || m.Key == "" || m.Kind == "" {
					t.Errorf("%+v", m)
				}
			}
		}
	})
}
