package slack

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"cusp/internal/fault"
)

// Tolerance is how far the time of a request may be from ours.
const Tolerance = 5 * time.Minute

// answerWithin leaves room in the three seconds after which Slack shows an error.
const answerWithin = 2500 * time.Millisecond

const maxPayload = 256 << 10 // bytes; Slack's are some kilobytes

// Sign is the signature of a request with our signing secret, as Slack makes it.
func Sign(secret string, at time.Time, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = io.WriteString(mac, "v0:"+strconv.FormatInt(at.Unix(), 10)+":") // a hash takes all
	_, _ = mac.Write(body)
	return "v0=" + hex.EncodeToString(mac.Sum(nil))
}

// Verify checks that a request is Slack's and of now. The error is [fault.Unauthentic].
func Verify(secret string, h http.Header, body []byte, now time.Time) error {
	refuse := func(why string) error {
		return fault.New(fault.Unauthentic, "this request is not accepted: %s", why).WithCode("bad_signature").
			WithHint("check the signing secret of the Slack app, and the clocks")
	}
	seconds, err := strconv.ParseInt(h.Get("X-Slack-Request-Timestamp"), 10, 64)
	if err != nil || secret == "" {
		return refuse("it is not signed")
	}
	at := time.Unix(seconds, 0)
	if now.Sub(at).Abs() > Tolerance {
		return refuse("it is not of now")
	}
	if !hmac.Equal([]byte(h.Get("X-Slack-Signature")), []byte(Sign(secret, at, body))) {
		return refuse("its signature does not fit")
	}
	return nil
}

// Click is a button that a person pressed.
type Click struct {
	Action      string // as in [Button] and [Menu]
	Value       string
	Team        string // Slack's ids
	User        string
	UserName    string
	ResponseURL string // takes up to five messages within half an hour
}

// ParseClicks reads the body of an interaction. Interactions that are not clicks give none.
func ParseClicks(body []byte) ([]Click, error) {
	bad := func(err error) error {
		return fault.New(fault.Invalid, "this is not an interaction of Slack").WithCode("bad_payload").WithCause(err)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, bad(err)
	}
	if len(form["payload"]) != 1 {
		return nil, bad(errors.New("not one payload"))
	}
	var p struct {
		Type string `json:"type"`
		Team struct {
			ID string `json:"id"`
		} `json:"team"`
		User struct {
			ID       string `json:"id"`
			Name     string `json:"name"`
			UserName string `json:"username"`
		} `json:"user"`
		ResponseURL string `json:"response_url"`
		Actions     []struct {
			ID     string `json:"action_id"`
			Value  string `json:"value"`
			Option struct {
				Value string `json:"value"`
			} `json:"selected_option"` // of a menu
		} `json:"actions"`
	}
	if err := json.Unmarshal([]byte(form["payload"][0]), &p); err != nil {
		return nil, bad(err)
	}
	if p.Type != "block_actions" {
		return nil, nil
	}
	name := p.User.UserName
	if name == "" {
		name = p.User.Name
	}
	var clicks []Click
	for _, a := range p.Actions {
		action, _, _ := strings.Cut(a.ID, ".") // the number only makes it unique
		clicks = append(clicks, Click{
			Action: action, Value: cmp.Or(a.Value, a.Option.Value), Team: p.Team.ID, User: p.User.ID, UserName: name, ResponseURL: p.ResponseURL,
		})
	}
	return clicks, nil
}

// ComposeReply writes the body for a click's ResponseURL: a note that only who clicked can see, or one
// that takes the place of the message with its buttons.
func ComposeReply(text string, replace bool) ([]byte, error) {
	o := object{"text": cut(Escape(text), maxSection), "replace_original": replace}
	if !replace {
		o["response_type"] = "ephemeral"
	}
	return json.Marshal(o)
}

// Options are what a [Handler] needs.
type Options struct {
	Secret func() string // the signing secret; empty: nothing is accepted
	Now    func() time.Time
	// Fresh notes a signature and says whether it is new: a request that is sent again has no effect
	// again. Whatever it does is undone by nobody, so an error of Answer must not be worth a repetition.
	Fresh func(ctx context.Context, signature string) (bool, error)
	// Answer does what the click asks for. It has two and a half seconds.
	Answer func(ctx context.Context, c Click) error
	// Fail answers the request with an error.
	Fail func(w http.ResponseWriter, r *http.Request, err error)
}

// Handler takes interactions of Slack.
func Handler(o Options) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := o.take(w, r); err != nil {
			o.Fail(w, r, err)
			return
		}
		w.WriteHeader(http.StatusOK) // an empty body: whatever there is to say goes to the ResponseURL
	})
}

func (o Options) take(w http.ResponseWriter, r *http.Request) error {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPayload))
	if err != nil {
		return fault.New(fault.TooLarge, "this is more than Slack sends").WithCause(err)
	}
	if err := Verify(o.Secret(), r.Header, body, o.Now()); err != nil {
		return err
	}
	clicks, err := ParseClicks(body)
	if err != nil || len(clicks) == 0 {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), answerWithin)
	defer cancel()
	fresh, err := o.Fresh(ctx, r.Header.Get("X-Slack-Signature"))
	if err != nil || !fresh {
		return err
	}
	for _, c := range clicks {
		if err := o.Answer(ctx, c); err != nil {
			return err
		}
	}
	return nil
}
