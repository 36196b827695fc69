package table

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cusp/tests/olist"
)

// rowServer answers imports as the product does, by the message id alone.
type rowServer struct {
	seen    map[string]bool
	batches int
	fail    int // the batch that is answered with an error
	refuse  string
}

func (s *rowServer) send(_ context.Context, q Request) (Result, error) {
	s.batches++
	if s.batches == s.fail {
		return Result{}, errors.New("connection lost")
	}
	res := Result{Read: len(q.Rows)}
	for _, row := range q.Rows {
		var m struct {
			MessageID string `json:"messageId"`
			UserID    string `json:"userId"`
		}
		if err := json.Unmarshal(row.Message, &m); err != nil {
			return Result{}, err
		}
		switch {
		case s.refuse != "" && m.UserID == s.refuse:
			res.Rejected = append(res.Rejected, Rejection{Line: row.Line, Code: "refused", Reason: "by the server"})
		case s.seen[m.MessageID]:
			res.Unchanged++
		default:
			s.seen[m.MessageID] = true
			res.New++
		}
	}
	return res, nil
}

func people(n int) string {
	var b strings.Builder
	b.WriteString("user_id,email\n")
	for i := range n {
		fmt.Fprintf(&b, "u%d,u%d@acme.example\n", i, i)
	}
	return b.String()
}

func open(t *testing.T, text string) *Reader {
	t.Helper()
	r, err := Open(strings.NewReader(text), Options{Kind: People})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestJob_twiceChangesNothing(t *testing.T) {
	t.Parallel()
	s := &rowServer{seen: map[string]bool{}}
	for _, want := range []Summary{{Read: 1203, New: 1203}, {Read: 1203, Unchanged: 1203}} {
		j := Job{Reader: open(t, people(1203)), Send: s.send}
		state, err := j.Run(t.Context())
		if diff := cmp.Diff(state.Summary, want); err != nil || diff != "" {
			t.Errorf("%v; got (-) want (+):\n%s", err, diff)
		}
	}
	changed := strings.Replace(people(1203), "u7@", "seven@", 1)
	j := Job{Reader: open(t, changed), Send: s.send}
	state, err := j.Run(t.Context())
	if want := (Summary{Read: 1203, New: 1, Unchanged: 1202}); err != nil || state.Summary != want {
		t.Errorf("one row changed: got %+v %v, want %+v", state.Summary, err, want)
	}
}

func TestJob_goesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	s := &rowServer{seen: map[string]bool{}, fail: 3}
	text := people(1700)
	first := Job{Reader: open(t, text), Send: s.send}
	state, err := first.Run(t.Context())
	if err == nil || state.Rows != 1000 || state.Summary.New != 1000 {
		t.Fatalf("got %+v %v, want 1000 confirmed rows and an error", state, err)
	}
	second := Job{Reader: open(t, text), Send: s.send, Resume: state}
	state, err = second.Run(t.Context())
	if want := (Summary{Read: 1700, New: 1700}); err != nil || state.Summary != want {
		t.Errorf("got %+v %v, want %+v", state.Summary, err, want)
	}
	if s.batches != 5 {
		t.Errorf("got %d batches, want 3 and then 2", s.batches)
	}
	other := Job{Reader: open(t, people(10)), Send: s.send, Resume: state}
	if state, err = other.Run(t.Context()); err != nil || state.Rows != 10 {
		t.Errorf("a state of another file was used: %+v %v", state, err)
	}
}

func TestJob_reportsRejectionsOfBothSidesInOrder(t *testing.T) {
	t.Parallel()
	s := &rowServer{seen: map[string]bool{}, refuse: "u3"}
	text := "user_id,email\nu1,a@b.example\nu2,broken\nu3,c@d.example\nu4\n"
	var got []string
	j := Job{Reader: open(t, text), Send: s.send, Reject: func(why Rejection, cells []string) error {
		got = append(got, fmt.Sprint(why.Line, why.Code, cells))
		return nil
	}}
	state, err := j.Run(t.Context())
	if want := (Summary{Read: 4, New: 1, Rejected: 3}); err != nil || state.Summary != want {
		t.Errorf("got %+v %v, want %+v", state.Summary, err, want)
	}
	want := []string{"3bad_email[u2 broken]", "4refused[u3 c@d.example]", "5wrong_cell_count[u4]"}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("got (-) want (+):\n%s", diff)
	}
}

// The real file of 8,000 leads, through the mapping in examples.
func TestJob_olist(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../examples/olist/people.yaml")
	if err != nil {
		t.Fatal(err)
	}
	m, err := ParseMapping("people.yaml", text, People)
	if err != nil {
		t.Fatal(err)
	}
	s := &rowServer{seen: map[string]bool{}}
	file := olist.File(t)
	for _, want := range []Summary{{Read: olist.Leads, New: olist.Leads}, {Read: olist.Leads, Unchanged: olist.Leads}} {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		r, err := Open(f, Options{Kind: People, Mapping: m})
		if err != nil {
			t.Fatal(err)
		}
		j := Job{Reader: r, Send: s.send}
		state, err := j.Run(t.Context())
		if err != nil || state.Summary != want {
			t.Errorf("got %+v %v, want %+v", state.Summary, err, want)
		}
		_ = f.Close()
	}
}

func TestProgress_String(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		in   Progress
		want string
	}{
		{Progress{Rows: 12}, "12 rows"},
		{Progress{Rows: 12_400, Read: 10, Size: 50, Elapsed: 4 * time.Second}, "12,400 rows · 3,100 rows/s · 16 s left"},
		{Progress{Rows: 1_000_000, Read: 1, Size: 181, Elapsed: time.Minute}, "1,000,000 rows · 16,666 rows/s · 3 h 0 min left"},
		{Progress{Rows: 100, Read: 50, Size: 50, Elapsed: 2 * time.Second}, "100 rows · 50 rows/s"},
		{Progress{Rows: 100, Elapsed: 2 * time.Second}, "100 rows · 50 rows/s"},
	} {
		if got := tc.in.String(); got != tc.want {
			t.Errorf("got %q, want %q", got, tc.want)
		}
	}
}
