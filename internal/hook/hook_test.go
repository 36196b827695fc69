package hook_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"cusp/internal/fault"
	"cusp/internal/hook"
)

const (
	secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	id     = "msg_p5jXN8AQM9LWM0D4loKWxEek"
)

var (
	at   = time.Unix(1614265330, 0)
	body = []byte(`{"test": 2432232314}`)
)

// The vector of the specification.
func TestSign_agreesWithTheStandard(t *testing.T) {
	t.Parallel()
	h, err := hook.Sign([]string{secret}, id, at, body)
	if err != nil {
		t.Fatal(err)
	}
	want := "v1,xm3N4+aKmqpsHqf2GrAK/g6ew7J0s6ILlNe44yY/l78="
	if got := h.Get("webhook-signature"); got != want || h.Get("webhook-id") != id || h.Get("webhook-timestamp") != "1614265330" {
		t.Errorf("%v", h)
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	other, err := hook.NewSecret(bytes.NewReader(bytes.Repeat([]byte{7}, 64)))
	if err != nil {
		t.Fatal(err)
	}
	sign := func(secrets ...string) http.Header {
		h, err := hook.Sign(secrets, id, at, body)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	cut := sign(secret)
	cut.Set(hook.HeaderSignature, strings.TrimPrefix(cut.Get(hook.HeaderSignature), "v1,"))
	moved := sign(secret)
	moved.Set(hook.HeaderID, "msg_other")
	for name, c := range map[string]struct {
		header http.Header
		body   []byte
		now    time.Time
		ok     bool
	}{
		"signed":             {sign(secret), body, at, true},
		"secret replaced":    {sign(other, secret), body, at, true},
		"other secret":       {sign(other), body, at, false},
		"five minutes later": {sign(secret), body, at.Add(5 * time.Minute), true},
		"later than that":    {sign(secret), body, at.Add(5*time.Minute + time.Second), false},
		"of the future":      {sign(secret), body, at.Add(-5*time.Minute - time.Second), false},
		"another body":       {sign(secret), []byte("{}"), at, false},
		"another id":         {moved, body, at, false},
		"no version":         {cut, body, at, false},
		"no headers":         {http.Header{}, body, at, false},
	} {
		err := hook.Verify(secret, c.header, c.body, c.now)
		if c.ok && err != nil || !c.ok && !fault.Is(err, fault.Unauthentic) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSign_refusesWhatIsAmbiguous(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"", "a.b", "a b", "a\nb", strings.Repeat("x", 201), "ä"} {
		if _, err := hook.Sign([]string{secret}, id, at, body); err == nil {
			t.Errorf("id %q is signed", id)
		}
	}
	for _, s := range []string{"", "whsec_", "whsec_YQ==", "whsec_!!!", "whsec_" + strings.Repeat("QUFB", 30)} {
		if err := hook.CheckSecret(s); !fault.Is(err, fault.Invalid) {
			t.Errorf("secret %q: %v", s, err)
		}
		if _, err := hook.Sign([]string{secret, s}, id, at, body); err == nil {
			t.Errorf("secret %q signs", s)
		}
	}
	if _, err := hook.Sign(nil, id, at, body); err == nil {
		t.Error("no secret signs")
	}
}

// The attack case X28: whatever is in the data, the payload is JSON that means the same.
func TestCompose_keepsTheData(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.Just("\"\u2028</script><!--\\"), rapid.String()).Draw(t, "text")
		data, err := json.Marshal(map[string]string{"name": text})
		if err != nil {
			t.Fatal(err)
		}
		m := hook.Message{Type: "handoff.assigned", Time: at, Data: data}
		body, err := hook.Compose(m)
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			Type, Timestamp string
			Data            map[string]string
		}
		if err := json.Unmarshal(body, &got); err != nil || got.Data["name"] != strings.ToValidUTF8(text, "\uFFFD") {
			t.Fatalf("%s: %v", body, err)
		}
		if again, _ := hook.Compose(m); !bytes.Equal(again, body) || bytes.Contains(body, []byte("</script>")) {
			t.Fatalf("%s", body)
		}
	})
	if _, err := hook.Compose(hook.Message{Type: "a b"}); err == nil {
		t.Error("a type with a space")
	}
	if body, err := hook.Compose(hook.Message{Type: "a", Time: at}); err != nil || !strings.HasSuffix(string(body), `"data":null}`) {
		t.Errorf("%s, %v", body, err)
	}
}

func FuzzVerify(f *testing.F) {
	f.Add("msg", "1614265330", "v1,xm3N4+aKmqpsHqf2GrAK/g6ew7J0s6ILlNe44yY/l78=", []byte("{}"))
	f.Add("", "x", "v1, v1,= v1a,abc", []byte(nil))
	f.Fuzz(func(t *testing.T, id, stamp, signature string, body []byte) {
		h := http.Header{hook.HeaderID: {id}, hook.HeaderTimestamp: {stamp}, hook.HeaderSignature: {signature}}
		if err := hook.Verify(secret, h, body, at); err == nil && id != "msg_p5jXN8AQM9LWM0D4loKWxEek" {
			t.Errorf("forged: %q %q %q", id, stamp, signature)
		}
	})
}
