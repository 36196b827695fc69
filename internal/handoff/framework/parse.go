package framework

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"cusp/internal/fault"
	"cusp/internal/lead"
)

// Parse reads what a rep filled in: keys with true, false, a number, a text, or an object with standing
// and value. An unknown key or a value that means nothing is refused, naming what is known.
func Parse(answers map[string]any, by string, at lead.Instant) ([]Fact, error) {
	for name := range answers {
		if !slices.Contains(Keys(), Key(name)) {
			return nil, fault.New(fault.Invalid, "%q is no fact of a framework.", Clean(name, 40)).WithCode("unknown_fact").
				WithField("framework."+Clean(name, 40)).WithHint("Known are %s.", known())
		}
	}
	var out []Fact
	for _, key := range Keys() {
		value, given := answers[string(key)]
		if !given || value == nil {
			continue
		}
		f, ok := read(key, value)
		if !ok {
			return nil, fault.New(fault.Invalid, "%s says nothing.", key).WithCode("empty_fact").WithField("framework." + string(key)).
				WithHint(`Write true, false, an amount, a text, or {"standing": "yes", "value": "…"}; leave out what is unknown.`)
		}
		f.Source, f.By, f.At = Rep, by, at
		out = append(out, f)
	}
	return out, nil
}

func known() string {
	names := make([]string, 0, len(Keys()))
	for _, k := range Keys() {
		names = append(names, string(k))
	}
	return strings.Join(names, ", ")
}

// read takes a value in, as a form or a rep gives it; ok is false when it says nothing.
func read(key Key, value any) (f Fact, ok bool) {
	f = Fact{Key: key, Standing: Yes}
	switch v := value.(type) {
	case bool:
		if !v {
			f.Standing = No
		}
		return f, true
	case float64:
		f.Value, f.Amount = strconv.FormatFloat(v, 'f', -1, 64), v
		if v == 0 {
			f.Standing = No
		}
		return f, v >= 0
	case string:
		f.Value = Clean(v, maxValue)
		if f.Standing, ok = meant(f.Value); bare(f.Value) {
			f.Value = ""
		}
		return f, ok
	case map[string]any:
		return readObject(key, v)
	}
	return f, false
}

func readObject(key Key, v map[string]any) (Fact, bool) {
	f := Fact{Key: key, Standing: Yes}
	if inner, given := v["value"]; given {
		if _, nested := inner.(map[string]any); nested {
			return f, false
		}
		var ok bool
		if f, ok = read(key, inner); !ok {
			return f, false
		}
	}
	if standing, given := v["standing"]; given {
		s, _ := standing.(string)
		f.Standing = Standing(s)
	} else if f.Value == "" && f.Amount == 0 {
		return f, false
	}
	return f, slices.Contains([]Standing{Yes, Partly, No}, f.Standing)
}

// meant is what a text in a field means: refusals and blanks stand in many forms under the same few words.
func meant(text string) (Standing, bool) {
	switch strings.ToLower(strings.Trim(text, " .!-?")) {
	case "", "n/a", "na", "unknown", "not sure", "don't know", "i don't know", "select", "please select", "choose", "other":
		return "", false
	case "no", "none", "false", "not yet", "no budget", "nobody", "no authority", "0":
		return No, true
	case "partly", "partially", "shared", "influencer", "recommender", "evaluator", "end user", "user":
		return Partly, true
	}
	return Yes, true
}

// bare says whether a text says yes or no and nothing else.
func bare(text string) bool {
	return slices.Contains([]string{"yes", "no", "true", "false"}, strings.ToLower(text))
}

// Clean makes one line of at most so many characters out of text from outside: white space becomes single
// spaces, and what cannot be seen or turns the direction of writing is left out.
func Clean(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case r == utf8.RuneError || !unicode.IsPrint(r):
			return -1
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	cut := []rune(text)[:most-1]
	return strings.TrimRight(string(cut), " ") + "…"
}
