package table

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// reject is why a value cannot be used; it becomes a [Rejection] when the line is known.
type reject struct{ code, reason string }

func (r *reject) Error() string { return r.reason }

func refuse(code, format string, args ...any) *reject {
	return &reject{code: code, reason: fmt.Sprintf(format, args...)}
}

// quoteCell shows a cell in a message, cut to a length that fits on a line.
func quoteCell(v any) string {
	s, ok := v.(string)
	if !ok {
		text, err := json.Marshal(v)
		if err != nil {
			return "the value"
		}
		s = string(text)
	}
	if r := []rune(s[:min(len(s), 400)]); len(r) > 60 {
		s = string(r[:60]) + "…"
	}
	return strconv.Quote(s)
}

// value finds and converts the value of a field in a record; nil means that there is none.
func (m *Mapping) value(f *field, find func(column string) any) (any, error) {
	v := m.find(f, find)
	if v == nil {
		v = f.fallback
		if v == nil && f.required {
			return nil, refuse("missing_value", "column %s is empty, but the mapping requires it", strings.Join(f.needs(), ", "))
		}
		return v, nil
	}
	if f.constant != nil {
		return v, nil
	}
	return m.convert(f, v)
}

// find is the first value that a field's columns hold.
func (m *Mapping) find(f *field, find func(column string) any) any {
	switch {
	case f.constant != nil:
		return f.constant
	case f.template != nil:
		return m.fill(f.template, find)
	}
	for _, c := range f.columns {
		if v := m.present(find(c)); v != nil {
			return v
		}
	}
	return nil
}

// present trims a text and makes nothing of the texts that stand for nothing.
func (m *Mapping) present(v any) any {
	s, ok := v.(string)
	if !ok {
		return v
	}
	if s = strings.TrimSpace(s); s == "" || m.empty[s] {
		return nil
	}
	return s
}

// fill writes a template; without one of its columns there is no value.
func (m *Mapping) fill(pieces []piece, find func(column string) any) any {
	var b strings.Builder
	for _, p := range pieces {
		if !p.column {
			b.WriteString(p.text)
			continue
		}
		v := m.present(find(p.text))
		if v == nil {
			return nil
		}
		b.WriteString(scalarText(v))
	}
	return b.String()
}

// scalarText is a scalar as text: numbers of NDJSON with their digits.
func scalarText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	text, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(text)
}

func (m *Mapping) convert(f *field, v any) (any, error) {
	if f.lower {
		v = strings.ToLower(scalarText(v))
	}
	if f.values != nil {
		replaced, ok := f.values[scalarText(v)]
		switch {
		case ok:
			return replaced, nil
		case f.valElse != nil:
			return f.valElse, nil
		}
	}
	out, err := m.typed(f, v)
	if err != nil && f.soft {
		return v, nil
	}
	if err != nil {
		return nil, refuse("bad_value", "column %s: %s %v", strings.Join(f.needs(), ", "), quoteCell(v), err)
	}
	return out, nil
}

func (m *Mapping) typed(f *field, v any) (any, error) {
	switch {
	case f.number != nil:
		if n, ok := v.(json.Number); ok {
			return n, nil
		}
		return f.number.parse(scalarText(v))
	case f.date != nil:
		zone := f.zone
		if zone == nil {
			zone = m.zone
		}
		t, err := f.date.parse(scalarText(v), zone)
		if err != nil {
			return nil, err
		}
		return formatTime(t), nil
	case f.boolean:
		return parseBool(v)
	case f.object:
		return objectOf(v)
	}
	return v, nil
}

func objectOf(v any) (any, error) {
	if object, ok := v.(map[string]any); ok {
		return object, nil
	}
	object, err := parseObject([]byte(scalarText(v)))
	if err != nil {
		return nil, errors.New("is not a JSON object")
	}
	return object, nil
}

func parseBool(v any) (any, error) {
	switch strings.ToLower(scalarText(v)) {
	case "true", "yes", "y", "1", "x":
		return true, nil
	case "false", "no", "n", "0":
		return false, nil
	}
	return nil, errors.New("is neither yes nor no")
}

// parseAuto reads the times that programs write without being told how: ISO 8601, or seconds or
// milliseconds since 1970 with ten or thirteen digits.
func parseAuto(s string, zone *time.Location) (time.Time, error) {
	if digits(s) && (len(s) == 10 || len(s) == 13) {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return time.Time{}, errDate
		}
		if len(s) == 10 {
			n *= 1000
		}
		return time.UnixMilli(n), nil
	}
	return parseISO(s, zone)
}
