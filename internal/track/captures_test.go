package track_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cusp/internal/db"
	"cusp/internal/db/dbtest"
	"cusp/internal/lead"
	"cusp/internal/track"
)

var update = flag.Bool("update", false, "write the golden files")

// TestCaptures replays the bytes that real SDKs sent, in their order, and compares what is stored then.
func TestCaptures(t *testing.T) {
	t.Parallel()
	folders, err := filepath.Glob("testdata/captures/*/01-*.headers.txt")
	if err != nil || len(folders) < 15 {
		t.Fatalf("%d captures of real SDKs: %v", len(folders), err)
	}
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		g := newRig(t, d)
		var all strings.Builder
		for i, first := range folders {
			folder := filepath.Dir(first)
			source := g.key("kit_write_key", func(s *track.Source) { s.ID = lead.SourceID(1000 + i) })
			fmt.Fprintf(&all, "# %s\n", filepath.Base(folder))
			sent := replay(t, g, folder)
			events := g.stored(t, source)
			counts, rejected := g.account(t, source)
			if len(events)+len(rejected) != sent || int(counts.Accepted) != len(events) || int(counts.Received) != sent {
				t.Errorf("%s: %d messages sent, %d stored, %d rejected, %+v", folder, sent, len(events), len(rejected), counts)
			}
			all.WriteString(listing(events))
			for _, r := range rejected {
				fmt.Fprintf(&all, "rejected: %s\n", r.Code)
			}
		}
		golden(t, "captures.golden", all.String())
	})
}

// listing is what is known of each event besides its body, in fold order.
func listing(events []lead.Event) string {
	slices.SortFunc(events, func(a, b lead.Event) int { return a.Compare(&b) })
	var out strings.Builder
	for _, e := range events {
		fmt.Fprintf(&out, "%s %s %s user=%s anonymous=%s group=%s previous=%s name=%s path=%s flags=%d\n",
			e.Time, e.Type, e.MessageID, e.UserID, e.AnonymousID, e.GroupID, e.PreviousID, e.Name, e.Path, e.Flags)
	}
	return out.String()
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s: %s", path, diff)
	}
}

// replay sends the requests of a capture and returns how many messages they held.
func replay(t *testing.T, g *rig, folder string) (messages int) {
	t.Helper()
	requests, err := filepath.Glob(folder + "/*.headers.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range requests {
		method, path, header := readHead(t, file)
		body, err := os.ReadFile(strings.TrimSuffix(file, ".headers.txt") + ".body.json")
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		if header.Get("Content-Encoding") == "gzip" {
			body = zipped(body)
		}
		a := g.send(t, method, path, header, body)
		switch {
		case strings.Contains(path, "snowplow"):
			if a.status != http.StatusNotFound {
				t.Errorf("%s: an address that is not served answered %d", file, a.status)
			}
		case method == http.MethodOptions:
			checkPreflight(t, file, header, a)
		case method == http.MethodGet:
			if a.status != http.StatusOK || !json.Valid([]byte(a.body)) || !strings.Contains(a.body, `"kit_write_key"`) {
				t.Errorf("%s: %d %s", file, a.status, a.body)
			}
		case !isSuccess(a):
			t.Errorf("%s: %d %s", file, a.status, a.body)
		default:
			messages += count(t, file)
		}
	}
	return messages
}

// readHead reads a request's head as it was captured. What the client makes itself is left out.
func readHead(t *testing.T, file string) (method, path string, header http.Header) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, _, _ := bytes.Cut(text, []byte("\n\n"))
	head = append(head, "\r\n\r\n"...)
	req, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(head)))
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	for _, name := range []string{"Connection", "Content-Length", "Transfer-Encoding"} {
		req.Header.Del(name)
	}
	return req.Method, req.RequestURI, req.Header
}

func count(t *testing.T, file string) int {
	t.Helper()
	body, err := os.ReadFile(strings.TrimSuffix(file, ".headers.txt") + ".body.json")
	if err != nil {
		t.Fatal(err)
	}
	var batch struct{ Batch []json.RawMessage }
	if err := json.Unmarshal(body, &batch); err != nil {
		t.Fatal(err)
	}
	return max(1, len(batch.Batch))
}

// checkPreflight asks for what a browser asks: is each header that the request will carry allowed?
func checkPreflight(t *testing.T, file string, asked http.Header, a answer) {
	t.Helper()
	if a.status != http.StatusNoContent || a.body != "" || a.header.Get("Access-Control-Allow-Methods") != "GET, POST, OPTIONS" ||
		a.header.Get("Access-Control-Max-Age") != "600" {
		t.Errorf("%s: %d %v", file, a.status, a.header)
	}
	allowed := strings.Split(a.header.Get("Access-Control-Allow-Headers"), ", ")
	for name := range strings.SplitSeq(asked.Get("Access-Control-Request-Headers"), ",") {
		if !slices.Contains(allowed, name) {
			t.Errorf("%s: the header %s is not allowed: %s", file, name, allowed)
		}
	}
}
