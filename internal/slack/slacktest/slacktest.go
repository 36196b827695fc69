// Package slacktest is a Slack for tests: an incoming webhook that refuses what Slack's published limits
// forbid, since Slack itself cannot be run.
//
// The limits are those of docs.slack.dev/reference/block-kit. Begin reading at [New] and [Check].
package slacktest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"sync"
	"unicode/utf16"
)

// Channel takes messages and keeps them.
type Channel struct {
	mu       sync.Mutex
	bodies   [][]byte
	problems []string
}

// New makes a channel; it is the handler of its webhook.
func New() *Channel { return &Channel{} }

// ServeHTTP takes a message as an incoming webhook does: "ok", or a word with a 4xx.
func (c *Channel) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	problem := Check(body)
	if err != nil || r.Method != http.MethodPost {
		problem = "no_text"
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if problem != "" {
		c.problems = append(c.problems, problem)
		http.Error(w, "invalid_blocks", http.StatusBadRequest)
		return
	}
	c.bodies = append(c.bodies, body)
	_, _ = io.WriteString(w, "ok")
}

// Messages are the bodies that were taken, Problems what was wrong with the others.
func (c *Channel) Messages() [][]byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([][]byte{}, c.bodies...)
}

// Problems are what was wrong with messages that were refused.
func (c *Channel) Problems() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string{}, c.problems...)
}

type text struct{ Type, Text string }

type block struct {
	Type     string
	Text     *text
	Fields   []text
	Elements []json.RawMessage
	BlockID  string `json:"block_id"`
}

// Check says what Slack would refuse in a message; empty when nothing.
func Check(body []byte) string {
	var m struct {
		Text   string
		Blocks []block
	}
	if err := json.Unmarshal(body, &m); err != nil {
		return "no JSON: " + err.Error()
	}
	if m.Text == "" || len(m.Blocks) > 50 {
		return "no text for notifications, or more than 50 blocks"
	}
	ids := map[string]bool{}
	for i, b := range m.Blocks {
		if problem := b.check(ids); problem != "" {
			return fmt.Sprintf("block %d: %s", i, problem)
		}
	}
	return ""
}

func (b block) check(ids map[string]bool) string {
	switch b.Type {
	case "header":
		return b.Text.check("plain_text", 150)
	case "section":
		if b.Text == nil && len(b.Fields) == 0 || len(b.Fields) > 10 {
			return "a section needs a text or up to ten fields"
		}
		for i := range b.Fields {
			if problem := b.Fields[i].check("", 2000); problem != "" {
				return problem
			}
		}
		if b.Text == nil {
			return ""
		}
		return b.Text.check("", 3000)
	case "context":
		return b.elements(10, func(raw json.RawMessage) string {
			var t text
			_ = json.Unmarshal(raw, &t) // what it is not, the check sees
			return t.check("", 3000)
		})
	case "actions":
		return b.elements(25, func(raw json.RawMessage) string { return button(raw, ids) })
	}
	return "unknown type " + b.Type
}

func (b block) elements(most int, check func(json.RawMessage) string) string {
	if len(b.Elements) == 0 || len(b.Elements) > most {
		return fmt.Sprintf("%d elements", len(b.Elements))
	}
	for _, raw := range b.Elements {
		if problem := check(raw); problem != "" {
			return problem
		}
	}
	return ""
}

func button(raw json.RawMessage, ids map[string]bool) string {
	var label struct{ Text text }
	var e struct {
		Type, Value, URL, Style string
		ActionID                string `json:"action_id"`
	}
	if json.Unmarshal(raw, &label) != nil || json.Unmarshal(raw, &e) != nil {
		return "no element"
	}
	if e.Type == "static_select" {
		return menu(raw)
	}
	if e.Type != "button" {
		return "no button"
	}
	if ids[e.ActionID] || e.ActionID == "" || length(e.ActionID) > 255 || length(e.Value) > 2000 || length(e.URL) > 3000 {
		return "action_id, value or url"
	}
	ids[e.ActionID] = true
	if e.Style != "" && e.Style != "primary" && e.Style != "danger" {
		return "style " + e.Style
	}
	return label.Text.check("plain_text", 75)
}

func menu(raw json.RawMessage) string {
	var m struct {
		Placeholder text
		Options     []struct {
			Text  text
			Value string
		}
	}
	if json.Unmarshal(raw, &m) != nil || len(m.Options) == 0 || len(m.Options) > 100 {
		return "options of a menu"
	}
	for _, o := range m.Options {
		if problem := o.Text.check("plain_text", 75); problem != "" || o.Value == "" || length(o.Value) > 150 {
			return "an option: " + problem
		}
	}
	return m.Placeholder.check("plain_text", 150)
}

func (t *text) check(kind string, most int) string {
	switch {
	case t == nil || t.Text == "":
		return "an empty text"
	case t.Type != "plain_text" && t.Type != "mrkdwn" || kind != "" && t.Type != kind:
		return "a text of type " + t.Type
	case length(t.Text) > most:
		return fmt.Sprintf("a text of %d characters, more than %d", length(t.Text), most)
	}
	return ""
}

func length(s string) int { return len(utf16.Encode([]rune(s))) }

var special = regexp.MustCompile(`<[^<>]*>`)

// Mentions counts what Slack would make a mention, a link or a date of, in all formatted texts.
func Mentions(body []byte) int {
	var walk func(v any) int
	walk = func(v any) (n int) {
		switch v := v.(type) {
		case map[string]any:
			if s, ok := v["text"].(string); ok && v["type"] != "plain_text" {
				n += len(special.FindAllString(s, -1))
			}
			for _, x := range v {
				n += walk(x)
			}
		case []any:
			for _, x := range v {
				n += walk(x)
			}
		}
		return n
	}
	var v any
	if json.Unmarshal(body, &v) != nil {
		return -1
	}
	return walk(v)
}
