package queue

import (
	"strings"
	"time"
	"unicode/utf8"

	"cusp/internal/lead"
)

// The methods below are the rules of the state machine: each takes the moment at which it happens and
// changes the record, without a database.

func (r *Record) to(do action) (err error) {
	r.State, err = r.State.after(do)
	return err
}

// wait makes the job due at a steady instant.
func (r *Record) wait(m moment, due lead.Instant) {
	r.DueAt, r.skew, r.LeaseUntil, r.FinishedAt = due, m.skew, 0, 0
}

func (r *Record) end(m moment) { r.LeaseUntil, r.FinishedAt = 0, m.wall() }

func (r *Record) claim(m moment, lease time.Duration) error {
	if err := r.to(claim); err != nil {
		return err
	}
	r.Attempt++
	if r.FirstAt == 0 {
		r.FirstAt = m.now
	}
	r.LeaseUntil = m.now.Add(lease)
	return nil
}

func (r *Record) complete(m moment) error {
	if err := r.to(complete); err != nil {
		return err
	}
	r.end(m)
	r.Error, r.Payload = "", nil
	return nil
}

// fail notes a failure and decides between another attempt and the end.
func (r *Record) fail(m moment, do action, p Policy, cause error) error {
	r.Failed++
	r.Error = shorten(cause.Error())
	due, again := p.next(*r, m.now, cause)
	if !again {
		if err := r.to(bury); err != nil {
			return err
		}
		r.end(m)
		return nil
	}
	if err := r.to(do); err != nil {
		return err
	}
	r.wait(m, due)
	return nil
}

func (r *Record) release(m moment) error {
	if err := r.to(release); err != nil {
		return err
	}
	r.wait(m, min(r.DueAt, m.now)) // it keeps its place, and how late it is
	return nil
}

func (r *Record) reschedule(m moment, to lead.Instant) error {
	if err := r.to(reschedule); err != nil {
		return err
	}
	r.RunAt, r.FirstAt, r.Failed = to, 0, 0
	r.wait(m, m.due(to))
	return nil
}

func (r *Record) cancel(m moment) error {
	if err := r.to(cancel); err != nil {
		return err
	}
	r.end(m)
	return nil
}

func (r *Record) replay(m moment) error {
	if err := r.to(replay); err != nil {
		return err
	}
	r.Failed, r.FirstAt = 0, 0
	r.wait(m, m.now)
	return nil
}

// shorten makes an error fit to be stored: valid text without NUL, which PostgreSQL refuses.
func shorten(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "?"), "\x00", "?")
	if len(s) <= maxError {
		return s
	}
	s = s[:maxError]
	for !utf8.ValidString(s) {
		s = s[:len(s)-1]
	}
	return s
}
