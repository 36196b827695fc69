// Package product lets tests use the product as people do: its binary, built once, as a process.
package product

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"testing"

	// The binary is built in a subprocess, which go test does not see: without this, a result would be
	// taken from the cache although the product has changed.
	_ "cusp/internal/cli"
)

// Build compiles the binary into a folder of the test and returns its path.
func Build(t testing.TB) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "cusp")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", bin, "cusp/cmd/cusp").CombinedOutput()
	if err != nil {
		t.Fatalf("build cusp: %v\n%s", err, out)
	}
	return bin
}

// Run runs a command of the binary and returns its standard output.
func Run(t testing.TB, bin string, args ...string) []byte {
	t.Helper()
	var out, problems bytes.Buffer
	cmd := exec.CommandContext(t.Context(), bin, args...)
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		t.Fatalf("cusp %v: %v\n%s", args, err, problems.String())
	}
	return out.Bytes()
}

// Event is a line of `cusp export events --format ndjson`.
type Event struct {
	MessageID string `json:"message_id"`
	Type      string `json:"type"`
	UserID    string `json:"user_id"`
	Line      []byte `json:"-"` // the whole line
}

// Events are all stored events.
func Events(t testing.TB, bin, dsn string) []Event {
	t.Helper()
	var events []Event
	lines := bufio.NewScanner(bytes.NewReader(Run(t, bin, "export", "events", "--format", "ndjson", "--db", dsn)))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e Event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatalf("read exported event %q: %v", lines.Text(), err)
		}
		e.Line = bytes.Clone(lines.Bytes())
		events = append(events, e)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return events
}
