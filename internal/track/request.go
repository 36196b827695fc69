package track

import (
	"bytes"
	"compress/gzip"
	"net/http"

	"cusp/internal/canon"
	"cusp/internal/fault"
	"cusp/internal/ingest"
	"cusp/internal/lead"
)

// request is one request while it is read. Its memory is used again: nothing of it may reach Submit, which
// can still hold a batch when the client has given up and the handler has returned.
type request struct {
	wire, plain []byte
	text        []byte // the JSON: wire or plain
	zip         gzip.Reader
	tree        canon.Tree
	doc         canon.Node
	kind        lead.EventType
	source      Source
	known       bool // whether the source has been looked up
	reader      ingest.Reader
}

// keepMemory is the most that an idle request may hold on to.
const keepMemory = 2 << 20

func (h *Handler) release(q *request) {
	if q.tree.Memory()+cap(q.wire)+cap(q.plain) <= keepMemory {
		h.pool.Put(q)
	}
}

// take answers a request that brings events.
func (h *Handler) take(w http.ResponseWriter, r *http.Request, rt route) {
	batch, err := h.read(w, r, rt)
	if len(batch.Events)+len(batch.Rejected) > 0 {
		if _, failed := h.o.Submit(r.Context(), batch); failed != nil {
			err = failed
		}
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.success(w)
}

// read refuses what need not be read, finds the source, and turns the body into a batch. With an error,
// the batch holds what is to be kept of the body.
func (h *Handler) read(w http.ResponseWriter, r *http.Request, rt route) (ingest.Batch, error) {
	gzipped, err := checkHeaders(r)
	if err != nil {
		return ingest.Batch{}, err
	}
	shown, err := credentialOf(r)
	if err != nil {
		return ingest.Batch{}, err
	}
	q, _ := h.pool.Get().(*request)
	defer h.release(q)
	q.known = false
	if shown.key != "" && !shown.bearer {
		if err := h.lookup(r.Context(), q, shown.key); err != nil {
			return ingest.Batch{}, err
		}
	}
	if err := q.readWire(w, r); err != nil {
		return ingest.Batch{}, err
	}
	h.parsing <- struct{}{}
	defer func() { <-h.parsing }()
	if err = q.unpack(gzipped); err == nil {
		err = h.parse(q, r, rt, shown)
	}
	return h.batch(q, err), err
}

// parse reads the messages of a body.
func (h *Handler) parse(q *request, r *http.Request, rt route, shown credential) (err error) {
	q.reader = ingest.Reader{}
	if q.doc, err = q.tree.Parse(q.text); err != nil {
		return err
	}
	if err := h.identify(r.Context(), q, shown, q.doc.Get(rt.key).Text()); err != nil {
		return err
	}
	q.kind = rt.kind
	q.reader = ingest.Reader{
		Batch:   ingest.Batch{Source: q.source.ID, ReceivedAt: lead.At(h.o.Now())},
		Trusted: q.source.Trusted, IP: h.o.ClientIP(r), Agent: r.UserAgent(), Device: rt.device, NewID: h.o.NewID, Tree: &q.tree,
	}
	q.reader.Reserve(len(q.text))
	return rt.read(q)
}

// batch is what is to be submitted: the messages that were read, or the body that could not be read as one
// rejected event of its source, if that is known.
func (h *Handler) batch(q *request, err error) ingest.Batch {
	b := q.reader.Batch
	q.reader = ingest.Reader{}
	if err != nil {
		b = ingest.Batch{Source: q.source.ID, ReceivedAt: lead.At(h.o.Now())}
		if !q.known || fault.KindOf(err) != fault.Invalid {
			return b
		}
		rejected := ingest.NewRejected(codeOf(err), err.Error(), bytes.Clone(q.text[:min(len(q.text), ingest.MaxEvent)]))
		rejected.Size = len(q.text)
		b.Add(rejected, q.source.Trusted)
	}
	if q.source.Disabled {
		drop(&b)
	}
	return b
}

// drop makes counted rejections of all events.
func drop(b *ingest.Batch) {
	for range b.Events {
		b.Add(ingest.Rejected{Code: ingest.KeyDisabled}, false)
	}
	for i := range b.Rejected {
		b.Rejected[i].Code, b.Rejected[i].Raw = ingest.KeyDisabled, nil
	}
	b.Events = nil
}

// readSingle reads a body that is one message.
func readSingle(q *request) error {
	if q.doc.Kind() != canon.Object {
		return badBody("This address takes one message, a JSON object.")
	}
	q.reader.Message(q.doc, q.kind)
	return nil
}

// readBatch reads a body that holds a list of messages, and what holds for all of them.
func readBatch(q *request) error {
	items := q.doc.Get("batch")
	if items.Kind() != canon.Array {
		return badBody("This address takes an object with a list named batch.")
	}
	if items.Len() > MaxEvents {
		return tooMany()
	}
	q.reader.Context, q.reader.Integrations = q.doc.Get("context"), q.doc.Get("integrations")
	q.reader.SentAt = q.doc.Get("sentAt")
	for i := range items.Len() {
		q.reader.Message(items.At(i), 0)
	}
	return nil
}

func badBody(message string) error {
	return fault.New(fault.Invalid, "%s", message).WithCode(string(ingest.BadBody)).
		WithHint("The reference of the tracking API shows the shape.")
}

func tooMany() error {
	return fault.New(fault.TooLarge, "The batch has more than %d events.", MaxEvents).WithCode("too_many_events").
		WithHint("Send fewer events at once.")
}
