package bench

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"
)

// load makes the events of a run: about 400 bytes each, over a number of leads who identify themselves
// with their first event and then view pages and do things. Equal seeds make equal events.
type load struct {
	random *rand.Rand
	prefix string // of message ids: no two runs on one database may share it
	first  int    // number of the first lead
	leads  int
	known  []bool
	made   int
}

func newLoad(seed uint64, prefix string, leads int) *load {
	return &load{random: rand.New(rand.NewPCG(seed, 1)), prefix: prefix, leads: leads, known: make([]bool, leads)}
}

var (
	loadPages  = [...]string{"/", "/pricing", "/blog/how-teams-work", "/docs/install", "/customers", "/product/routing", "/blog/quarterly-review", "/pricing/enterprise"}
	loadTitles = [...]string{"Head of Operations", "Marketing Manager", "VP Sales", "Engineer", "Consultant"}
	loadTracks = [...]string{"Asset Downloaded", "Video Watched", "Webinar Attended", "Feature Used", "Email Link Clicked"}
)

// batchSpread is how far apart in time the events of one batch lie: less than a request takes, so that
// the batches of one connection follow each other in time as they do on the wire.
const batchSpread = time.Millisecond

// event appends the next event as JSON. The client's times are fixed and sentAt stands on the batch, so
// that the server places every event just before it arrived.
func (l *load) event(b []byte, at time.Time) []byte {
	return l.eventOf(b, l.random.IntN(l.leads), at)
}

// eventOf is the next event of one lead: who it is, when nobody knows yet.
func (l *load) eventOf(b []byte, lead int, at time.Time) []byte {
	l.made++
	who := l.first + lead
	b = append(b, `{"messageId":"`...)
	b = append(b, l.prefix...)
	b = strconv.AppendInt(b, int64(1e9+l.made), 36)
	b = append(b, `","timestamp":"`...)
	b = at.AppendFormat(b, "2006-01-02T15:04:05.000Z")
	b = fmt.Appendf(b, `","userId":"user-%07d",`, who)
	switch {
	case !l.known[lead]:
		l.known[lead] = true
		b = fmt.Appendf(b, `"type":"identify","traits":{"email":"person%d@company%d.example","firstName":"Pat","lastName":"Example %d","title":%q,"company":{"name":"Company %d","employees":%d}},`,
			who, who/5, who, loadTitles[who%len(loadTitles)], who/5, 10+who%900)
	case l.random.IntN(10) < 7:
		page := loadPages[l.random.IntN(len(loadPages))]
		b = fmt.Appendf(b, `"type":"page","properties":{"path":%q,"url":"https://www.site.example%s","title":"A page","referrer":"https://search.example/"},`, page, page)
	default:
		b = fmt.Appendf(b, `"type":"track","event":%q,"properties":{"name":"A thing with a longer name","seconds":%d,"plan":"trial"},`,
			loadTracks[l.random.IntN(len(loadTracks))], l.random.IntN(600))
	}
	return append(b, `"context":{"library":{"name":"@segment/analytics-node","version":"3.1.0"},"userAgent":"Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0","locale":"en-GB"}}`...)
}

// introductions are one event of each of the first n leads, in groups of size.
func (l *load) introductions(n, size int, sent time.Time) [][][]byte {
	var out [][][]byte
	for lead := range n {
		if lead%size == 0 {
			out = append(out, nil)
		}
		group := &out[len(out)-1]
		*group = append(*group, l.eventOf(nil, lead, sent.Add(-batchSpread)))
	}
	return out
}

// batches are n events in groups of size.
func (l *load) batches(n, size int, sent time.Time) [][][]byte {
	out := make([][][]byte, 0, n/size+1)
	for n > 0 {
		group := make([][]byte, min(size, n))
		for i := range group {
			at := sent.Add(-batchSpread).Add(batchSpread * time.Duration(i) / time.Duration(len(group)))
			group[i] = l.event(nil, at)
		}
		out = append(out, group)
		n -= len(group)
	}
	return out
}

// requests are the bodies of the batches as whole HTTP requests.
func requests(batches [][][]byte, host, key string, sent time.Time) [][]byte {
	out := make([][]byte, len(batches))
	stamp := sent.Format("2006-01-02T15:04:05.000Z")
	for i, group := range batches {
		body := []byte(`{"batch":[`)
		for j, event := range group {
			if j > 0 {
				body = append(body, ',')
			}
			body = append(body, event...)
		}
		body = fmt.Appendf(body, `],"sentAt":%q}`, stamp)
		out[i] = request(host, "/v1/batch", key, body)
	}
	return out
}
