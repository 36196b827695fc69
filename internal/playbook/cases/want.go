package cases

import (
	"fmt"
	"strconv"
	"strings"
)

// WriteWant is a want.yaml that asks for what an explanation says: the decision with its numbers and the
// worth of each signal. It is meant to be read and agreed to before it is kept.
func WriteWant(explain map[string]any) []byte {
	var b strings.Builder
	for _, key := range []string{"decision", "quadrant", "track", "stage", "level", "excluded_by"} {
		scalar(&b, "", explain, key)
	}
	if fit, ok := explain["fit"].(map[string]any); ok {
		b.WriteString("fit:\n")
		for _, key := range []string{"score", "coverage", "known"} {
			scalar(&b, "  ", fit, key)
		}
		things(&b, "criteria", fit["criteria"])
	}
	if intent, ok := explain["intent"].(map[string]any); ok {
		b.WriteString("intent:\n")
		for _, key := range []string{"score", "trusted"} {
			scalar(&b, "  ", intent, key)
		}
		things(&b, "signals", intent["signals"])
	}
	return []byte(b.String())
}

func scalar(b *strings.Builder, indent string, m map[string]any, key string) {
	v, ok := m[key]
	if !ok {
		return
	}
	text := show(v)
	if s, isText := v.(string); isText && plainWord(s) {
		text = s
	}
	fmt.Fprintf(b, "%s%s: %s\n", indent, key, text)
}

// things writes a list of things with ids as id: number; unknown criteria are left out.
func things(b *strings.Builder, key string, list any) {
	items, _ := list.([]any)
	var lines []string
	for _, v := range items {
		item, _ := v.(map[string]any)
		id, _ := item["id"].(string)
		number, ok := mainNumber(item).(float64)
		if id == "" || !ok || item["known"] == false {
			continue
		}
		lines = append(lines, fmt.Sprintf("    %s: %s\n", id, formatNumber(number)))
	}
	if len(lines) > 0 {
		fmt.Fprintf(b, "  %s:\n%s", key, strings.Join(lines, ""))
	}
}

// plainWord says whether a text needs no quotes in any YAML reader.
func plainWord(s string) bool {
	if _, err := strconv.ParseBool(s); err == nil || s == "" {
		return false
	}
	switch strings.ToLower(s) {
	case "yes", "no", "on", "off", "null", "y", "n":
		return false
	}
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyz_") == ""
}
