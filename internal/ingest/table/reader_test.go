package table

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/unicode"

	"cusp/internal/fault"
)

// read is everything that a table gives: messages as compact JSON without their id, rejections as
// "line code".
func read(t *testing.T, src io.Reader, o Options) (messages, rejected []string) {
	t.Helper()
	r, err := Open(src, o)
	if err != nil {
		t.Fatal(err)
	}
	for {
		item, err := r.Next()
		if errors.Is(err, io.EOF) {
			return messages, rejected
		}
		if err != nil {
			t.Fatal(err)
		}
		if item.Rejected != nil {
			rejected = append(rejected, fmt.Sprintf("%d %s", item.Rejected.Line, item.Rejected.Code))
			continue
		}
		for _, m := range append([]json.RawMessage{item.Row.Message}, item.Row.Also...) {
			messages = append(messages, withoutID(t, m))
		}
	}
}

func withoutID(t *testing.T, text json.RawMessage) string {
	t.Helper()
	m, err := parseObject(text)
	if err != nil {
		t.Fatal(err)
	}
	delete(m, "messageId")
	short, err := encode(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(short)
}

func mapping(t *testing.T, kind Kind, text string) *Mapping {
	t.Helper()
	m, err := ParseMapping("map.yaml", []byte(text), kind)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestOpen_recognisesUsualNames(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		kind Kind
		in   string
		want []string
	}{
		{"people", People, "E-Mail,First Name,Company,Employees,utm_source,Shoe Size\nann@acme.example,Ann,Acme,\"1,200\",google,41\n", []string{
			`{"context":{"campaign":{"source":"google"}},"traits":{"company":{"employees":1200,"name":"Acme"},"email":"ann@acme.example","first_name":"Ann","shoe_size":"41"},"type":"identify"}`,
		}},
		{"employees as a range stay text", People, "user_id;employees\nu1;50-200\n", []string{
			`{"traits":{"company":{"employees":"50-200"}},"type":"identify","userId":"u1"}`,
		}},
		{"accounts", Accounts, "Domain\tName\tEmployees\tplan\nacme.example\tAcme\t80\tpro\n", []string{
			`{"traits":{"domain":"acme.example","employees":80,"name":"Acme","plan":"pro"},"type":"group"}`,
		}},
		{"events", Events, "user_id,event,time,url,amount\nu1,Demo Requested,2026-03-01T10:00:00+01:00,https://x.example/demo,12\n", []string{
			`{"context":{"page":{"url":"https://x.example/demo"}},"event":"Demo Requested","properties":{"amount":"12"},"timestamp":"2026-03-01T09:00:00Z","type":"track","userId":"u1"}`,
		}},
		{"unix time", Events, "email,event,timestamp\na@b.example,X,1772359200\n", []string{
			`{"context":{"traits":{"email":"a@b.example"}},"event":"X","timestamp":"2026-03-01T10:00:00Z","type":"track"}`,
		}},
		{"dotted names and objects", People, "user_id|traits.plan|traits\nu1|pro|\"{\"\"a\"\":1}\"\n", []string{
			`{"traits":{"a":1,"plan":"pro"},"type":"identify","userId":"u1"}`,
		}},
		{"nothing in a cell is nothing", People, "user_id,plan,email\nu1, ,a@b.example\n", []string{
			`{"traits":{"email":"a@b.example"},"type":"identify","userId":"u1"}`,
		}},
		{"column called type that names the event", Events, "type,user_id,date\nEmail Click,u1,2026-03-01\n", []string{
			`{"event":"Email Click","timestamp":"2026-03-01T00:00:00Z","type":"track","userId":"u1"}`,
		}},
		{"pages", Events, "type,name,path,anonymous_id,time\npage,Pricing,/pricing,a1,2026-03-01 10:00:00\n", []string{
			`{"anonymousId":"a1","context":{"page":{"path":"/pricing"}},"name":"Pricing","timestamp":"2026-03-01T10:00:00Z","type":"page"}`,
		}},
		{"two columns of one name", People, "user_id,plan,plan\nu1,a,b\n", []string{
			`{"traits":{"plan":"a","plan_2":"b"},"type":"identify","userId":"u1"}`,
		}},
		{"ndjson", People, `{"email":"a@b.example","age":41.50,"company":{"name":"Acme"},"tags":["x"]}` + "\n\n" + `{"user_id":7}`, []string{
			`{"traits":{"age":41.50,"company":{"name":"Acme"},"email":"a@b.example","tags":["x"]},"type":"identify"}`,
			`{"type":"identify","userId":"7"}`,
		}},
		{"messages as they are", Events, `{"type":"track","event":"X","userId":"u1","messageId":"m1","sentAt":"2026-03-02T00:00:00Z","timestamp":"2026-03-01T00:00:00Z"}`, []string{
			`{"event":"X","timestamp":"2026-03-01T00:00:00Z","type":"track","userId":"u1"}`,
		}},
		{"our export of people", People, "id,user_id,email,account_id,decision,quadrant,momentum,since,last_seen,events\nper_1,u1,a@b.example,acc_1,review,engage,steady,,,7\n", []string{
			`{"traits":{"email":"a@b.example"},"type":"identify","userId":"u1"}`,
		}},
		{"our export of accounts", Accounts, "id,name,domain,score,decision,people,traits\nacc_1,Acme,acme.example,3,review,2,\"{\"\"employees\"\":7}\"\n", []string{
			`{"traits":{"domain":"acme.example","employees":7,"name":"Acme"},"type":"group"}`,
		}},
		{"our export of events", Events, `{"message_id":"m1","type":"page","user_id":"u1","time":"2026-03-01T00:00:01Z","received_at":"2026-03-05T00:00:00Z","event":{"type":"page","userId":"u1","messageId":"m1","timestamp":"2026-03-01T00:00:09Z","sentAt":"2026-03-05T00:00:08Z"}}`, []string{
			`{"timestamp":"2026-03-01T00:00:01Z","type":"page","userId":"u1"}`,
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, rejected := read(t, strings.NewReader(tc.in), Options{Kind: tc.kind})
			if diff := cmp.Diff(got, tc.want); diff != "" || rejected != nil {
				t.Errorf("got (-) want (+):\n%s\nrejected: %v", diff, rejected)
			}
		})
	}
}

func TestNext_rejectsRowsWithLineAndCode(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", maxCell+1)
	for _, tc := range []struct {
		name string
		kind Kind
		in   string
		want []string
		good int
	}{
		{"cells missing or too many", People, "user_id,a\nu1\nu2,1\nu3,1,2\n", []string{"2 wrong_cell_count", "4 wrong_cell_count"}, 1},
		{"nobody", People, "user_id,email,a\n,,1\nu1,,\n", []string{"2 no_identity"}, 1},
		{"no address", People, "email\nn/a\nx y@z.example\n@z.example\na@b\na@b.example\n", []string{"2 bad_email", "3 bad_email", "4 bad_email", "5 bad_email"}, 1},
		{"NUL", People, "user_id\na\x00b\nu1\n", []string{"2 nul_byte"}, 1},
		{"huge cell", People, "user_id,a\nu1," + long + "\nu2,\"" + long + "\n\"\nu3,1\n", []string{"2 cell_too_large", "3 cell_too_large"}, 1},
		{"message too large", People, "user_id,a\nu1," + long[:40_000] + "\nu2,b\n", []string{"2 event_too_large"}, 1},
		{"too many cells", People, "user_id,a\n" + strings.Repeat(",", 10_000) + "\nu1,a\n", []string{"2 too_many_cells"}, 1},
		{"open quote", People, "user_id,a\n\"u1,2\nu2,3\nu3,4\n", []string{"2 open_quote"}, 2},
		{"line break in quotes keeps the count", People, "user_id,a\nu1,\"x\ny\"\n,\n", []string{"4 no_identity"}, 1},
		{"no time", Events, "user_id,event,time\nu1,X,\nu1,,2026-01-01\nu1,X,03/04/2026\nu1,X,2026-01-01\n", []string{"2 no_time", "3 no_event", "4 bad_value"}, 1},
		{"bad JSON", Events, "{\"type\":\n{\"a\":1}{\n{\"type\":\"track\",\"userId\":\"u\",\"event\":\"X\",\"timestamp\":\"2026-01-01\"}\nnull\n", []string{"1 bad_json", "2 bad_json", "4 bad_json"}, 1},
		{"another kind", People, `{"type":"track","userId":"u","event":"X"}`, []string{"1 wrong_kind"}, 0},
		{"bad UTF-8 in a UTF-8 file", People, "user_id,ä\nu1,\xff\nu2,ö\n", []string{"2 bad_text"}, 1},
		{"mac line ends", People, "user_id,a\ru1,1,2\ru2,1\r", []string{"2 wrong_cell_count"}, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			o := Options{Kind: tc.kind}
			if strings.Contains(tc.in, "\xff") {
				o.Mapping = mapping(t, tc.kind, "mapping: 1\nencoding: utf-8\nfields: {user_id: user_id}")
			}
			messages, got := read(t, strings.NewReader(tc.in), o)
			if diff := cmp.Diff(got, tc.want); diff != "" || len(messages) != tc.good {
				t.Errorf("%d good; got (-) want (+):\n%s", len(messages), diff)
			}
		})
	}
}

