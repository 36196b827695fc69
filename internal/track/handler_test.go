package track_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"cusp/internal/canon"
	"cusp/internal/db"
	"cusp/internal/db/dbtest"
	"cusp/internal/fault"
	"cusp/internal/ingest"
	"cusp/internal/lead"
	"cusp/internal/track"
)

// fake is a handler that keeps what is submitted in memory.
type fake struct {
	*track.Handler
	batches []ingest.Batch
	fail    error
}

func newFake() *fake {
	f := &fake{}
	n := 0
	f.Handler = track.New(track.Options{
		Lookup: func(_ context.Context, key string) (track.Source, error) {
			switch key {
			case "public":
				return track.Source{ID: 1}, nil
			case "server":
				return track.Source{ID: 2, Trusted: true}, nil
			case "disabled":
				return track.Source{ID: 3, Disabled: true}, nil
			}
			return track.Source{}, fault.New(fault.Unauthentic, "this key is not known").WithCode("unknown_key")
		},
		Submit: func(_ context.Context, b ingest.Batch) (ingest.Receipt, error) {
			if f.fail != nil {
				return ingest.Receipt{}, f.fail
			}
			f.batches = append(f.batches, b)
			return ingest.Receipt{}, nil
		},
		Now:   func() time.Time { return start },
		NewID: func() string { n++; return fmt.Sprintf("made-%d", n) },
	})
	return f
}

func (f *fake) do(method, path string, header http.Header, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	maps.Copy(r.Header, header)
	f.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })).ServeHTTP(w, r)
	return w
}

func (f *fake) events() (all []lead.Event) {
	for _, b := range f.batches {
		all = append(all, b.Events...)
	}
	return all
}

