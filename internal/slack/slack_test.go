package slack_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"cusp/internal/fault"
	"cusp/internal/slack"
	"cusp/internal/slack/slacktest"
)

// The vector of Slack's documentation (authentication/verifying-requests-from-slack).
func TestSign_agreesWithSlack(t *testing.T) {
	t.Parallel()
	const body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&" +
		"channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&" +
		"response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&" +
		"trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
	at := time.Unix(1531420618, 0)
	const want = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
	if got := slack.Sign("8f742231b10e8888abcd99yyyzzz85a5", at, []byte(body)); got != want {
		t.Errorf("got %s", got)
	}
}

func TestCompose_fitsSlack(t *testing.T) {
	t.Parallel()
	text := rapid.OneOf(rapid.String(), rapid.StringOfN(rapid.RuneFrom([]rune("&<>😀ab \n")), 0, 4000, -1))
	rapid.Check(t, func(t *rapid.T) {
		m := slack.Message{Title: text.Draw(t, "title"), Footer: text.Draw(t, "footer")}
		m.Lines = rapid.SliceOfN(text, 0, 60).Draw(t, "lines")
		for range rapid.IntRange(0, 14).Draw(t, "fields") {
			m.Fields = append(m.Fields, slack.Field{Name: text.Draw(t, "name"), Value: text.Draw(t, "value")})
		}
		for range rapid.IntRange(0, 30).Draw(t, "buttons") {
			m.Buttons = append(m.Buttons, slack.Button{
				Label: text.Draw(t, "label"), Action: "accept", Value: text.Draw(t, "value"),
				Style: rapid.SampledFrom([]string{"", "primary", "danger", "loud"}).Draw(t, "style"),
			})
		}
		for range rapid.IntRange(0, 2).Draw(t, "menus") {
			menu := slack.Menu{Label: text.Draw(t, "label"), Action: "reject"}
			for range rapid.IntRange(0, 110).Draw(t, "choices") {
				menu.Choices = append(menu.Choices, slack.Choice{Label: "why", Value: text.Draw(t, "value")})
			}
			m.Menus = append(m.Menus, menu)
		}
		body, err := slack.Compose(m)
		if err != nil {
			t.Fatal(err)
		}
		if problem := slacktest.Check(body); problem != "" {
			t.Fatalf("%s: %s", problem, body)
		}
	})
}