func TestOpen_refusesWhatIsNoTable(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		in   string
		kind fault.Kind
		code string
	}{
		"empty":         {"", fault.Invalid, "empty_file"},
		"blank":         {" \n\n", fault.Invalid, "empty_file"},
		"workbook":      {"PK\x03\x04rest", fault.Unsupported, "not_text"},
		"JSON array":    {`[{"a":1}]`, fault.Unsupported, "json_array"},
		"cut gzip":      {"\x1f\x8b\x08\x00", fault.Invalid, "damaged"},
		"wide header":   {strings.Repeat("a,", 10_000) + "\n", fault.Invalid, "bad_header"},
		"huge header":   {strings.Repeat("a", 50<<20) + "\n", fault.Invalid, "bad_header"},
		"NUL in header": {"user_id,a\x00\nu1,2\n", fault.Invalid, "bad_header"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Open(strings.NewReader(tc.in), Options{Kind: People})
			e, ok := errors.AsType[*fault.Error](err)
			if !ok || e.Kind != tc.kind || e.Code != tc.code || e.Hint == "" {
				t.Errorf("got %#v, want %v %s with a hint", err, tc.kind, tc.code)
			}
		})
	}
}

func TestOpen_understandsEncodings(t *testing.T) {
	t.Parallel()
	const text = "user_id,plan\nu1,café\nu2,größer\n"
	utf16 := func(e unicode.Endianness, mark unicode.BOMPolicy) string {
		s, err := unicode.UTF16(e, mark).NewEncoder().String(text)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	western := strings.NewReplacer("é", "\xe9", "ö", "\xf6", "ß", "\xdf").Replace(text)
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	for name, in := range map[string]string{
		"utf-8":              text,
		"utf-8 with mark":    "\uFEFF" + text,
		"utf-16 le mark":     utf16(unicode.LittleEndian, unicode.UseBOM),
		"utf-16 be mark":     utf16(unicode.BigEndian, unicode.UseBOM),
		"utf-16 le":          utf16(unicode.LittleEndian, unicode.IgnoreBOM),
		"utf-16 be":          utf16(unicode.BigEndian, unicode.IgnoreBOM),
		"latin-1":            western,
		"latin-1 seen late":  "user_id,plan\n" + strings.Repeat("\n", sniffed) + strings.TrimPrefix(western, "user_id,plan\n"),
		"gzip":               zipped.String(),
		"declared separator": "sep=;\n" + strings.ReplaceAll(text, ",", ";"),
		"windows lines":      strings.ReplaceAll(text, "\n", "\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, rejected := read(t, strings.NewReader(in), Options{Kind: People})
			want := []string{
				`{"traits":{"plan":"café"},"type":"identify","userId":"u1"}`,
				`{"traits":{"plan":"größer"},"type":"identify","userId":"u2"}`,
			}
			if diff := cmp.Diff(got, want); diff != "" || rejected != nil {
				t.Errorf("got (-) want (+):\n%s\nrejected: %v", diff, rejected)
			}
		})
	}
}

