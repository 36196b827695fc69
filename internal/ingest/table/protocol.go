package table

import "encoding/json"

// The limits of one import request. A message has the limit of every tracking event.
const (
	MaxRows    = 500       // rows of one request
	MaxBytes   = 4 << 20   // bytes of one request body
	MaxMessage = 32 * 1024 // bytes of one message
)

// Row is one row of a table on its way to the server: what it says as a tracking message, and where it
// stood. Also holds further messages that the same row tells (a first contact beside the person, say);
// they are stored with the row and not counted apart.
type Row struct {
	Line    int               `json:"line"`
	Message json.RawMessage   `json:"message"`
	Also    []json.RawMessage `json:"also,omitempty"`
}

// Request is the body of POST /api/v1/import/{kind}: at most [MaxRows] rows and [MaxBytes] bytes.
type Request struct {
	Rows []Row `json:"rows"`
}

// Result answers a [Request]. Every row is counted once: Read = New + Updated + Unchanged + Duplicate +
// len(Rejected). People and accounts are New (not known before), Updated, or Unchanged (the row said
// nothing new); events are New or Duplicate.
type Result struct {
	Read      int         `json:"read"`
	New       int         `json:"new"`
	Updated   int         `json:"updated"`
	Unchanged int         `json:"unchanged"`
	Duplicate int         `json:"duplicate"`
	Rejected  []Rejection `json:"rejected"`
}

// Rejection is why one row was not imported. Line is the line of the file on which the row begins,
// from 1; Code is stable; Reason is for people.
type Rejection struct {
	Line   int    `json:"line"`
	Code   string `json:"code"`
	Reason string `json:"reason"`
}

// Summary is what `cusp import --json` prints: the sums over all files of one command.
// RejectedFile is null when no row was rejected.
type Summary struct {
	Read         int     `json:"read"`
	New          int     `json:"new"`
	Updated      int     `json:"updated"`
	Unchanged    int     `json:"unchanged"`
	Duplicate    int     `json:"duplicate"`
	Rejected     int     `json:"rejected"`
	RejectedFile *string `json:"rejected_file"`
}

// Add counts the answer to one request.
func (s *Summary) Add(r Result) {
	s.Read += r.Read
	s.New += r.New
	s.Updated += r.Updated
	s.Unchanged += r.Unchanged
	s.Duplicate += r.Duplicate
	s.Rejected += len(r.Rejected)
}
