package ingest

import (
	"bytes"
	"encoding/binary"
	"unsafe"

	"cusp/internal/fault"
	"cusp/internal/lead"
)

// A segment is a byte that names the format, then records. A record is
//
//	uvarint  length of the rest, so that readers can step over it
//	uvarint  number of the commit, index within the commit
//	byte     type of event
//	uvarint  flags, source
//	bytes    body: uvarint length, canonical JSON
//	varint   received at; time minus received at
//	text     message id, user id, anonymous id, group id, previous id, name, path
//
// A text is a uvarint, twice its length plus one if it stands in the body as it is; then its offset in
// the body, or the text itself. Nearly every text does, so an event costs little more than its body.
const (
	formatV1   = 1
	indexBits  = 16 // of a sequence number: the index within the commit
	indexLimit = 1 << indexBits
)

// appendRecord packs an event.
func appendRecord(dst []byte, seq uint64, e *lead.Event) []byte {
	var buf [512]byte
	head := binary.AppendUvarint(buf[:0], seq>>indexBits)
	head = binary.AppendUvarint(head, seq&(indexLimit-1))
	head = append(head, byte(e.Type))
	head = binary.AppendUvarint(head, uint64(e.Flags))
	head = binary.AppendUvarint(head, uint64(e.Source))
	head = binary.AppendUvarint(head, uint64(len(e.Body)))
	tail := binary.AppendVarint(head, int64(e.ReceivedAt))
	tail = binary.AppendVarint(tail, int64(e.Time-e.ReceivedAt))
	for _, text := range [...]string{e.MessageID, e.UserID, e.AnonymousID, e.GroupID, e.PreviousID, e.Name, e.Path} {
		tail = appendText(tail, text, e.Body)
	}
	tail = tail[len(head):]
	dst = binary.AppendUvarint(dst, uint64(len(head)+len(e.Body)+len(tail)))
	return append(append(append(dst, head...), e.Body...), tail...)
}

func appendText(dst []byte, text string, body []byte) []byte {
	// Text of a few bytes is found somewhere by chance and costs as much either way.
	if len(text) > 2 {
		if at := bytes.Index(body, []byte(text)); at >= 0 {
			dst = binary.AppendUvarint(dst, uint64(len(text))<<1|1)
			return binary.AppendUvarint(dst, uint64(at))
		}
	}
	return append(binary.AppendUvarint(dst, uint64(len(text))<<1), text...)
}

// segmentReader unpacks the records of a segment. The events share the segment's memory.
type segmentReader struct {
	data []byte
	text string // the same bytes: fields of events are pieces of it
	pos  int
	bad  bool
}

// errCorrupt says that what is stored is not what was written.
var errCorrupt error = fault.New(fault.Internal, "a segment of the event log cannot be read").WithCode("log_corrupt").
	WithHint("restore the newest backup, and check the disk of this machine")

// readSegment begins to read a segment. The caller gives data away: nobody may change it from now on.
func readSegment(data []byte) (*segmentReader, error) {
	if len(data) == 0 {
		return &segmentReader{}, nil
	}
	if data[0] != formatV1 {
		return nil, errCorrupt
	}
	text := unsafe.String(&data[0], len(data)) // nobody writes to data any more
	return &segmentReader{data: data, text: text, pos: 1}, nil
}

// next unpacks the next record; false at the end or when the segment is damaged.
func (s *segmentReader) next(out *Stored) bool {
	if s.pos >= len(s.data) || s.bad {
		return false
	}
	n := s.uint()
	end := s.pos + int(n)
	if s.bad || n > uint64(len(s.data)-s.pos) {
		s.bad = true
		return false
	}
	s.record(out)
	s.bad = s.bad || s.pos != end
	return !s.bad
}

func (s *segmentReader) record(out *Stored) {
	e := &out.Event
	out.Seq = s.uint()<<indexBits | s.uint()
	e.Type = lead.EventType(s.byte())
	e.Flags = lead.Flags(s.uint())
	e.Source = lead.SourceID(s.uint())
	size := s.uint()
	if size > uint64(len(s.data)-s.pos) {
		s.bad = true
		return
	}
	body := s.pos
	s.pos += int(size)
	e.Body = s.data[body:s.pos:s.pos]
	e.ReceivedAt = lead.Instant(s.int())
	e.Time = e.ReceivedAt + lead.Instant(s.int())
	within := s.text[body : body+int(size)]
	e.MessageID = s.string(within)
	e.UserID = s.string(within)
	e.AnonymousID = s.string(within)
	e.GroupID = s.string(within)
	e.PreviousID = s.string(within)
	e.Name = s.string(within)
	e.Path = s.string(within)
}

func (s *segmentReader) byte() byte {
	if s.pos >= len(s.data) {
		s.bad = true
		return 0
	}
	s.pos++
	return s.data[s.pos-1]
}

func (s *segmentReader) uint() uint64 {
	if s.pos < len(s.data) && s.data[s.pos] < 0x80 {
		s.pos++
		return uint64(s.data[s.pos-1])
	}
	v, n := binary.Uvarint(s.data[s.pos:])
	if n <= 0 {
		s.bad = true
		return 0
	}
	s.pos += n
	return v
}

func (s *segmentReader) int() int64 {
	v, n := binary.Varint(s.data[s.pos:])
	if n <= 0 {
		s.bad = true
		return 0
	}
	s.pos += n
	return v
}

func (s *segmentReader) string(body string) string {
	h := s.uint()
	if h == 0 {
		return ""
	}
	from, at := body, uint64(0)
	if h&1 == 1 {
		at = s.uint()
	} else {
		from = s.text[s.pos:]
	}
	n := h >> 1
	if s.bad || at > uint64(len(from)) || n > uint64(len(from))-at {
		s.bad = true
		return ""
	}
	if h&1 == 0 {
		s.pos += int(n)
	}
	return from[at : at+n]
}
