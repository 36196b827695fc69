package ingest

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"cusp/internal/lead"
)

func drawEvent(t *rapid.T) lead.Event {
	text := rapid.OneOf(rapid.Just(""), rapid.StringN(0, 40, 120), rapid.SampledFrom([]string{"type", "a", "u-1"}))
	e := lead.Event{
		Source:      lead.SourceID(rapid.Int64Min(0).Draw(t, "source")),
		Type:        lead.EventType(rapid.IntRange(1, 10).Draw(t, "type")),
		Flags:       lead.Flags(rapid.Uint16().Draw(t, "flags")),
		MessageID:   text.Draw(t, "message id"),
		UserID:      text.Draw(t, "user"),
		AnonymousID: text.Draw(t, "anonymous"),
		GroupID:     text.Draw(t, "group"),
		PreviousID:  text.Draw(t, "previous"),
		Name:        text.Draw(t, "name"),
		Path:        text.Draw(t, "path"),
		Time:        lead.Instant(rapid.Int64Range(-1<<61, 1<<61).Draw(t, "time")),
		ReceivedAt:  lead.Instant(rapid.Int64Range(0, 1<<61).Draw(t, "received")),
	}
	e.Body = []byte(`{"id":"` + e.MessageID + `","type":"u-1","x":"` + rapid.StringN(0, 50, 100).Draw(t, "body") + e.Path + `"}`)
	return e
}

func TestRecord_roundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := []Stored{}
		data := []byte{formatV1}
		for range rapid.IntRange(0, 5).Draw(t, "records") {
			s := Stored{Seq: rapid.Uint64().Draw(t, "seq"), Profile: 3, Event: drawEvent(t)}
			want = append(want, s)
			data = appendRecord(data, s.Seq, &s.Event)
		}
		got, err := unpack(nil, 3, data)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

// An event must not cost more than its body and a few bytes, and must not keep what a used slot held.
func TestRecord_isSmall(t *testing.T) {
	t.Parallel()
	e := lead.Event{
		Type: lead.Track, Source: 3, MessageID: "ajs-next-1795313108320-ea4288cc", UserID: "user-1", Name: "Demo Requested",
		Path: "/pricing", Time: 1_795_313_108_320_000, ReceivedAt: 1_795_313_108_420_000,
	}
	e.Body = []byte(`{"event":"Demo Requested","messageId":"ajs-next-1795313108320-ea4288cc","path":"/pricing","userId":"user-1"}`)
	data := appendRecord([]byte{formatV1}, 7<<indexBits|9, &e)
	if extra := len(data) - len(e.Body); extra > 40 {
		t.Errorf("%d bytes beside the body", extra)
	}
	slot := []Stored{{Event: lead.Event{GroupID: "left over", Flags: 9}}}
	got, err := unpack(slot[:0], 1, data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(e, got[0].Event); diff != "" {
		t.Error(diff)
	}
}

func TestUnpack_refusesDamage(t *testing.T) {
	t.Parallel()
	e := lead.Event{Type: lead.Track, MessageID: "m", UserID: strings.Repeat("u", 50), Body: []byte(`{"a":1}`), ReceivedAt: 5}
	data := appendRecord([]byte{formatV1}, 1, &e)
	for n := 2; n < len(data); n++ {
		if _, err := unpack(nil, 1, data[:n]); err == nil {
			t.Errorf("%d of %d bytes are read as a segment", n, len(data))
		}
	}
	if _, err := unpack(nil, 1, append([]byte{9}, data[1:]...)); err == nil {
		t.Error("an unknown format is read")
	}
}

func FuzzUnpack(f *testing.F) {
	e := lead.Event{Type: lead.Track, MessageID: "mmmm", Body: []byte(`{"a":"mmmm"}`), ReceivedAt: 5, Time: 4}
	f.Add(appendRecord(appendRecord([]byte{formatV1}, 1, &e), 2, &e))
	f.Add([]byte{formatV1, 3, 1, 2, 3})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		events, err := unpack(nil, 1, data)
		if err != nil {
			return
		}
		again := []byte{formatV1}
		for i := range events {
			again = appendRecord(again, events[i].Seq, &events[i].Event)
		}
		twice, err := unpack(nil, 1, again)
		if err != nil || len(data) > 0 && !cmp.Equal(events, twice) {
			t.Errorf("%q unpacks to %v, which does not survive packing: %v", bytes.Clone(data), events, err)
		}
	})
}
