package signal

import (
	_ "embed" // the rules are a text of their own
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
)

//go:embed text.rules
var ruleText string

//go:embed reply.rules
var replyText string

// The rules are compiled at first use.
var (
	builtInRules = sync.OnceValue(func() *rules { return mustRules(ruleText) })
	replyRules   = sync.OnceValue(func() *rules { return mustRules(ruleText + replyText) })
)

// mustRules compiles rules of ours: one that does not compile is a mistake that the tests find.
func mustRules(text string) *rules {
	r, err := parseRules(text)
	if err != nil {
		panic(err)
	}
	return r
}

// mode says how the surroundings of a match change its meaning.
type mode byte

const (
	states     mode = '+' // a statement: questions, suppositions and other people void it, denials turn it
	requests   mode = '?' // the same, but a question is no obstacle
	certain    mode = '=' // a fixed phrase: denials around it are part of it
	denies     mode = '-' // the phrase denies the kind
	vetoes     mode = 'x' // where this stands, the kind is not meant
	shadows    mode = 'o' // the words of this phrase mean something else
	asksAbout  mode = 'q' // a question or a wish to know; suppositions are no obstacle
	inQuestion mode = 'k' // the same, only in what is grammatically a question
)

// rule is one pattern with what it means.
type rule struct {
	kind    Kind // empty for every kind
	mode    mode
	pattern []element
	anchor  *element // a later element without which the pattern cannot match
	text    string
	reply   bool // of [Reply], not of [Read]
}

// Special classes are computed from the token and its neighbours.
const (
	classNumber uint64 = 1 << iota
	classMoney
	classWhen // a date begins here
	classAny
	firstClass // the first bit of a class of words
)

// rules is the compiled text of text.rules.
type rules struct {
	vocabulary map[string]int
	classOf    map[string]uint64 // bits by name
	memberOf   []uint64          // classes by word id
	typos      map[string]string
	merges     map[string][]merge
	bases      map[string]string // irregular forms
	all        []rule
	byWord     map[int][]int    // rules by a word that begins them
	byClass    map[uint64][]int // rules by a special class that begins them

	deny, harmless, others, breaks, doubts, modals, pending uint64
	dates, periods, dateWords, openers, helpers, persons    uint64
	strangers, polite, subjects, later, waiting, they       uint64
}

type merge struct {
	rest []string
	into string
}

func parseRules(text string) (*rules, error) {
	r := &rules{
		vocabulary: map[string]int{}, classOf: map[string]uint64{
			"number": classNumber, "money": classMoney, "when": classWhen, "any": classAny,
		},
		memberOf: []uint64{0}, typos: map[string]string{}, merges: map[string][]merge{}, bases: map[string]string{},
		byWord: map[int][]int{}, byClass: map[uint64][]int{},
	}
	kind := Kind("")
	for n, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if line[0] == '[' {
			kind = Kind(strings.Trim(line, "[]"))
			continue
		}
		if err := r.line(kind, line); err != nil {
			return nil, fmt.Errorf("rules, line %d: %w", n+1, err)
		}
	}
	r.name()
	return r, nil
}

// name looks up the classes that the code itself speaks of.
func (r *rules) name() {
	for name, bit := range map[string]*uint64{
		"deny": &r.deny, "harmless": &r.harmless, "others": &r.others, "breaks": &r.breaks, "doubts": &r.doubts,
		"modals": &r.modals, "pending": &r.pending, "dates": &r.dates, "periods": &r.periods,
		"datewords": &r.dateWords, "openers": &r.openers, "helpers": &r.helpers, "persons": &r.persons, "strangers": &r.strangers, "polite": &r.polite, "subjects": &r.subjects, "later": &r.later, "waiting": &r.waiting, "they": &r.they,
	} {
		*bit = r.classOf[name]
	}
}

func (r *rules) line(kind Kind, line string) error {
	head, rest, _ := strings.Cut(line, " ")
	switch {
	case head[0] == '@':
		return r.class(head[1:], strings.Fields(strings.TrimPrefix(strings.TrimSpace(rest), "=")))
	case head == "~":
		return r.addMerge(rest)
	case head == "%":
		return r.pair(rest, r.typos)
	case head == "<":
		return r.pair(rest, r.bases)
	case len(head) == 1 && strings.Contains("+?=-xoqk", head):
		return r.rule(kind, mode(head[0]), rest)
	}
	return fmt.Errorf("unknown line %q", line)
}

// pair reads "base: this that …".
func (r *rules) pair(rest string, into map[string]string) error {
	base, forms, ok := strings.Cut(rest, ":")
	if !ok {
		return fmt.Errorf("no colon in %q", rest)
	}
	for form := range strings.FieldsSeq(forms) {
		into[form] = strings.TrimSpace(base)
	}
	return nil
}

