// Package slack writes messages for Slack's incoming webhooks and reads what people click in them.
//
// In: texts that may hold anything, because they come from leads. Out: the JSON of a message within the
// limits that Slack publishes for Block Kit, or the click of a person, once its signature was verified.
// What is kept: no text can mention anybody or link anywhere; a message is never refused
// for its length, because it is cut; a request that is old, altered or not Slack's has no effect.
//
// This package sends nothing: package alert does, through the one HTTP client. Begin reading at [Compose]
// and [Handler].
package slack

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Message is what a channel is told.
type Message struct {
	Title   string
	Lines   []string // paragraphs
	Fields  []Field
	Footer  string
	Buttons []Button
	Menus   []Menu // after the buttons
}

// Field is a name with a value.
type Field struct{ Name, Value string }

// Button is something to click. One with a URL opens it, one without is reported to [Handler].
type Button struct {
	Label  string
	Action string // what the click is called
	Value  string // what it is about; at most 2,000 bytes
	URL    string
	Style  string // "", primary or danger
}

// Menu is a list to choose one from, which is reported to [Handler] with the choice's value.
type Menu struct {
	Label   string
	Action  string
	Choices []Choice // the first hundred count
}

// Choice is one of a menu. Its value has at most 150 bytes.
type Choice struct{ Label, Value string }

// The limits of Block Kit, in characters (docs.slack.dev/reference/block-kit), and what we use of the
// 50 blocks. The total is not documented; messages of more than about 13,000 characters are refused.
const (
	maxHeader  = 150
	maxSection = 3000
	maxFields  = 10
	maxField   = 2000
	maxButtons = 25
	maxLabel   = 75
	maxChoices = 100
	maxChoice  = 150 // of the value
	maxValue   = 2000
	maxURL     = 3000
	maxID      = 255
	maxLines   = 20
	maxTotal   = 12000
	ellipsis   = "…"
)

type object map[string]any

// Compose writes the body of the request to an incoming webhook.
func Compose(m Message) ([]byte, error) {
	budget := maxTotal
	title := plain(m.Title, maxHeader)
	if title == "" {
		title = "Cusp"
	}
	blocks := []object{{"type": "header", "text": object{"type": "plain_text", "text": title, "emoji": false}}}
	for _, l := range m.Lines[:min(len(m.Lines), maxLines)] {
		if text := take(&budget, Escape(l), maxSection); text != "" {
			blocks = append(blocks, object{"type": "section", "text": mrkdwn(text)})
		}
	}
	var fields []object
	for _, f := range m.Fields[:min(len(m.Fields), maxFields)] {
		name := plain(f.Name, maxLabel)
		if text := take(&budget, Escape(name)+"\n"+Escape(f.Value), maxField); text != "" && f.Value != "" {
			fields = append(fields, mrkdwn(text))
		}
	}
	if len(fields) > 0 {
		blocks = append(blocks, object{"type": "section", "fields": fields})
	}
	if elements := append(buttons(m.Buttons), menus(m.Menus)...); len(elements) > 0 {
		elements = elements[:min(len(elements), maxButtons)]
		blocks = append(blocks, object{"type": "actions", "elements": elements})
	}
	if text := take(&budget, Escape(m.Footer), maxSection); text != "" {
		blocks = append(blocks, object{"type": "context", "elements": []object{mrkdwn(text)}})
	}
	body, err := json.Marshal(object{"text": Escape(title), "blocks": blocks, "unfurl_links": false, "unfurl_media": false})
	if err != nil {
		return nil, fmt.Errorf("write Slack message: %w", err)
	}
	return body, nil
}

// mrkdwn is a text object. Verbatim keeps Slack from making links and mentions of bare words.
func mrkdwn(text string) object { return object{"type": "mrkdwn", "text": text, "verbatim": true} }

func menus(list []Menu) []object {
	var all []object
	for i, m := range list {
		var options []object
		for _, c := range m.Choices {
			label := plain(c.Label, maxLabel)
			if label != "" && c.Value != "" && len(c.Value) <= maxChoice && len(options) < maxChoices {
				options = append(options, object{"text": object{"type": "plain_text", "text": label, "emoji": false}, "value": c.Value})
			}
		}
		label := plain(m.Label, maxLabel)
		if label == "" || len(options) == 0 {
			continue
		}
		all = append(all, object{
			"type": "static_select", "action_id": cut(fmt.Sprintf("%s.menu.%d", m.Action, i), maxID), "options": options,
			"placeholder": object{"type": "plain_text", "text": label, "emoji": false},
		})
	}
	return all
}

func buttons(list []Button) []object {
	var all []object
	for i, b := range list {
		label := plain(b.Label, maxLabel)
		if label == "" || len(b.Value) > maxValue || len(b.URL) > maxURL {
			continue // half a value is a wrong one
		}
		o := object{
			"type": "button", "action_id": cut(fmt.Sprintf("%s.%d", b.Action, i), maxID),
			"text": object{"type": "plain_text", "text": label, "emoji": false},
		}
		if b.Value != "" {
			o["value"] = b.Value
		}
		if b.URL != "" {
			o["url"] = b.URL
		}
		if b.Style == "primary" || b.Style == "danger" {
			o["style"] = b.Style
		}
		all = append(all, o)
	}
	return all
}

// Escape makes a text mean itself in mrkdwn: with the three characters that Slack names, nobody is mentioned
// and nothing is linked. Marks such as *stars* stay: they change the look and nothing else, and an invisible
// companion would spoil addresses that are copied.
func Escape(s string) string {
	s = strings.Map(func(r rune) rune {
		if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	return strings.TrimSpace(strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s))
}

// plain is a text on one line for places without formatting.
func plain(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.C, r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	return cut(strings.Join(strings.Fields(s), " "), most)
}

// take cuts an escaped text to a limit and to what is left of the budget.
func take(budget *int, s string, most int) string {
	s = cut(s, min(most, *budget))
	*budget -= utf8.RuneCountInString(s)
	return s
}

// cut shortens a text to as many characters as Slack counts them (UTF-16), and never within an
// escape.
func cut(s string, most int) string {
	if units(s) <= most {
		return s
	}
	n, end := 0, 0
	for i, r := range s {
		if n += utf16Len(r); n > most-1 {
			break
		}
		end = i + utf8.RuneLen(r)
	}
	s = s[:end]
	if at := strings.LastIndexByte(s, '&'); at >= 0 && len(s)-at < len("&amp;") && !strings.Contains(s[at:], ";") {
		s = s[:at]
	}
	if most < 1 {
		return ""
	}
	return s + ellipsis
}

func units(s string) (n int) {
	for _, r := range s {
		n += utf16Len(r)
	}
	return n
}

func utf16Len(r rune) int {
	if r > 0xFFFF {
		return 2
	}
	return 1
}