func TestNext_damagedGzipKeepsWhatCameBefore(t *testing.T) {
	t.Parallel()
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	for i := range 100_000 {
		_, _ = fmt.Fprintf(w, "u%d,%x\n", i, i*i)
	}
	_ = w.Close()
	r, err := Open(bytes.NewReader(zipped.Bytes()[:zipped.Len()/2]), Options{Kind: People, Mapping: nil})
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for ; err == nil; rows++ {
		_, err = r.Next()
	}
	if !fault.Is(err, fault.Invalid) || rows < 1000 {
		t.Errorf("got %d rows, then %v; want many, then a damaged file", rows, err)
	}
}

// endless is a huge file that is never held: head, then body again and again, size bytes in all.
type endless struct {
	head, body string
	left       int
	at         int
}

func (e *endless) Read(p []byte) (int, error) {
	if e.head != "" {
		n := copy(p, e.head)
		e.head = e.head[n:]
		return n, nil
	}
	if e.left <= 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), e.left)], e.body[e.at:])
	e.at = (e.at + n) % len(e.body)
	e.left -= n
	return n, nil
}

func TestNext_memoryIsBoundedWhateverTheInput(t *testing.T) { //nolint:paralleltest // measures the heap
	row := "user-123456,ann@acme.example,Ann,Acme Incorporated,some more text to fill the row\n"
	for name, src := range map[string]*endless{
		"many rows":        {head: "user_id,email,first_name,company,note\n", body: row, left: 20 << 20},
		"one endless cell": {head: "user_id,a\nu1,", body: "xxxxxxxxxxxxxxxx", left: 50 << 20},
		"open quote":       {head: "user_id,a\nu1,\"", body: "abc\ndef,\n", left: 20 << 20},
		"endless line":     {head: `{"a":"`, body: "xxxxxxxxxxxxxxxx", left: 20 << 20},
		"only delimiters":  {head: "user_id,a\n", body: ",", left: 20 << 20},
		"only quotes":      {head: "user_id,a\n", body: "\"\n", left: 5 << 20},
	} {
		var before, peak runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		r, err := Open(src, Options{Kind: People})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var most uint64
		for n := 0; ; n++ {
			_, err := r.Next()
			if n%5000 == 0 || err != nil {
				runtime.ReadMemStats(&peak)
				most = max(most, peak.HeapSys-peak.HeapReleased)
			}
			if err != nil {
				break
			}
		}
		if used := int64(most) - int64(before.HeapSys-before.HeapReleased); used > 64<<20 {
			t.Errorf("%s: the heap grew by %d MiB", name, used>>20)
		}
	}
}
