package api_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"cusp/internal/db"
	"cusp/internal/db/dbtest"
	"cusp/internal/flow"
	"cusp/internal/handoff"
	"cusp/internal/lead"
)

const hookSecret = "hush"

// calcom is a booking at Cal.com by a person.
func calcom(trigger, uid, email string) string {
	return fmt.Sprintf(`{"triggerEvent":%q,"createdAt":%q,"payload":{"uid":%q,"title":"Demo","startTime":"2026-05-21T10:00:00Z","endTime":"2026-05-21T10:30:00Z",
"organizer":{"email":"ann@x.example"},"attendees":[{"email":%q,"name":"Ada Byron","noShow":true}],
"responses":{"notes":{"value":"We have a budget of 40k."}},"metadata":{"anonymous_id":"v1"}}}`, trigger, now.Format("2006-01-02T15:04:05Z"), uid, email)
}

// booked has a booking service call; header and signature as it makes them.
func (s *site) booked(path, body string, header, signature string) *httptest.ResponseRecorder {
	s.t.Helper()
	r := httptest.NewRequestWithContext(s.t.Context(), "POST", path, strings.NewReader(body))
	r.Header.Set(header, signature)
	w := httptest.NewRecorder()
	s.http.ServeHTTP(w, r)
	return w
}

func mac(text string) string {
	h := hmac.New(sha256.New, []byte(hookSecret))
	h.Write([]byte(text))
	return hex.EncodeToString(h.Sum(nil))
}

func (s *site) calcom(body string) *httptest.ResponseRecorder {
	return s.booked("/hooks/calcom", body, "X-Cal-Signature-256", mac(body))
}

// last is the person's newest handoff.
func (s *site) last(ref string) handoff.Handoff {
	s.t.Helper()
	x, err := s.engine.Explain(s.t.Context(), ref, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	id, err := lead.ParsePersonID(x.Person.ID)
	if err != nil {
		s.t.Fatal(err)
	}
	var h handoff.Handoff
	err = s.engine.Read(s.t.Context(), func(tx *db.Tx) error {
		all, err := handoff.List(tx, handoff.Filter{Person: id}, 0, 10)
		if err == nil && len(all) > 0 {
			h = all[len(all)-1]
		}
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return h
}

func TestMeetings_aBookedOneIsTheFirstContact(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		s := newFormSite(t, d)
		s.send("sender", demoForm)
		if h := s.last("ada@analytical.example"); h.State != handoff.Open {
			t.Fatalf("handoff %+v", h)
		}
		body := calcom("BOOKING_CREATED", "bk1", "ada@analytical.example")
		if w := s.calcom(body); w.Code != http.StatusOK {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		h := s.last("ada@analytical.example")
		if h.State != handoff.Contacted || h.ContactedAt == 0 || !strings.Contains(h.Note, "2026-05-21T10:00:00Z") {
			t.Errorf("handoff %+v", h)
		}
		x, err := s.engine.Explain(t.Context(), "ada@analytical.example", 0)
		if err != nil || x.Events != 6 { // form, identify, three of the meeting, the answer
			t.Errorf("%d events, %v", x.Events, err)
		}
		if w := s.calcom(body); w.Code != http.StatusOK {
			t.Errorf("sent again: %d %s", w.Code, w.Body)
		}
		if again := s.last("ada@analytical.example"); again.Attempts != h.Attempts || again.ContactedAt != h.ContactedAt {
			t.Errorf("sent again: %+v", again)
		}
		for _, trigger := range []string{"BOOKING_CANCELLED", "BOOKING_NO_SHOW_UPDATED"} {
			if w := s.calcom(calcom(trigger, "bk1", "ada@analytical.example")); w.Code != http.StatusOK {
				t.Errorf("%s: %d %s", trigger, w.Code, w.Body)
			}
		}
		happened, _, err := s.engine.Timeline(t.Context(), "ada@analytical.example", flow.Position{}, 20)
		if err != nil {
			t.Fatal(err)
		}
		names := map[string]int{}
		for _, e := range happened {
			names[e.Name]++
		}
		if names["Meeting Booked"] != 1 || names["Meeting Cancelled"] != 1 || names["Meeting No-Show"] != 1 {
			t.Errorf("stored %v", names)
		}
	})
}

func TestMeetings_calendly(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		s := newFormSite(t, d)
		s.send("sender", demoForm)
		body := `{"event":"invitee.created","created_at":"2026-05-20T12:00:00Z","payload":{"uri":"https://c.example/1","email":"Ada@Analytical.example",
"scheduled_event":{"start_time":"2026-05-21T10:00:00Z","event_memberships":[{"user_email":"ann@x.example"}]}}}`
		at := strconv.FormatInt(now.Unix(), 10)
		if w := s.booked("/hooks/calendly", body, "Calendly-Webhook-Signature", "t="+at+",v1="+mac(at+"."+body)); w.Code != http.StatusOK {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		if h := s.last("ada@analytical.example"); h.State != handoff.Contacted {
			t.Errorf("handoff %+v", h)
		}
	})
}

// A booking answers the handoff that it came for, and no later one.
func TestMeetings_oldNewsAnswersNothing(t *testing.T) {
	t.Parallel()
	s := newFormSite(t, dbtest.Open(t, db.SQLite))
	body := strings.ReplaceAll(calcom("BOOKING_CREATED", "bk1", "ada@analytical.example"), "2026-05-20", "2026-05-19")
	if w := s.calcom(body); w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	s.send("sender", demoForm)
	if w := s.calcom(body); w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if h := s.last("ada@analytical.example"); h.State != handoff.Open {
		t.Errorf("a replayed booking answers: %+v", h)
	}
}

func TestMeetings_whatIsNotSigned(t *testing.T) {
	t.Parallel()
	s := newFormSite(t, dbtest.Open(t, db.SQLite))
	body := calcom("BOOKING_CREATED", "bk1", "ada@analytical.example")
	nobody := strings.Replace(calcom("BOOKING_CREATED", "bk2", "nobody"), `"v1"`, `""`, 1)
	at := strconv.FormatInt(now.Unix()-600, 10)
	for name, c := range map[string]struct {
		path, body, header, signature string
		status                        int
	}{
		"nothing":            {"/hooks/calcom", body, "X-Cal-Signature-256", "", http.StatusUnauthorized},
		"another body":       {"/hooks/calcom", body + " ", "X-Cal-Signature-256", mac(body), http.StatusUnauthorized},
		"the other service":  {"/hooks/calendly", body, "X-Cal-Signature-256", mac(body), http.StatusUnauthorized},
		"too old":            {"/hooks/calendly", body, "Calendly-Webhook-Signature", "t=" + at + ",v1=" + mac(at+"."+body), http.StatusUnauthorized},
		"too large":          {"/hooks/calcom", strings.Repeat(" ", 300<<10), "X-Cal-Signature-256", "", http.StatusRequestEntityTooLarge},
		"signed, unreadable": {"/hooks/calcom", "{", "X-Cal-Signature-256", mac("{"), http.StatusUnprocessableEntity},
		"signed, no address": {"/hooks/calcom", nobody, "X-Cal-Signature-256", mac(nobody), http.StatusUnprocessableEntity},
	} {
		if w := s.booked(c.path, c.body, c.header, c.signature); w.Code != c.status {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}
