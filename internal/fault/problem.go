package fault

import (
	"fmt"
	"slices"
	"strings"
)

// Severity tells a refusal from advice.
type Severity uint8

// A document with an error is refused; one with only warnings is accepted.
const (
	SeverityError Severity = iota
	SeverityWarning
)

// String is the severity's name as printed.
func (s Severity) String() string {
	if s == SeverityWarning {
		return "warning"
	}
	return "error"
}

// Problem is one finding in a document that a person wrote.
type Problem struct {
	Severity Severity `json:"severity"`
	Code     string   `json:"code"`   // stable, such as "unknown_key"
	File     string   `json:"file"`   // as the person named it
	Line     int      `json:"line"`   // from 1; 0 when the whole document is meant
	Column   int      `json:"column"` // from 1, in characters
	Message  string   `json:"message"`
	Hint     string   `json:"hint,omitempty"`   // what to write instead
	Source   string   `json:"source,omitempty"` // the source line, without its newline
}

// MarshalText prints the severity by name in JSON.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a name that MarshalText wrote.
func (s *Severity) UnmarshalText(text []byte) error {
	for _, known := range []Severity{SeverityError, SeverityWarning} {
		if string(text) == known.String() {
			*s = known
			return nil
		}
	}
	return fmt.Errorf("%q is not a severity", text)
}

// String prints the problem as compilers do: position, message, source line, caret, hint.
func (p Problem) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d:%d: %s: %s", p.File, p.Line, p.Column, p.Severity, p.Message)
	if p.Source != "" {
		fmt.Fprintf(&b, "\n  %s\n  %s^", p.Source, caretPad(p.Source, p.Column))
	}
	if p.Hint != "" {
		fmt.Fprintf(&b, "\n  %s", p.Hint)
	}
	return b.String()
}

// caretPad repeats the tabs of the source line, so that the caret stands under its character
// whatever the width of a tab.
func caretPad(source string, column int) string {
	var b strings.Builder
	for i, r := range []rune(source) {
		if i >= column-1 {
			break
		}
		if r == '\t' {
			b.WriteByte('\t')
			continue
		}
		b.WriteByte(' ')
	}
	return b.String()
}

// Problems are all findings of one check. As an error, they count as [Invalid].
type Problems []Problem

// Error prints every problem, one after the other.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Err is the problems as an error when at least one of them refuses the document, else nil.
func (ps Problems) Err() error {
	if slices.ContainsFunc(ps, func(p Problem) bool { return p.Severity == SeverityError }) {
		return ps
	}
	return nil
}

// Sort orders by file, line and column; problems at one place keep their order.
func (ps Problems) Sort() {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		if c := strings.Compare(a.File, b.File); c != 0 {
			return c
		}
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
}