// The attack case X27.
func TestCompose_mentionsNobody(t *testing.T) {
	t.Parallel()
	const evil = "<!channel> <@U123> <https://evil.example|Acme> & *b*"
	body, err := slack.Compose(slack.Message{
		Title: evil, Lines: []string{evil}, Fields: []slack.Field{{Name: evil, Value: evil}}, Footer: evil,
		Buttons: []slack.Button{{Label: "Open", URL: "https://cusp.example/1"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := slacktest.Mentions(body); n != 0 {
		t.Errorf("%d mentions or links: %s", n, body)
	}
	if !strings.Contains(string(body), `\u0026lt;!channel\u0026gt; \u0026lt;@U123\u0026gt;`) {
		t.Errorf("not escaped: %s", body)
	}
}

func TestCompose_golden(t *testing.T) {
	t.Parallel()
	body, err := slack.Compose(slack.Message{
		Title: "Ada asks for a demo", Lines: []string{"Acme & Sons"}, Fields: []slack.Field{{"Due", "12:05"}, {"Empty", ""}},
		Footer:  "Cusp",
		Buttons: []slack.Button{{Label: "Accept", Action: "accept", Value: "7", Style: "primary"}, {Label: "Too long", Value: strings.Repeat("x", 2001)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var got, want any
	if err := errors.Join(json.Unmarshal(body, &got), json.Unmarshal([]byte(`{
		"text": "Ada asks for a demo", "unfurl_links": false, "unfurl_media": false, "blocks": [
		{"type": "header", "text": {"type": "plain_text", "text": "Ada asks for a demo", "emoji": false}},
		{"type": "section", "text": {"type": "mrkdwn", "text": "Acme &amp; Sons", "verbatim": true}},
		{"type": "section", "fields": [{"type": "mrkdwn", "text": "Due\n12:05", "verbatim": true}]},
		{"type": "actions", "elements": [{"type": "button", "action_id": "accept.0", "value": "7", "style": "primary",
			"text": {"type": "plain_text", "text": "Accept", "emoji": false}}]},
		{"type": "context", "elements": [{"type": "mrkdwn", "text": "Cusp", "verbatim": true}]}]}`), &want)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

const secret = "8f742231b10e8888abcd99yyyzzz85a5"

var now = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

func click(payload string) []byte { return []byte("payload=" + url.QueryEscape(payload)) }

const accept = `{"type":"block_actions","team":{"id":"T1"},"user":{"id":"U1","username":"ada"},
	"response_url":"https://hooks.slack.com/actions/1","actions":[{"action_id":"accept.0","value":"7"}],"more":{}}`

func TestHandler(t *testing.T) {
	t.Parallel()
	signed := func(at time.Time, body []byte) http.Header {
		return http.Header{
			"X-Slack-Request-Timestamp": {strconv.FormatInt(at.Unix(), 10)}, "X-Slack-Signature": {slack.Sign(secret, at, body)},
		}
	}
	body := click(accept)
	want := slack.Click{Action: "accept", Value: "7", Team: "T1", User: "U1", UserName: "ada", ResponseURL: "https://hooks.slack.com/actions/1"}
	for name, c := range map[string]struct {
		header http.Header
		body   []byte
		status int
		clicks int
	}{
		"a click":           {signed(now, body), body, 200, 1},
		"almost old":        {signed(now.Add(-5*time.Minute), body), body, 200, 1},
		"too old":           {signed(now.Add(-5*time.Minute-time.Second), body), body, 401, 0},
		"of the future":     {signed(now.Add(5*time.Minute+time.Second), body), body, 401, 0},
		"altered":           {signed(now, body), click(strings.Replace(accept, `"7"`, `"8"`, 1)), 401, 0},
		"unsigned":          {http.Header{}, body, 401, 0},
		"signature missing": {http.Header{"X-Slack-Request-Timestamp": {"1777896000"}}, body, 401, 0},
		"no payload":        {signed(now, []byte("a=b")), []byte("a=b"), 422, 0},
		"no JSON":           {signed(now, click("{")), click("{"), 422, 0},
		"another kind":      {signed(now, click(`{"type":"view_submission"}`)), click(`{"type":"view_submission"}`), 200, 0},
		"too long":          {signed(now, body), append(body, make([]byte, 300<<10)...), 413, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var clicks []slack.Click
			seen := map[string]bool{}
			h := slack.Handler(slack.Options{
				Secret: func() string { return secret }, Now: func() time.Time { return now },
				Fresh: func(_ context.Context, s string) (bool, error) {
					before := seen[s]
					seen[s] = true
					return !before, nil
				},
				Answer: func(_ context.Context, c slack.Click) error {
					clicks = append(clicks, c)
					return nil
				},
				Fail: func(w http.ResponseWriter, _ *http.Request, err error) { w.WriteHeader(fault.KindOf(err).Status()) },
			})
			for range 2 { // the second time it is a replay
				req := httptest.NewRequest(http.MethodPost, "/hooks/slack", strings.NewReader(string(c.body)))
				req.Header = c.header
				w := httptest.NewRecorder()
				h.ServeHTTP(w, req)
				if w.Code != c.status {
					t.Errorf("status %d, want %d", w.Code, c.status)
				}
			}
			if len(clicks) != c.clicks || len(clicks) == 1 && clicks[0] != want {
				t.Errorf("clicks %+v", clicks)
			}
		})
	}
}

func TestVerify_withoutASecretNothingPasses(t *testing.T) {
	t.Parallel()
	body := click(accept)
	h := http.Header{"X-Slack-Request-Timestamp": {strconv.FormatInt(now.Unix(), 10)}, "X-Slack-Signature": {slack.Sign("", now, body)}}
	if err := slack.Verify("", h, body, now); !fault.Is(err, fault.Unauthentic) {
		t.Errorf("%v", err)
	}
}

func FuzzParseClicks(f *testing.F) {
	for _, s := range []string{accept, "{}", `{"type":"block_actions","actions":[{}]}`, `{"actions":7}`, "[]", "null"} {
		f.Add(click(s))
	}
	f.Add([]byte("payload=a&payload=b"))
	f.Add([]byte("%"))
	f.Fuzz(func(t *testing.T, body []byte) {
		clicks, err := slack.ParseClicks(body)
		if err != nil && (len(clicks) > 0 || !fault.Is(err, fault.Invalid)) {
			t.Errorf("%v with %d clicks", err, len(clicks))
		}
	})
}

func TestComposeReply(t *testing.T) {
	t.Parallel()
	body, err := slack.ComposeReply("<!channel> "+strings.Repeat("😀", 4000), true)
	if err != nil {
		t.Fatal(err)
	}
	var m struct {
		Text    string
		Replace bool `json:"replace_original"`
	}
	if err := json.Unmarshal(body, &m); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(m.Text, "&lt;!channel&gt; ") || len(utf16.Encode([]rune(m.Text))) > 3000 || !m.Replace {
		t.Errorf("%d characters: %.40s", len(utf16.Encode([]rune(m.Text))), m.Text)
	}
}
