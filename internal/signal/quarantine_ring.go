package signal

import (
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"cusp/internal/lead"
)

// How the quarantine tells machines from people. A person reads before clicking; a scanner follows what
// it finds.
const (
	instantly   = lead.Instant(10 * time.Second / time.Microsecond) // a click this soon after delivery is a scanner's
	soon        = lead.Instant(45 * time.Second / time.Microsecond) // and this soon, unless a page is seen after it
	pardonIn    = lead.Instant(5 * time.Minute / time.Microsecond)
	tail        = lead.Instant(10 * time.Second / time.Microsecond) // a scan goes on while links follow this closely
	lead2       = lead.Instant(2 * time.Second / time.Microsecond)
	sameLink    = 5 // clicks on one link
	sameLinkIn  = lead.Instant(10 * time.Second / time.Microsecond)
	stormForms  = 5
	stormFormIn = lead.Instant(time.Minute / time.Microsecond)
	stormPages  = 15
	stormPageIn = lead.Instant(5 * time.Second / time.Microsecond)
	sessionIn   = lead.Instant(10 * time.Minute / time.Microsecond)
	clickIn     = lead.Instant(90 * time.Second / time.Microsecond)

	ringSize  = 48 // marks
	pagesKept = 16
)

// bursts are how many distinct links of one mail within how long are a scanner's.
var bursts = [...]struct {
	links  int
	within lead.Instant
}{
	{2, lead.Instant(1200 * time.Millisecond / time.Microsecond)},
	{3, lead.Instant(6 * time.Second / time.Microsecond)},
	{4, lead.Instant(20 * time.Second / time.Microsecond)},
	{5, lead.Instant(60 * time.Second / time.Microsecond)},
}

// mark is what is remembered of an event.
type mark struct {
	at    lead.Instant
	no    int // of the event, counted from the first
	place place
	why   reason
	soft  bool // why is only suspected: a page seen soon after takes it back
	mail  uint32
	link  uint32
}

// Ring is what the live fold remembers of a lead's recent events, so that it can judge the next one. The
// zero value is that of a new lead.
type Ring struct {
	marks    []mark // in fold order
	events   int
	insider  bool // the person's address is the company's own
	hasEmail bool
}

// Reset empties the ring and keeps its memory.
func (r *Ring) Reset() { *r = Ring{marks: r.marks[:0]} }

// add takes in an event. tell is called for every verdict that becomes another one, with the number of
// events that it lies back: 0 is the event itself.
func (r *Ring) add(f *facts, tell func(back int, why reason)) {
	r.events++
	r.address(f.mailbox)
	m := mark{at: f.at, no: r.events, place: f.place, why: f.alone, mail: f.mail, link: f.link}
	if f.place == elsewhere {
		if m.why != none {
			tell(0, m.why)
		}
		return
	}
	r.forget(f.at)
	before := m.why
	r.marks = append(r.marks, m)
	now := &r.marks[len(r.marks)-1]
	set := func(m *mark, why reason) {
		if m.why == none || m.soft {
			m.why, m.soft = why, false
			if m != now {
				tell(r.events-m.no, why)
			}
		}
	}
	switch f.place {
	case click, landing:
		r.clicked(f, now, set)
	case form:
		r.sent(f, now, set)
	default: // the others change nothing about earlier ones, or are looked at below
	}
	if f.place == visit || f.place == landing {
		r.visited(now, tell, set)
	}
	if now.why != none || before != none {
		tell(0, now.why)
	}
}

// address follows the rule by which a lead's address changes: a public key can give the first one, only
// a trusted call another.
func (r *Ring) address(m mailbox) {
	switch {
	case m == unsaid, r.hasEmail && m < outsiderTrusted:
		return
	}
	r.hasEmail, r.insider = true, m == ours || m == oursTrusted
}

// forget drops marks that can no longer matter.
func (r *Ring) forget(now lead.Instant) {
	pages := 0
	for i := range r.marks {
		if r.marks[i].place == visit {
			pages++
		}
	}
	r.marks = slices.DeleteFunc(r.marks, func(m mark) bool {
		age := now - m.at
		switch {
		case m.place == visit && pages > pagesKept:
			pages--
			return true
		case m.place == visit:
			return age > sessionIn
		case m.soft:
			return age > pardonIn
		}
		return age > clickIn
	})
	if over := len(r.marks) - ringSize + 1; over > 0 {
		r.marks = slices.Delete(r.marks, 0, over)
	}
}

// clicked looks for scans among the recent clicks on links of the same mail. Landing pages are looked at
// apart, because a click and the page it leads to are two names of one thing.
func (r *Ring) clicked(f *facts, now *mark, set func(*mark, reason)) {
	mine := func(m *mark) bool { return m.place == now.place && m.mail == now.mail }
	for _, b := range bursts {
		r.burst(now, b.links, b.within, mine, set)
	}
	same := 0
	for i := range r.marks {
		if m := &r.marks[i]; mine(m) && m.link == now.link && now.at-m.at <= sameLinkIn {
			same++
		}
	}
	for i := range r.marks {
		m := &r.marks[i]
		near := now.at - m.at
		switch {
		case same >= sameLink && mine(m) && m.link == now.link && near <= sameLinkIn:
			set(m, linkStorm)
		case scan(m.why) && m != now && (mine(m) || now.place == landing && m.place == click) && near <= tail:
			set(now, linkBurst)
		case scan(now.why) && mine(m) && near <= tail:
			set(m, linkBurst)
		case scan(now.why) && now.place == click && m.place == landing && near <= lead2:
			set(m, linkBurst)
		}
	}
	r.delivered(f, now, set)
}