func basic(user string) http.Header {
	return headers("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(user)))
}

func TestHandler_addresses(t *testing.T) {
	t.Parallel()
	single := map[lead.EventType]string{
		lead.Track: `{"event":"x","userId":"u"}`, lead.Page: `{"name":"x","userId":"u"}`, lead.Screen: `{"userId":"u"}`,
		lead.Identify: `{"userId":"u","traits":{}}`, lead.Group: `{"userId":"u","groupId":"g"}`, lead.Alias: `{"userId":"u","previousId":"p"}`,
	}
	for kind, body := range single {
		name := kind.String()
		for _, path := range []string{"/v1/" + name, "/v1/" + name[:1], "//v1/" + name, "/v1/" + name + "/", "/api/s/" + name, "/api/s/s2s/" + name} {
			f := newFake()
			w := f.do(http.MethodPost, path, basic("public:"), body)
			events := f.events()
			if w.Code != http.StatusOK || len(events) != 1 || events[0].Type != kind || events[0].Source != 1 {
				t.Errorf("%s: %d %s, %+v", path, w.Code, w.Body, f.batches)
				continue
			}
			if got := string(canon.Lookup(events[0].Body, "type")); got != `"`+name+`"` {
				t.Errorf("%s: stored with type %s", path, got)
			}
		}
	}
	for _, path := range []string{"/v1/batch", "/v1/b", "/v1/import", "//v1/batch", "/v1/batch/", "/beacon/v1/batch"} {
		f := newFake()
		w := f.do(http.MethodPost, path, basic("server:"), `{"batch":[{"type":"track","event":"x","userId":"u"},{"type":"identify","userId":"u"}]}`)
		if events := f.events(); w.Code != http.StatusOK || len(events) != 2 || !events[1].Flags.Has(lead.Trusted) {
			t.Errorf("%s: %d %s, %+v", path, w.Code, w.Body, f.batches)
		}
	}
	for _, path := range []string{"/", "/v1", "/v1/", "/v1/merge", "/v2/track", "/v1/track/x", "/api/s/", "/v1/tracks", "/batch/x"} {
		if w := newFake().do(http.MethodPost, path, basic("public:"), "{}"); w.Code != http.StatusTeapot {
			t.Errorf("%s: not left to the next handler: %d", path, w.Code)
		}
	}
}

func TestHandler_patternsAreServed(t *testing.T) {
	t.Parallel()
	f := newFake()
	mux := http.NewServeMux()
	for _, p := range f.Patterns() {
		mux.Handle(p, f)
	}
	for _, path := range []string{"/v1/track", "/v1/t/", "/v1/projects/public/settings", "/sourceConfig/", "/batch/"} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodOptions, path, nil))
		if w.Code != http.StatusNoContent {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

func TestHandler_keys(t *testing.T) {
	t.Parallel()
	plain := `{"event":"x","userId":"u"}`
	with := func(key string) string { return `{"event":"x","userId":"u","writeKey":"` + key + `"}` }
	bearer := func(token string) http.Header { return headers("Authorization", "Bearer "+token) }
	for _, c := range []struct {
		name, path string
		header     http.Header
		body       string
		status     int
		code       string
	}{
		{"basic", "/v1/track", basic("public:"), plain, 200, ""},
		{"basic without a colon", "/v1/track", basic("public"), plain, 200, ""},
		{"basic with a password", "/v1/track", basic("public:secret"), plain, 200, ""},
		{"basic without padding", "/v1/track", headers("Authorization", "basic "+strings.TrimRight(base64.StdEncoding.EncodeToString([]byte("public:")), "=")), plain, 200, ""},
		{"basic and body", "/v1/track", basic("public:"), with("public"), 200, ""},
		{"body", "/v1/track", nil, with("public"), 200, ""},
		{"query", "/v1/track?writeKey=public", nil, plain, 200, ""},
		{"query and basic", "/v1/track?writeKey=public", basic("public:"), plain, 200, ""},
		{"bearer", "/v1/track", bearer("public"), plain, 200, ""},
		{"OAuth", "/v1/track", bearer("a.b.c"), with("public"), 200, ""},
		{"OAuth and query", "/v1/track?writeKey=public", bearer("a.b.c"), plain, 200, ""},
		{"Jitsu", "/api/s/track", headers("X-Write-Key", "public:secret"), with("public:***"), 200, ""},
		{"broken basic, key in body", "/v1/track", headers("Authorization", "Basic !"), with("public"), 200, ""},
		{"none", "/v1/track", nil, plain, 401, "missing_key"},
		{"empty basic", "/v1/track", basic(":"), plain, 401, "missing_key"},
		{"unknown", "/v1/track", basic("nobody:"), plain, 401, "unknown_key"},
		{"unknown in body", "/v1/track", nil, with("nobody"), 401, "unknown_key"},
		{"unknown bearer", "/v1/track", bearer("nobody"), plain, 401, "unknown_key"},
		{"header before body", "/v1/track", basic("nobody:"), with("public"), 401, "unknown_key"},
		{"two", "/v1/track", basic("public:"), with("server"), 400, "ambiguous_key"},
		{"two, bearer", "/v1/track", bearer("public"), with("server"), 400, "ambiguous_key"},
		{"two, query and body", "/v1/track?writeKey=public", nil, with("server"), 400, "ambiguous_key"},
		{"two, query and header", "/v1/track?writeKey=server", basic("public:"), plain, 400, "ambiguous_key"},
		{"two, Jitsu", "/api/s/track", headers("X-Write-Key", "public:secret"), with("server:***"), 400, "ambiguous_key"},
		{"a body nobody can be blamed for", "/v1/track", nil, `{"writeKey":"public"`, 400, "bad_json"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			w := f.do(http.MethodPost, c.path, c.header, c.body)
			got := answer{status: w.Code, body: w.Body.String()}
			if got.status != c.status || got.code() != c.code || (c.status == 200) != (len(f.events()) == 1) {
				t.Errorf("%d %s, %d events", got.status, got.body, len(f.events()))
			}
			if w.Header().Get("Content-Type") != "application/json" || w.Header().Get("Access-Control-Allow-Origin") != "*" {
				t.Errorf("headers %v", w.Header())
			}
			if c.status != 200 && !strings.Contains(got.body, `"success":false`) {
				t.Errorf("body %s", got.body)
			}
			for _, e := range f.events() {
				if canon.Lookup(e.Body, "writeKey") != nil {
					t.Errorf("the key is stored with the event: %s", e.Body)
				}
			}
		})
	}
}