func (r *rules) addMerge(rest string) error {
	from, into, ok := strings.Cut(rest, "=")
	words := strings.Fields(from)
	if !ok || len(words) < 2 {
		return fmt.Errorf("no merge: %q", rest)
	}
	into = strings.TrimSpace(into)
	r.word(into)
	for first := range strings.SplitSeq(words[0], "|") {
		r.word(first)
		r.merges[first] = append(r.merges[first], merge{words[1:], into})
	}
	for _, w := range words[1:] {
		for alternative := range strings.SplitSeq(w, "|") {
			r.word(alternative)
		}
	}
	return nil
}

func (r *rules) word(w string) int {
	id, ok := r.vocabulary[w]
	if !ok {
		id = len(r.memberOf)
		r.vocabulary[w] = id
		r.memberOf = append(r.memberOf, 0)
	}
	return id
}

// class defines or extends a class of words; "@other" among the words includes another class.
func (r *rules) class(name string, words []string) error {
	bit, ok := r.classOf[name]
	if !ok {
		if len(r.classOf) >= 64 {
			return errors.New("more than 64 classes")
		}
		bit = 1 << len(r.classOf)
		r.classOf[name] = bit
	}
	for _, w := range words {
		if inner, ok := strings.CutPrefix(w, "@"); ok {
			from := r.classOf[inner]
			if from == 0 {
				return fmt.Errorf("unknown class %q", inner)
			}
			for id := range r.memberOf {
				if r.memberOf[id]&from != 0 {
					r.memberOf[id] |= bit
				}
			}
			continue
		}
		r.memberOf[r.word(w)] |= bit
	}
	return nil
}

func (r *rules) rule(kind Kind, m mode, text string) error {
	pattern, err := r.compile(text)
	if err != nil {
		return err
	}
	n := len(r.all)
	r.all = append(r.all, rule{kind, m, pattern, anchorOf(pattern), text, strings.HasPrefix(string(kind), "reply_")})
	first := &pattern[0]
	if first.edge == atStart && len(pattern) > 1 {
		first = &pattern[1]
	}
	if first.optional || first.not || first.gap > 0 || first.edge != noEdge || first.classes&classAny != 0 {
		return fmt.Errorf("rule %q does not begin with a word", text)
	}
	for _, id := range slices.Concat(first.words, first.forms) {
		r.byWord[id] = append(r.byWord[id], n)
	}
	for id, classes := range r.memberOf {
		if classes&first.classes != 0 {
			r.byWord[id] = append(r.byWord[id], n)
		}
	}
	for _, special := range [...]uint64{classNumber, classMoney, classWhen} {
		if first.classes&special != 0 {
			r.byClass[special] = append(r.byClass[special], n)
		}
	}
	return nil
}

// anchorOf is the element after the first that the fewest words fit; nil when none must be there.
func anchorOf(pattern []element) *element {
	var anchor *element
	for i := range pattern {
		e := &pattern[i]
		if i == 0 || e.optional || e.not || e.edge != noEdge {
			continue
		}
		if anchor == nil || e.classes == 0 && anchor.classes != 0 || len(e.words) < len(anchor.words) {
			anchor = e
		}
	}
	return anchor
}

// compile reads a pattern: words, a|b, @class, =form, word?, ..3 (a gap), ,,3 (a gap over commas), !word, ^ and $.
func (r *rules) compile(text string) ([]element, error) {
	var out []element
	gap, far := 0, false
	for field := range strings.FieldsSeq(text) {
		if n, ok := gapOf(field); ok {
			gap, far = n, strings.HasPrefix(field, ",,")
			continue
		}
		e := element{gap: gap, far: far}
		gap, far = 0, false
		switch field {
		case "^":
			e.edge = atStart
		case "$":
			e.edge = atEnd
		default:
			if err := r.alternatives(&e, field); err != nil {
				return nil, err
			}
		}
		out = append(out, e)
	}
	if len(out) == 0 || gap > 0 {
		return nil, fmt.Errorf("rule %q is not complete", text)
	}
	return out, nil
}

func gapOf(field string) (int, bool) {
	if !strings.HasPrefix(field, "..") && !strings.HasPrefix(field, ",,") {
		return 0, false
	}
	n, err := strconv.Atoi(field[2:])
	return n, err == nil
}

func (r *rules) alternatives(e *element, field string) error {
	field, e.not = strings.CutPrefix(field, "!")
	if cut, ok := strings.CutSuffix(field, "?"); ok {
		field, e.optional = cut, true
	}
	for a := range strings.SplitSeq(field, "|") {
		if name, ok := strings.CutPrefix(a, "@"); ok {
			bit := r.classOf[name]
			if bit == 0 {
				return fmt.Errorf("unknown class %q", name)
			}
			e.classes |= bit
			continue
		}
		if form, ok := strings.CutPrefix(a, "="); ok {
			e.forms = append(e.forms, r.word(form))
			continue
		}
		e.words = append(e.words, r.word(a))
	}
	return nil
}
