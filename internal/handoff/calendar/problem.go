package calendar

import (
	"fmt"
	"slices"
	"strings"

	"cusp/internal/fault"
)

// Problem is a fault in a [Spec] or an [Absence].
type Problem struct {
	Field   string `json:"field"` // such as hours.mon[0]
	Code    string `json:"code"`  // stable, such as "unknown_zone"
	Message string `json:"message"`
	Hint    string `json:"hint"` // what to write instead
}

// String is the problem on one line.
func (p Problem) String() string {
	text := p.Message + "; " + p.Hint
	if p.Field == "" {
		return text
	}
	return p.Field + ": " + text
}

// Problems are all faults of one document, in its order. As an error they are of the kind [fault.Invalid].
type Problems []Problem //nolint:errname // a list first, as in package fault

// Error prints every problem on a line of its own.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Unwrap lets [fault.KindOf] see the kind, and edges the first field.
func (ps Problems) Unwrap() error {
	if len(ps) == 0 {
		return nil
	}
	return fault.New(fault.Invalid, "%s", ps.Error()).WithCode(ps[0].Code).WithField(ps[0].Field).WithHint("%s", ps[0].Hint)
}

// Err is the problems as an error, nil when there are none.
func (ps Problems) Err() error {
	if len(ps) == 0 {
		return nil
	}
	return ps
}

// add puts a problem, if there is one, at a field.
func (ps Problems) add(field string, p *Problem) Problems {
	if p == nil {
		return ps
	}
	return append(ps, Problem{field, p.Code, p.Message, p.Hint})
}

// quoted cuts what a person wrote to a length that fits into a message.
func quoted(text string) string {
	if r := []rune(text); len(r) > 40 {
		text = string(r[:40]) + "…"
	}
	return fmt.Sprintf("%q", text)
}

// nearest are up to n candidates that a person may have meant by word, the likeliest first. A word that is a
// part of a candidate counts as near.
func nearest(word string, candidates []string, n int) []string {
	type guess struct {
		name string
		far  int
	}
	word = strings.ToLower(strings.ReplaceAll(strings.TrimSpace(word), " ", "_"))
	limit := 1 + len(word)/4
	var guesses []guess
	for _, c := range candidates {
		lower := strings.ToLower(c)
		far := distance(word, lower)
		if _, city, ok := cutLast(lower); ok {
			far = min(far, 1+distance(word, city))
		}
		if far <= limit {
			guesses = append(guesses, guess{c, far})
		}
	}
	slices.SortStableFunc(guesses, func(a, b guess) int { return a.far - b.far })
	var names []string
	for _, g := range guesses[:min(n, len(guesses))] {
		names = append(names, g.name)
	}
	return names
}

// cutLast splits Area/City at the last stroke.
func cutLast(s string) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, '/')
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

// distance is the number of insertions, deletions and substitutions between two words.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return len(a) + len(b)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
