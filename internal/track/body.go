package track

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"cusp/internal/fault"
)

const (
	// MaxBody is the most bytes of a request, as sent and unpacked.
	MaxBody = 500 << 10
	// MaxEvents is the most events of a request.
	MaxEvents = 2500
)

func tooLarge() error {
	return fault.New(fault.TooLarge, "The request is larger than 500 KiB.").WithCode("body_too_large").
		WithHint("Send fewer events at once.")
}

// checkHeaders refuses what need not be read. The content type is ignored, as SDKs send JSON under every
// name; only a form with files is certainly something else. gzipped reports the one encoding that is known.
func checkHeaders(r *http.Request) (gzipped bool, err error) {
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")) // what cannot be read is ignored too
	if strings.HasPrefix(media, "multipart/") || strings.HasPrefix(strings.ToLower(r.Header.Get("Content-Type")), "multipart/") {
		return false, fault.New(fault.Unsupported, "Forms are not read here.").WithCode("unsupported_media_type").
			WithHint("Send JSON.")
	}
	switch coding := strings.ToLower(strings.TrimSpace(strings.Join(r.Header.Values("Content-Encoding"), ","))); coding {
	case "", "identity":
	case "gzip", "x-gzip":
		gzipped = true
	default:
		return false, fault.New(fault.Unsupported, "This content encoding is not read here.").WithCode("unsupported_encoding").
			WithHint("Send JSON plain or compressed once with gzip.")
	}
	if r.ContentLength > MaxBody {
		return false, tooLarge()
	}
	return gzipped, nil
}

// readWire reads a request's body as it was sent.
func (q *request) readWire(w http.ResponseWriter, r *http.Request) error {
	var err error
	q.wire, err = readUpTo(http.MaxBytesReader(w, r.Body, MaxBody), q.wire[:0])
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return tooLarge()
	}
	if err != nil && !fault.Is(err, fault.TooLarge) {
		return fault.New(fault.Invalid, "The body of the request could not be read to its end.").WithCode("incomplete_body").
			WithHint("Send it again.").WithCause(err)
	}
	return err
}

// unpack leaves the JSON text in q.text. The limit holds while unpacking, so that a small body cannot become
// a large one; a body that cannot be unpacked to its end, checksum included, counts for nothing.
func (q *request) unpack(gzipped bool) error {
	q.text = q.wire
	if !gzipped {
		return nil
	}
	err := q.zip.Reset(bytes.NewReader(q.wire))
	if err == nil {
		q.plain, err = readUpTo(&q.zip, q.plain[:0])
	}
	if fault.Is(err, fault.TooLarge) {
		return err
	}
	if err != nil {
		return fault.New(fault.Invalid, "The gzip data of the request is damaged.").WithCode("bad_compression").
			WithHint("Send it again.").WithCause(err)
	}
	q.text = q.plain
	if len(q.text) > 2 && q.text[0] == 0x1F && q.text[1] == 0x8B {
		return fault.New(fault.Unsupported, "The body is compressed twice.").WithCode("unsupported_encoding").
			WithHint("Compress it once.")
	}
	return nil
}

// readUpTo reads to the end into dst, or fails with TooLarge behind MaxBody bytes.
func readUpTo(r io.Reader, dst []byte) ([]byte, error) {
	for {
		if len(dst) == cap(dst) {
			dst = append(dst, 0)[:len(dst)]
		}
		n, err := r.Read(dst[len(dst):min(cap(dst), MaxBody+1)])
		dst = dst[:len(dst)+n]
		switch {
		case len(dst) > MaxBody:
			return dst, tooLarge()
		case errors.Is(err, io.EOF):
			return dst, nil
		case err != nil:
			return dst, err
		}
	}
}
