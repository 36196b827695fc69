package table

import (
	"strings"
	"unicode"
)

// Guard makes a text cell safe to open in a spreadsheet: every line that a spreadsheet could take for a
// formula gets an apostrophe in front. [Unguard] is its exact inverse, so that an export imports again
// without loss.
func Guard(cell string) string {
	return eachLine(cell, func(line string) string {
		if formula(line) {
			return "'" + line
		}
		return line
	})
}

// Unguard takes away what [Guard] added.
func Unguard(cell string) string {
	return eachLine(cell, func(line string) string {
		if rest, ok := strings.CutPrefix(line, "'"); ok && formula(rest) {
			return rest
		}
		return line
	})
}

// eachLine applies f to the pieces between line breaks and keeps the breaks as they are.
func eachLine(cell string, f func(string) string) string {
	if !strings.ContainsAny(cell, "=+-@'\uFF1D\uFF0B\uFF0D\uFF20") {
		return cell
	}
	var b strings.Builder
	for {
		i := strings.IndexAny(cell, "\r\n")
		if i < 0 {
			b.WriteString(f(cell))
			return b.String()
		}
		b.WriteString(f(cell[:i]))
		b.WriteByte(cell[i])
		cell = cell[i+1:]
	}
}

// formula reports whether a line begins like a formula after what spreadsheets skip. Apostrophes are
// skipped too: that makes the guard of a guarded line a second apostrophe, and Unguard exact.
func formula(line string) bool {
	rest := strings.TrimLeftFunc(line, func(r rune) bool {
		return r == '\'' || unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r)
	})
	for _, r := range rest {
		return strings.ContainsRune("=+-@\uFF1D\uFF0B\uFF0D\uFF20", r)
	}
	return false
}
