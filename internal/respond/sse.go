package respond

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// EventStream sends events to a browser's EventSource (WHATWG HTML §9.2). A client that does not read is
// cut off after [streamPatience].
type EventStream struct {
	w http.ResponseWriter
	c *http.ResponseController
}

// NewEventStream begins an answer of status 200, and says after how long a client that lost it should
// come back.
func NewEventStream(w http.ResponseWriter, comeBack time.Duration) (*EventStream, error) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no") // proxies hold streams back otherwise
	s := &EventStream{w: w, c: http.NewResponseController(w)}
	return s, s.send(fmt.Sprintf("retry: %d\n\n", comeBack.Milliseconds()))
}

// Send sends one event. An id lets the client say, when it comes back, what it has seen.
func (s *EventStream) Send(id, kind string, data []byte) error {
	var b strings.Builder
	if id != "" {
		fmt.Fprintf(&b, "id: %s\n", id)
	}
	fmt.Fprintf(&b, "event: %s\n", kind)
	for line := range strings.Lines(strings.ReplaceAll(string(data), "\r", "")) {
		fmt.Fprintf(&b, "data: %s\n", strings.TrimSuffix(line, "\n"))
	}
	b.WriteString("\n")
	return s.send(b.String())
}

// Beat sends nothing that the client notices, so that both sides know that the connection lives.
func (s *EventStream) Beat() error { return s.send(":\n\n") }

func (s *EventStream) send(text string) error {
	// Not every writer has deadlines (tests, sockets of other kinds); then the server's own holds.
	_ = s.c.SetWriteDeadline(time.Now().Add(streamPatience))
	if _, err := s.w.Write([]byte(text)); err != nil {
		return fmt.Errorf("send event: %w", err)
	}
	if err := s.c.Flush(); err != nil {
		return fmt.Errorf("send event: %w", err)
	}
	return nil
}