func TestHandler_disabledKeyIsCountedNotRefused(t *testing.T) {
	t.Parallel()
	f := newFake()
	w := f.do(http.MethodPost, "/v1/batch", basic("disabled:"), `{"batch":[{"type":"track","event":"x","userId":"u"},{"type":"track"}]}`)
	if w.Code != http.StatusOK || len(f.batches) != 1 || len(f.batches[0].Events) != 0 || len(f.batches[0].Rejected) != 2 {
		t.Fatalf("%d, %+v", w.Code, f.batches)
	}
	for _, r := range f.batches[0].Rejected {
		if r.Code != ingest.KeyDisabled || r.Raw != nil || r.Source != 3 {
			t.Errorf("%+v", r)
		}
	}
}

func TestHandler_cannotStore(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err    error
		status int
		code   string
	}{
		{fault.New(fault.TooMany, "too many"), 429, "too_many"},
		{fault.New(fault.Unavailable, "not now").WithCode("unknown_outcome"), 503, "unknown_outcome"},
		{fmt.Errorf("a secret of ours"), 500, "internal"},
	} {
		for _, body := range []string{`{"event":"x","userId":"u"}`, `{broken`} {
			f := newFake()
			f.fail = c.err
			w := f.do(http.MethodPost, "/v1/track", basic("public:"), body)
			got := answer{status: w.Code, body: w.Body.String()}
			if got.status != c.status || got.code() != c.code || w.Header().Get("Retry-After") != "1" || strings.Contains(got.body, "secret") {
				t.Errorf("%v: %d %s %v", c.err, got.status, got.body, w.Header())
			}
			if w.Header().Get("Access-Control-Expose-Headers") == "" {
				t.Error("browsers cannot read Retry-After")
			}
		}
	}
}

func TestHandler_methods(t *testing.T) {
	t.Parallel()
	f := newFake()
	for path, allow := range map[string]string{"/v1/track": "POST, OPTIONS", "/v1/projects/public/settings": "GET, HEAD, OPTIONS"} {
		w := f.do(http.MethodDelete, path, basic("public:"), "")
		if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != allow || w.Header().Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
	}
	if w := f.do(http.MethodPost, "/v1/m", nil, `{"series":[]}`); w.Code != http.StatusOK || len(f.batches) != 0 {
		t.Errorf("SDK metrics: %d", w.Code)
	}
}

