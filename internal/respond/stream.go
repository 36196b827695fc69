package respond

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"cusp/internal/ingest/table"
	"cusp/internal/lead"
)

// streamPatience is how long a client may take to read what was sent before the stream is given up.
const streamPatience = 30 * time.Second

// flushAt is how much of a stream is gathered before it is sent.
const flushAt = 32 << 10

// NDJSON streams values, one JSON document a line. An error after the first line cannot change the
// status any more: [NDJSON.Close] then cuts the connection, so that the client notices.
type NDJSON struct {
	w   http.ResponseWriter
	buf *bufio.Writer
	enc *json.Encoder
}

// NewNDJSON begins an answer of status 200.
func NewNDJSON(w http.ResponseWriter) *NDJSON {
	w.Header().Set("Content-Type", "application/x-ndjson")
	s := &NDJSON{w: w}
	s.buf = bufio.NewWriterSize(&patient{w: w, rc: http.NewResponseController(w)}, flushAt)
	s.enc = json.NewEncoder(s.buf)
	s.enc.SetEscapeHTML(false)
	return s
}

// Write adds one line.
func (s *NDJSON) Write(v any) error {
	if err := s.enc.Encode(v); err != nil {
		return fmt.Errorf("write stream: %w", err)
	}
	return nil
}

// Close sends the rest, or breaks the answer off when err says that the stream is not whole.
func (s *NDJSON) Close(err error) {
	if err == nil {
		err = s.buf.Flush()
	}
	if err != nil {
		panic(http.ErrAbortHandler)
	}
}

// patient gives the client new time with every chunk: a download may last long, but not stand still.
type patient struct {
	w  io.Writer
	rc *http.ResponseController
}

func (p *patient) Write(b []byte) (int, error) {
	// Not every writer has deadlines (tests, sockets of other kinds); then the server's own holds.
	_ = p.rc.SetWriteDeadline(time.Now().Add(streamPatience))
	n, err := p.w.Write(b)
	if err != nil {
		return n, fmt.Errorf("send: %w", err)
	}
	return n, nil
}

// CSV writes tables that spreadsheets open safely: text that could be taken for a formula is guarded
// (see [table.Guard]), numbers stay numbers.
type CSV struct{ w *csv.Writer }

// NewCSV begins a table with its header line.
func NewCSV(w io.Writer, header ...string) (*CSV, error) {
	c := &CSV{w: csv.NewWriter(w)}
	if err := c.w.Write(header); err != nil {
		return nil, fmt.Errorf("write table: %w", err)
	}
	return c, nil
}

// Row adds a line. Cells are text, numbers, booleans, instants, or nil for an empty cell; other values
// are written as JSON.
func (c *CSV) Row(cells ...any) error {
	line := make([]string, len(cells))
	for i, cell := range cells {
		text, err := cellText(cell)
		if err != nil {
			return err
		}
		line[i] = text
	}
	if err := c.w.Write(line); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	return nil
}

// Close sends what is left.
func (c *CSV) Close() error {
	c.w.Flush()
	if err := c.w.Error(); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	return nil
}

func cellText(cell any) (string, error) {
	switch v := cell.(type) {
	case nil:
		return "", nil
	case string:
		return table.Guard(v), nil
	case *string:
		if v == nil {
			return "", nil
		}
		return table.Guard(*v), nil
	case int:
		return strconv.Itoa(v), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	case json.Number:
		return v.String(), nil
	case bool:
		return strconv.FormatBool(v), nil
	case lead.Instant:
		if v == 0 {
			return "", nil
		}
		return v.String(), nil
	}
	text, err := json.Marshal(cell)
	if err != nil {
		return "", fmt.Errorf("write cell: %w", err)
	}
	return table.Guard(string(text)), nil
}
