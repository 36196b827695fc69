package signal

import (
	"slices"
	"strings"
)

// merge joins phrases that act as one word ("sign off", "as soon as possible") into that word.
func (r *rules) merge(tokens []token) []token {
	out := tokens[:0:0]
	for i := 0; i < len(tokens); {
		t := tokens[i]
		t.lemma = r.base(t.form)
		n := r.merged(&t, tokens[i+1:])
		i += 1 + n
		if n > 0 {
			t.end = tokens[i-1].end
		}
		out = append(out, t)
	}
	return out
}

// merged replaces the token when a phrase begins with it; n is how many tokens more it takes.
func (r *rules) merged(t *token, rest []token) (n int) {
	for _, first := range [...]string{t.form, t.lemma} {
		for _, m := range r.merges[first] {
			if len(m.rest) > n && r.follows(m.rest, rest) {
				n, t.form, t.lemma = len(m.rest), m.into, m.into
			}
		}
	}
	return n
}

func (r *rules) follows(words []string, tokens []token) bool {
	if len(tokens) < len(words) {
		return false
	}
	for i, w := range words {
		if !slices.Contains(strings.Split(w, "|"), tokens[i].form) && w != r.base(tokens[i].form) {
			return false
		}
	}
	return true
}

// base finds the base form of a word among the words that the rules know; the word itself when there
// is none.
func (r *rules) base(form string) string {
	if b, ok := r.bases[form]; ok {
		return b
	}
	for _, ending := range [...]string{"s", "es", "d", "ed", "ing", "ly"} {
		stem, ok := strings.CutSuffix(form, ending)
		if !ok || len(stem) < 3 {
			continue
		}
		if b, ok := r.known(stem, ending); ok {
			return b
		}
	}
	return form
}

// known tries a stem and its usual spellings: plan(n)ing, pric(e)ing, polic(y)ies.
func (r *rules) known(stem, ending string) (string, bool) {
	tries := [...]string{stem, "", ""}
	last := len(stem) - 1
	switch {
	case ending == "ing" || ending == "ed":
		tries[1] = stem + "e"
		if stem[last] == stem[last-1] {
			tries[2] = stem[:last]
		}
		if stem[last] == 'i' {
			tries[2] = stem[:last] + "y"
		}
	case ending == "es" && stem[last] == 'i':
		tries[1] = stem[:last] + "y"
	case ending == "ly":
		tries[0] = ""
	}
	for _, t := range tries {
		if t != "" && r.vocabulary[t] != 0 {
			return t, true
		}
	}
	return "", false
}

// classify looks up the words and marks numbers, amounts and the beginnings of dates.
func (r *rules) classify(tokens []token) {
	for i := range tokens {
		t := &tokens[i]
		if t.stop {
			continue
		}
		t.ids = [2]int{r.vocabulary[t.form], r.vocabulary[t.lemma]}
		t.classes |= classAny | r.memberOf[t.ids[0]] | r.memberOf[t.ids[1]] | shapeOf(t.form)
	}
	r.amounts(tokens)
	for i := range tokens {
		if r.dateBegins(tokens[i:]) && !(r.ambiguousMonth(tokens, i)) {
			tokens[i].classes |= classWhen
		}
	}
}

// shapeOf recognises numbers and amounts by their look: 40, 1,500, 50k, $5000, 20eur.
func shapeOf(form string) uint64 {
	digits := strings.IndexAny(form, "0123456789")
	if digits < 0 {
		return 0
	}
	switch {
	case strings.ContainsAny(form, "$€£¥"):
		return classNumber | classMoney
	case digits > 0:
		return 0
	}
	switch strings.TrimLeft(form, "0123456789.,/") {
	case "k", "m", "mio", "usd", "eur", "gbp", "kusd", "keur", "mn":
		return classNumber | classMoney
	case "", "st", "nd", "rd", "th":
		return classNumber
	}
	return 0
}

// amounts marks numbers next to a currency or a thousand as money.
func (r *rules) amounts(tokens []token) {
	for i := range tokens {
		if tokens[i].is("million", "grand") {
			tokens[i].classes |= classNumber | classMoney
		}
		if tokens[i].classes&classNumber == 0 {
			continue
		}
		next := token{}
		if i+1 < len(tokens) {
			next = tokens[i+1]
		}
		if isCurrency(&next) ||
			next.is("thousand", "million", "mio") && i+2 < len(tokens) && isCurrency(&tokens[i+2]) ||
			i > 0 && tokens[i-1].is("usd", "eur", "gbp", "chf", "$", "€", "£") {
			tokens[i].classes |= classMoney
		}
	}
}

// isCurrency recognises a currency after its amount.
func isCurrency(t *token) bool {
	switch strings.TrimSuffix(t.form, "s") {
	case "usd", "eur", "euro", "dollar", "gbp", "pound", "buck", "grand", "chf", "k", "quid", "cad", "aud":
		return true
	}
	return false
}

// dateBegins says whether the tokens begin with a date or a period such as "the end of next quarter".
func (r *rules) dateBegins(tokens []token) bool {
	relative := false
	for i := range tokens[:min(len(tokens), 7)] {
		t := &tokens[i]
		switch {
		case t.has(r.dates) || isDate(t.form):
			return true
		case t.has(r.periods):
			next := i+1 < len(tokens)
			return relative && (!next || !tokens[i+1].is("ago", "later", "of")) || next && tokens[i+1].is("end")
		case t.has(r.dateWords):
			relative = relative || !t.is("the", "a", "an", "our", "of", "very", "my", "business", "working", "holiday", "calendar")
		case t.has(classNumber) && !t.has(classMoney):
			if strings.HasSuffix(t.form, "th") || strings.HasSuffix(t.form, "st") || strings.HasSuffix(t.form, "nd") {
				return true
			}
			relative = true
		default:
			return false
		}
	}
	return false
}

// isDate recognises 3/15, 15.11.2026, 2026-ish years and quarters.
func isDate(form string) bool {
	if len(form) == 2 && (form[0] == 'q' || form[0] == 'h') && form[1] >= '1' && form[1] <= '4' {
		return true
	}
	if len(form) == 4 && strings.HasPrefix(form, "fy") || len(form) == 4 && strings.HasPrefix(form, "20") && strings.Trim(form, "0123456789") == "" {
		return true
	}
	return strings.ContainsAny(form, "/.") && len(form) >= 3 && len(form) <= 10 && strings.Trim(form, "0123456789/.") == "" &&
		(strings.Contains(form, "/") || strings.Count(form, ".") == 2)
}

// ambiguousMonth tells the verbs may and march from the months.
func (r *rules) ambiguousMonth(tokens []token, i int) bool {
	t := &tokens[i]
	if !t.is("may", "march", "mar", "sun", "sat", "fall", "spring") {
		return false
	}
	if i > 0 && (tokens[i-1].is("in", "by", "before", "until", "till", "of", "for", "end", "mid", "early", "late", "from", "next", "this", "to", "after", "is", "be", "during", "since", "the", "on") || tokens[i-1].has(classNumber)) {
		return false
	}
	return i+1 >= len(tokens) || !tokens[i+1].has(classNumber)
}
