package signal

import (
	"bytes"
	"slices"
	"strings"
)

// textKeys are the properties that hold what people wrote, in snake case.
var textKeys = [...]string{
	"message", "comment", "comments", "note", "notes", "question", "questions", "body", "text", "reply",
	"description", "inquiry", "enquiry", "feedback", "details", "request", "content", "answer", "answers",
	"transcript", "your_message", "additional_info", "additional_information", "how_can_we_help", "project_description",
	"reply_text", "body_text", "message_text", "chat_message", "what_are_you_looking_for", "challenge", "challenges", "goals", "needs",
	"requirements", "remarks", "last_message", "free_text", "project", "pain_points", "use_case",
}

// Texts returns what people wrote, out of an event's properties, in the order of the property names.
// Lists of texts and maps of answers are taken apart; a chat's list of messages gives those that do not
// say they come from an agent or a bot.
func Texts(props map[string]any) []string {
	var out []string
	names := make([]string, 0, len(props))
	for name := range props {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if isTextKey(name) || name == "messages" {
			out = appendTexts(out, props[name], 3)
		}
	}
	return out
}

// appendTexts takes a value apart, at most depth levels deep.
func appendTexts(out []string, value any, depth int) []string {
	switch v := value.(type) {
	case string:
		if strings.TrimSpace(v) != "" {
			out = append(out, v)
		}
	case []any:
		for _, item := range v {
			if depth > 0 {
				out = appendTexts(out, item, depth-1)
			}
		}
	case map[string]any:
		if depth == 0 || fromUs(v) {
			return out
		}
		return append(out, Texts(v)...)
	}
	return out
}

// fromUs says whether a chat message was written on our side.
func fromUs(message map[string]any) bool {
	for _, key := range [...]string{"from", "role", "sender", "author", "author_type", "sender_type", "direction"} {
		switch who, _ := message[key].(string); strings.ToLower(who) {
		case "agent", "bot", "assistant", "system", "operator", "rep", "sales", "support", "outbound", "admin":
			return true
		}
	}
	return false
}

func isTextKey(name string) bool {
	key := snake(name)
	for _, k := range textKeys {
		if k == key {
			return true
		}
	}
	return false
}

// snake writes messageText, "Message text" and message-text as message_text.
func snake(name string) string {
	b := make([]byte, 0, len(name)+4)
	for i := range len(name) {
		c := name[i]
		switch {
		case c >= 'A' && c <= 'Z':
			if i > 0 && name[i-1] >= 'a' && name[i-1] <= 'z' {
				b = append(b, '_')
			}
			b = append(b, c+'a'-'A')
		case c == ' ' || c == '-' || c == '.':
			b = append(b, '_')
		default:
			b = append(b, c)
		}
	}
	return string(b)
}

// MayHoldText says whether a message's JSON has a property under one of the names that [Texts] reads. It
// errs on the side of yes and spares the decoding of the many messages that hold no text.
func MayHoldText(body []byte) bool {
	at := bytes.Index(body, []byte(`"properties":{`))
	if at < 0 {
		return false
	}
	for rest := body[at:]; ; {
		colon := bytes.Index(rest, []byte(`":`))
		if colon < 0 {
			return false
		}
		open := bytes.LastIndexByte(rest[:colon], '"')
		if name := string(rest[open+1 : colon]); name == "messages" || isTextKey(name) {
			return true
		}
		rest = rest[colon+2:]
	}
}