func TestHandler_preflightAllowsNamesAndNothingElse(t *testing.T) {
	t.Parallel()
	ask := "authorization, X-New-Header,bad name,x\r\ny," + strings.Repeat("long", 30) + ",x_y"
	w := newFake().do(http.MethodOptions, "/v1/batch", headers("Access-Control-Request-Headers", ask), "")
	got := strings.Split(w.Header().Get("Access-Control-Allow-Headers"), ", ")
	if !slices.Contains(got, "x-new-header") || !slices.Contains(got, "x_y") || !slices.Contains(got, "authorization") || len(got) != 13 {
		t.Errorf("%q", got)
	}
	if w.Code != http.StatusNoContent || w.Header().Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

func TestHandler_settings(t *testing.T) {
	t.Parallel()
	f := newFake()
	w := f.do(http.MethodGet, "http://cusp.example:8787/v1/projects/public/settings", nil, "")
	var doc struct {
		Integrations map[string]struct{ APIKey, APIHost, Protocol string }
	}
	if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	if s := doc.Integrations["Segment.io"]; s.APIKey != "public" || s.APIHost != "cusp.example:8787/v1" || s.Protocol != "http" {
		t.Errorf("%+v", s)
	}
	w = f.do(http.MethodGet, "/v1/projects/public/settings/", headers("X-Forwarded-Proto", "https"), "")
	if !strings.Contains(w.Body.String(), `"protocol":"https"`) {
		t.Error(w.Body)
	}
	for _, path := range []string{"/v1/projects/nobody/settings", "/sourceConfig/?writeKey=nobody", "/sourceConfig/"} {
		if w := f.do(http.MethodGet, path, nil, ""); w.Code != http.StatusUnauthorized {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	if w := f.do(http.MethodGet, "/sourceConfig/?writeKey=public", nil, ""); w.Code != http.StatusOK || !json.Valid(w.Body.Bytes()) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestHandler_publicURL(t *testing.T) {
	t.Parallel()
	h := track.New(track.Options{
		Lookup:    func(context.Context, string) (track.Source, error) { return track.Source{}, nil },
		PublicURL: "https://cusp.example/t/",
	})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/v1/projects/k/settings", nil))
	if !strings.Contains(w.Body.String(), `"apiHost":"cusp.example/t/v1"`) {
		t.Error(w.Body)
	}
}

func TestHandler_pixel(t *testing.T) {
	t.Parallel()
	event := `{"writeKey":"public","event":"Email Opened","userId":"ü?~","properties":{"email_id":"é>"}}`
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.RawURLEncoding} {
		f := newFake()
		w := f.do(http.MethodGet, "/v1/pixel/track?data="+encoding.EncodeToString([]byte(event)), headers("User-Agent", "GoogleImageProxy"), "")
		events := f.events()
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "image/gif" || len(events) != 1 || events[0].UserID != "ü?~" {
			t.Fatalf("%d %v %+v", w.Code, w.Header(), events)
		}
		if !strings.Contains(string(events[0].Body), `"context":{"ip":"192.0.2.1","userAgent":"GoogleImageProxy"}`) {
			t.Errorf("%s", events[0].Body)
		}
	}
	for _, data := range []string{"", "!!", base64.StdEncoding.EncodeToString([]byte("{")), base64.StdEncoding.EncodeToString([]byte(`{"writeKey":"nobody"}`))} {
		f := newFake()
		if w := f.do(http.MethodGet, "/v1/pixel/track?data="+data, nil, ""); w.Code != http.StatusOK || len(w.Body.Bytes()) != 43 || len(f.events()) != 0 {
			t.Errorf("%q: %d, %d bytes", data, w.Code, w.Body.Len())
		}
	}
}

func TestHandler_postHog(t *testing.T) {
	t.Parallel()
	f := newFake()
	w := f.do(http.MethodPost, "/batch/", nil, `{"api_key":"server","sent_at":"2026-11-23T12:00:10Z","batch":[
		{"event":"$identify","uuid":"1","distinct_id":"u","timestamp":"2026-11-23T12:00:00Z","properties":{"$set":{"email":"a@b.example"},"$set_once":{"first":1,"email":"x"},"$anon_distinct_id":"a"}},
		{"event":"$groupidentify","uuid":"2","distinct_id":"$company_g","properties":{"$group_type":"company","$group_key":"g","$group_set":{"name":"G"}}},
		{"event":"$create_alias","uuid":"3","distinct_id":"u","properties":{"alias":"old"}},
		{"event":"$pageview","uuid":"4","distinct_id":"a","properties":{"$process_person_profile":false,"$current_url":"https://x.example/pricing?q"}},
		{"event":"Signed Up","uuid":"5","distinct_id":7,"properties":{"plan":"pro","$groups":{"company":"g"},"$lib":"posthog-node"}},
		{"event":"$screen","uuid":"6","distinct_id":"u","properties":{"$screen_name":"Home"}},
		7]}`)
	if w.Code != http.StatusOK || len(f.batches) != 1 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	got := strings.Split(strings.TrimSpace(listing(f.events())), "\n")
	want := []string{
		"2026-11-23T11:59:50Z identify 1 user=u anonymous=a group= previous= name= path= flags=1",
		"2026-11-23T12:00:00Z group 2 user= anonymous= group=g previous= name= path= flags=1",
		"2026-11-23T12:00:00Z alias 3 user=u anonymous= group= previous=old name= path= flags=1",
		"2026-11-23T12:00:00Z page 4 user= anonymous=a group= previous= name= path=/pricing flags=1",
		"2026-11-23T12:00:00Z track 5 user=7 anonymous= group=g previous= name=Signed Up path= flags=1",
		"2026-11-23T12:00:00Z screen 6 user=u anonymous= group= previous= name=Home path= flags=1",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if r := f.batches[0].Rejected; len(r) != 1 || r[0].Code != ingest.NotAnObject {
		t.Errorf("%+v", r)
	}
	if traits := string(canon.Lookup(f.events()[0].Body, "traits")); traits != `{"email":"a@b.example","first":1}` {
		t.Error(traits)
	}
}

func TestHandler_bodiesOfTheWrongShape(t *testing.T) {
	t.Parallel()
	for path, bodies := range map[string][]string{
		"/v1/batch": {`[]`, `{}`, `{"batch":{}}`, `7`, `{"batch":null}`}, "/v1/track": {`[]`, `"x"`, `null`}, "/batch/": {`{}`},
	} {
		for _, body := range bodies {
			f := newFake()
			w := f.do(http.MethodPost, path, basic("public:"), body)
			if w.Code != http.StatusBadRequest || len(f.batches) != 1 || f.batches[0].Rejected[0].Code != ingest.BadBody || string(f.batches[0].Rejected[0].Raw) != body {
				t.Errorf("%s %s: %d %s, %+v", path, body, w.Code, w.Body, f.batches)
			}
		}
	}
}

// What was read must not change when the next request uses the same memory.
func TestHandler_eventsDoNotShareMemory(t *testing.T) {
	t.Parallel()
	f := newFake()
	for i := range 20 {
		f.do(http.MethodPost, "/v1/batch", basic("public:"), fmt.Sprintf(`{"batch":[{"type":"track","event":"e%d","userId":"u%d"},{"x":%d}]}`, i, i, i))
		f.do(http.MethodPost, "/v1/track", basic("public:"), fmt.Sprintf(`{"broken":%d`, i))
	}
	for i := range 20 {
		b, broken := f.batches[2*i], f.batches[2*i+1]
		e := b.Events[0]
		if want := fmt.Sprintf(`"event":"e%d"`, i); !strings.Contains(string(e.Body), want) || e.UserID != fmt.Sprintf("u%d", i) {
			t.Errorf("%d: %s", i, e.Body)
		}
		if !strings.Contains(string(b.Rejected[0].Raw), fmt.Sprintf(`"x":%d`, i)) || string(broken.Rejected[0].Raw) != fmt.Sprintf(`{"broken":%d`, i) {
			t.Errorf("%d: %s, %s", i, b.Rejected[0].Raw, broken.Rejected[0].Raw)
		}
	}
}

func TestHandler_realStoreCountsExactly(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		g := newRig(t, d)
		source := g.key("k")
		var items []string
		for i := range 300 {
			switch i % 3 {
			case 0:
				items = append(items, track1(fmt.Sprint(i)))
			case 1:
				items = append(items, track1(fmt.Sprint(i-1)))
			case 2:
				items = append(items, `{"type":"track"}`)
			}
		}
		a := g.send(t, http.MethodPost, "/v1/batch", basic("k:"), []byte(batchOf(items...)))
		c, rejected := g.account(t, source)
		if !isSuccess(a) || c.Accepted != 100 || c.Duplicate != 100 || c.Rejected != 100 || len(rejected) != 100 {
			t.Errorf("%+v, %+v, %d", a, c, len(rejected))
		}
	})
}

func FuzzHandler(f *testing.F) {
	for _, s := range []string{
		`{"batch":[{"type":"track","event":"x","userId":"u"}],"context":{"library":{"name":"analytics.js"}},"sentAt":"2026-01-01T00:00:00Z"}`,
		`{"batch":[{"event":"$identify","distinct_id":"u","uuid":"1","properties":{"$set":{"a":1}}}]}`,
		`{"type":"identify","userId":1e3,"traits":{"a":[1,{}]},"timestamp":"0001-01-01T00:00:00Z"}`, `{"batch":[[],7,null,{}]}`, `{`, ``,
	} {
		for path := range byte(3) {
			f.Add(path, []byte(s))
		}
	}
	f.Fuzz(func(t *testing.T, path byte, body []byte) {
		k := newFake()
		w := k.do(http.MethodPost, []string{"/v1/batch", "/v1/track", "/batch/"}[path%3], basic("public:"), string(body))
		if w.Code != http.StatusOK && w.Code != http.StatusBadRequest && w.Code != http.StatusRequestEntityTooLarge {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		for _, e := range k.events() {
			again, err := canon.Append(nil, e.Body)
			if err != nil || string(again) != string(e.Body) {
				t.Fatalf("stored %q, which is not canonical: %v", e.Body, err)
			}
			if e.MessageID == "" || e.Type == 0 || e.Time == 0 || e.Time > e.ReceivedAt || strings.Contains(string(e.Body)+e.UserID+e.Name, "\x00") {
				t.Fatalf("stored %+v", e)
			}
		}
	})
}