// scan says whether a reason shows a scanner at work, so that what happens close to it is its work too.
func scan(why reason) bool {
	return why == linkBurst || why == hiddenLink || why == prefetched || why == linkStorm
}

// burst marks the recent clicks when they reach enough distinct links within a time.
func (r *Ring) burst(now *mark, links int, within lead.Instant, mine func(*mark) bool, set func(*mark, reason)) {
	var distinct [8]uint32
	n := 0
	for i := range r.marks {
		m := &r.marks[i]
		if mine(m) && now.at-m.at <= within && n < len(distinct) && !slices.Contains(distinct[:n], m.link) {
			distinct[n] = m.link
			n++
		}
	}
	if n < links {
		return
	}
	for i := range r.marks {
		if m := &r.marks[i]; mine(m) && now.at-m.at <= within {
			set(m, linkBurst)
		}
	}
}

// delivered compares a click with the delivery of its mail.
func (r *Ring) delivered(f *facts, now *mark, set func(*mark, reason)) {
	if now.place != click {
		return
	}
	at := f.sent
	for i := range r.marks {
		if m := &r.marks[i]; m.place == delivery && m.mail == now.mail {
			at = max(at, m.at)
		}
	}
	switch since := now.at - at; {
	case at == 0 || since < 0 || now.why != none || since > soon:
	case since <= instantly:
		set(now, tooSoon)
	default:
		now.why, now.soft = tooSoon, true
	}
}

// visited takes back suspicions, because a person who clicked sees a page; and finds storms of pages.
func (r *Ring) visited(now *mark, tell func(int, reason), set func(*mark, reason)) {
	pages := 0
	for i := range r.marks {
		m := &r.marks[i]
		if m.soft && now.why == none && now.at-m.at <= pardonIn {
			m.why, m.soft = none, false
			tell(r.events-m.no, none)
		}
		if m.place == visit && now.at-m.at <= stormPageIn {
			pages++
		}
	}
	for i := range r.marks {
		if m := &r.marks[i]; pages >= stormPages && m.place == visit && now.at-m.at <= stormPageIn {
			set(m, pageStorm)
		}
	}
}

// sent judges a form by the page it stands on and by the forms before it.
func (r *Ring) sent(f *facts, now *mark, set func(*mark, reason)) {
	forms, pages, others := 0, 0, 0
	var first lead.Instant
	for i := range r.marks {
		m := &r.marks[i]
		switch {
		case m.place == form && now.at-m.at <= stormFormIn:
			forms++
		case m.place == visit || m.place == landing:
			pages++
			if m.link != f.link {
				others++
			} else if first == 0 {
				first = m.at
			}
		}
	}
	// A page shown after the form would look like a form sent at once: it is known by its name, or by the
	// page before it.
	thanks := f.thanks || others > 0
	if first != 0 && f.link != 0 && !thanks && pages < pagesKept && now.at-first < lead.Instant(fastest/time.Microsecond) {
		set(now, formTooFast)
	}
	for i := range r.marks {
		if m := &r.marks[i]; forms >= stormForms && m.place == form && now.at-m.at <= stormFormIn {
			set(m, formStorm)
		}
	}
}

// errRing says that stored bytes are no ring.
var errRing = errors.New("the ring of recent events cannot be read")

// Append writes the ring for [Ring.Decode].
func (r *Ring) Append(dst []byte) []byte {
	flags := byte(0)
	if r.insider {
		flags |= 1
	}
	if r.hasEmail {
		flags |= 2
	}
	dst = append(dst, flags)
	dst = binary.AppendUvarint(dst, uint64(len(r.marks)))
	last := lead.Instant(0)
	for i := range r.marks {
		m := &r.marks[i]
		soft := byte(0)
		if m.soft {
			soft = 1
		}
		dst = append(dst, byte(m.place)|soft<<7, byte(m.why))
		dst = binary.AppendVarint(dst, int64(m.at-last))
		dst = binary.LittleEndian.AppendUint32(dst, m.link)
		if m.place != visit && m.place != form {
			dst = binary.LittleEndian.AppendUint32(dst, m.mail)
		}
		last = m.at
	}
	return dst
}

// Decode reads what [Ring.Append] wrote. Verdicts that change later are only reported as changed, not
// where: the lead is folded again anyway.
func (r *Ring) Decode(b []byte) error {
	r.Reset()
	if len(b) == 0 {
		return errRing
	}
	r.insider, r.hasEmail = b[0]&1 != 0, b[0]&2 != 0
	n, width := binary.Uvarint(b[1:])
	if width <= 0 || n > ringSize {
		return errRing
	}
	b = b[1+width:]
	last := lead.Instant(0)
	for range n {
		var m mark
		var ok bool
		if m, b, ok = decodeMark(b, last); !ok {
			return errRing
		}
		last = m.at
		r.marks = append(r.marks, m)
	}
	if len(b) > 0 {
		return errRing
	}
	return nil
}

func decodeMark(b []byte, last lead.Instant) (m mark, rest []byte, ok bool) {
	if len(b) < 2 {
		return m, nil, false
	}
	m.place, m.soft, m.why = place(b[0]&0x7f), b[0]>>7 != 0, reason(b[1])
	gap, width := binary.Varint(b[2:])
	if width <= 0 || m.place > form || int(m.why) >= len(reasons) {
		return m, nil, false
	}
	m.at = last + lead.Instant(gap)
	b = b[2+width:]
	size := 4
	if m.place != visit && m.place != form {
		size = 8
	}
	if len(b) < size {
		return m, nil, false
	}
	m.link = binary.LittleEndian.Uint32(b)
	if size == 8 {
		m.mail = binary.LittleEndian.Uint32(b[4:])
	}
	return m, b[size:], true
}
