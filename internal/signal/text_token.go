package signal

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// token is one word or mark of a text, normalised for the rules.
type token struct {
	form       string // lower case, typing errors mended
	lemma      string // base form, where the rules know it
	ids        [2]int // of form and lemma in the rules' vocabulary; 0 when it has none
	classes    uint64 // bit set of the rules' word classes and the special ones
	start, end int    // bytes of the text
	stop       bool   // a comma, colon, dash or bracket: no pattern gap reaches over it
}

// sentence is a run of tokens that ends with a full stop, a question mark or a line's end.
type sentence struct {
	tokens   []token
	question bool
	asks     int // index of the token from which the sentence is a question; len(tokens) for none
}

// is reports whether the token is one of the words.
func (t *token) is(words ...string) bool {
	for _, w := range words {
		if t.lemma == w || t.form == w {
			return true
		}
	}
	return false
}

// has reports whether the token is of any of the classes.
func (t *token) has(classes uint64) bool { return t.classes&classes != 0 }

// lexer cuts a text into sentences.
type lexer struct {
	rules *rules
	text  string
	at    int
	out   []sentence
	now   sentence
}

func (l *lexer) run(from, to int) {
	l.at = from
	for l.at < to {
		r, size := utf8.DecodeRuneInString(l.text[l.at:to])
		switch {
		case isWordRune(r) || isMoneySign(r):
			l.word(to)
			continue
		case r == '\n':
			l.line(to)
		case r == '.' || r == '!' || r == '?' || r == ';' || r == '…':
			l.mark(r, l.at+size, to)
		case r == ',' || r == ':' || r == '(' || r == ')' || r == '–' || r == '—' || r == '"' || r == '“' || r == '”':
			l.stop(size)
		case r == '-' && l.spaced(to):
			l.stop(size)
		}
		l.at += size
	}
	l.end(false)
}

func isWordRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

func isMoneySign(r rune) bool { return r == '$' || r == '€' || r == '£' || r == '¥' }

// spaced tells a dash between words from a hyphen inside one.
func (l *lexer) spaced(to int) bool {
	before := l.at == 0 || l.text[l.at-1] == ' ' || l.text[l.at-1] == '-' || l.text[l.at-1] == '\n'
	after := l.at+1 >= to || l.text[l.at+1] == ' ' || l.text[l.at+1] == '-'
	return before && after
}

func (l *lexer) stop(size int) {
	if len(l.now.tokens) > 0 {
		l.now.tokens = append(l.now.tokens, token{form: ",", lemma: ",", start: l.at, end: l.at + size, stop: true})
	}
}

// mark ends the sentence, unless the mark stands inside a number or a name such as acme.com.
func (l *lexer) mark(r rune, next, to int) {
	if r == '.' && next < to {
		if after, _ := utf8.DecodeRuneInString(l.text[next:to]); isWordRune(after) {
			return
		}
	}
	if n := len(l.now.tokens); r == '.' && n > 0 && abbreviations[l.now.tokens[n-1].form] {
		return
	}
	l.end(r == '?')
}

// abbreviations end with a full stop that ends no sentence.
var abbreviations = map[string]bool{
	"approx": true, "ca": true, "incl": true, "excl": true, "max": true, "min": true, "mr": true, "mrs": true, "ms": true, "dr": true,
	"e.g": true, "i.e": true, "eg": true, "ie": true, "vs": true, "st": true, "jan": true, "feb": true, "aug": true, "sept": true,
	"oct": true, "nov": true, "dec": true, "dept": true, "mgmt": true, "mgr": true,
}

// line ends the sentence at a line's end, unless the text was only wrapped there.
func (l *lexer) line(to int) {
	rest := l.text[l.at+1 : to]
	next, _ := utf8.DecodeRuneInString(rest)
	if len(l.now.tokens) > 4 && unicode.IsLower(next) {
		return
	}
	l.end(false)
}

