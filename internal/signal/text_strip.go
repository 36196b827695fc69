package signal

import (
	"regexp"
	"strings"
)

// own finds the parts of a message that its sender wrote now: no quoted mail, no signature. It returns
// byte ranges of the text.
func own(text string) [][2]int {
	var keep [][2]int
	at, from := 0, 0
	for at <= len(text) && at < len(text) {
		line, next := lineAt(text, at)
		trimmed := strings.TrimSpace(line)
		switch {
		case startsQuote(text, at, trimmed), startsSignature(trimmed, text[next:], at > 0):
			return appendRange(keep, from, at)
		case strings.HasPrefix(trimmed, ">"):
			keep = appendRange(keep, from, at)
			from = next
		}
		at = next
	}
	return appendRange(keep, from, len(text))
}

func appendRange(ranges [][2]int, from, to int) [][2]int {
	if from >= to {
		return ranges
	}
	return append(ranges, [2]int{from, to})
}

func lineAt(text string, at int) (line string, next int) {
	n := strings.IndexByte(text[at:], '\n')
	if n < 0 {
		return text[at:], len(text)
	}
	return strings.TrimSuffix(text[at:at+n], "\r"), at + n + 1
}

// Patterns are RE2 and bounded to one line: no input makes them slow.
var (
	wroteLine    = regexp.MustCompile(`(?i)^(on|am|le|el) .{4,200}( wrote| schrieb| a écrit| escribió)?.{0,100}(wrote|schrieb|écrit|escribió)\s*:?\s*$`)
	wroteHead    = regexp.MustCompile(`(?i)^on (mon|tue|wed|thu|fri|sat|sun|\d{1,2}[./ ]|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)`)
	wroteInside  = regexp.MustCompile(`(?i)^on (mon|tue|wed|thu|fri|sat|sun|\d{1,2}[./ ]|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec).{4,120}\bwrote:`)
	originalLine = regexp.MustCompile(`(?i)^(-{2,}|_{5,}|\*{3,}) ?(original|forwarded|begin forwarded|reply|weitergeleitet)?`)
	closingLine  = regexp.MustCompile(`(?i)^((kind|best|warm|many|with best|with kind)?\s*(regards|wishes|rgds|greetings)|best|cheers|sincerely|yours (truly|sincerely|faithfully)|thanks and regards|thx|br|kr|vg|mfg|all the best|warmly|respectfully|cordially|sent from my [a-z ]+|get outlook for [a-z]+)\s*[,.!–-]*\s*$`)
)

// startsQuote recognises the line with which mail programs introduce what they quote.
func startsQuote(text string, at int, line string) bool {
	switch {
	case line == "":
		return false
	case wroteLine.MatchString(line) || wroteInside.MatchString(line):
		return true
	case strings.HasPrefix(line, "From:") && headerFollows(text, at):
		return true
	case originalLine.MatchString(line) && strings.ContainsAny(line, "-_*") && strings.Contains(strings.ToLower(line), "original message"),
		strings.Contains(strings.ToLower(line), "forwarded message") && strings.HasPrefix(line, "-"):
		return true
	}
	return wroteHead.MatchString(line) && wrappedWrote(text, at)
}

// wrappedWrote sees "On … wrote:" broken over two lines.
func wrappedWrote(text string, at int) bool {
	_, next := lineAt(text, at)
	second, _ := lineAt(text, next)
	return next < len(text) && strings.HasSuffix(strings.TrimSpace(second), "wrote:")
}

// headerFollows sees the block of a quoted message's head: From, Sent or Date, To, Subject.
func headerFollows(text string, at int) bool {
	_, next := lineAt(text, at)
	second, _ := lineAt(text, next)
	for _, head := range [...]string{"Sent:", "Date:", "To:", "Subject:", "Cc:"} {
		if strings.HasPrefix(strings.TrimSpace(second), head) {
			return true
		}
	}
	return false
}

// startsSignature recognises "-- " and a closing formula; a formula is one only when little follows it.
func startsSignature(line, rest string, later bool) bool {
	if line == "--" || line == "—" || line == "__" {
		return true
	}
	return later && closingLine.MatchString(line) && len(rest) < 1000
}