func (l *lexer) end(question bool) {
	if len(l.now.tokens) == 0 {
		if question && len(l.out) > 0 {
			l.out[len(l.out)-1].question = true
		}
		return
	}
	l.now.question = question
	l.out = append(l.out, l.now)
	l.now = sentence{}
}

// word reads a word or an amount; marks inside it such as 1,500 or 2.5 belong to it.
func (l *lexer) word(to int) {
	start := l.at
	for l.at < to {
		r, size := utf8.DecodeRuneInString(l.text[l.at:to])
		if !isWordRune(r) && !isMoneySign(r) && !l.inner(r, l.at+size, to) {
			break
		}
		l.at += size
	}
	l.add(l.text[start:l.at], start, l.at)
}

// inner says whether a mark between two letters or digits belongs to the word.
func (l *lexer) inner(r rune, next, to int) bool {
	if next >= to || l.at == 0 {
		return false
	}
	after, _ := utf8.DecodeRuneInString(l.text[next:to])
	before := l.text[l.at-1]
	digits := before >= '0' && before <= '9' && unicode.IsDigit(after)
	switch r {
	case '\'', '’', '`':
		return unicode.IsLetter(after)
	case '.', ',', '/':
		return digits
	}
	return false
}

// longest is how many words a sentence has at most. Longer ones are cut, so that weighing its matches
// against each other stays cheap and reading takes time linear in the text.
const longest = 120

func (l *lexer) add(word string, start, end int) {
	if len(l.now.tokens) >= longest {
		l.end(false)
	}
	form := strings.ToLower(word)
	form = straight(form)
	if mended, ok := l.rules.typos[form]; ok {
		form = mended
	}
	for part := range strings.FieldsSeq(expand(form)) {
		l.now.tokens = append(l.now.tokens, token{form: part, start: start, end: end})
	}
}

// straight writes every apostrophe the same way.
func straight(form string) string {
	if !strings.ContainsAny(form, "’`") {
		return form
	}
	return strings.ReplaceAll(strings.ReplaceAll(form, "’", "'"), "`", "'")
}

// expand writes contractions out: don't becomes "do not".
func expand(form string) string {
	if whole, ok := contractions[form]; ok {
		return whole
	}
	head, tail, ok := strings.Cut(form, "'")
	if !ok {
		return form
	}
	switch tail {
	case "t":
		return strings.TrimSuffix(head, "n") + " not"
	case "ve":
		return head + " have"
	case "re", "m":
		return head + " be"
	case "ll":
		return head + " will"
	case "d":
		return head + " would"
	case "s":
		if pronounLike[head] {
			return head + " be"
		}
		return head + " 's"
	}
	return head + tail
}

// contractions are those that the apostrophe alone does not explain, and those typed without one.
var contractions = map[string]string{
	"can't": "can not", "cannot": "can not", "won't": "will not", "shan't": "shall not", "ain't": "be not",
	"dont": "do not", "doesnt": "does not", "didnt": "did not", "cant": "can not", "wont": "will not",
	"isnt": "is not", "arent": "are not", "wasnt": "was not", "werent": "were not", "havent": "have not",
	"hasnt": "has not", "hadnt": "had not", "couldnt": "could not", "wouldnt": "would not", "shouldnt": "should not",
	"im": "i be", "ive": "i have", "weve": "we have", "youre": "you be", "theyre": "they be", "thats": "that be",
	"whats": "what be", "hows": "how be", "theres": "there be", "lets": "let us", "gotta": "have to",
	"gonna": "be going to", "wanna": "want to", "its": "its", "id": "i would", "let's": "let us", "w/o": "without",
	"nothing's": "nothing be", "everything's": "everything be", "money's": "money be", "budget's": "budget be",
	"project's": "project be", "o'clock": "oclock", "y'all": "you", "ok'd": "okay", "i'd": "i would", "we'd": "we would",
	"asap": "asap",
}

var pronounLike = map[string]bool{
	"it": true, "that": true, "there": true, "he": true, "she": true, "what": true, "how": true, "who": true,
	"where": true, "when": true, "here": true, "this": true, "which": true,
}
