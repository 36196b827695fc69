package ingest

import (
	"bytes"
	"unicode"
	"unicode/utf8"

	"cusp/internal/canon"
	"cusp/internal/lead"
)

// firstOf is the first node that is there and not null.
func firstOf(nodes ...canon.Node) canon.Node {
	for _, n := range nodes {
		if n.Kind() > canon.Null {
			return n
		}
	}
	return canon.Node{}
}

// identifier is an id as text. Callers send numbers, null and "" too; blank text identifies nobody.
func identifier(n canon.Node) string {
	if blank(n.Bytes()) {
		return ""
	}
	return n.Text()
}

func blank(text []byte) bool {
	return len(bytes.TrimFunc(text, func(r rune) bool { return unicode.IsSpace(r) || r == '\u200B' || r == '\uFEFF' })) == 0
}

// cut is text shortened to a number of characters.
func cut(n canon.Node, most int) string {
	if n.Kind() != canon.String {
		return ""
	}
	text := n.Bytes()
	if len(text) <= most {
		return string(text)
	}
	end := 0
	for range most {
		_, size := utf8.DecodeRune(text[end:])
		if end += size; end >= len(text) {
			break
		}
	}
	return string(text[:end])
}

// randomAnonymous reports whether the anonymousId is one that RudderStack's Go SDK makes up for every
// message that has none. An identify or alias is left alone by the SDK, so theirs is meant.
func randomAnonymous(m canon.Node, t lead.EventType) bool {
	return t != lead.Identify && t != lead.Alias && string(m.Get("context", "library", "name").Bytes()) == "analytics-go"
}

// fromDevice reports whether a message comes from the device of a visitor, so that the address of the
// connection is the visitor's: by its library, or because it says so. Nothing is guessed: a program that
// calls the API by hand may speak for others.
func fromDevice(m canon.Node) bool {
	if m.Get("context", "direct").Kind() == canon.True {
		return true
	}
	switch string(m.Get("context", "library", "name").Bytes()) {
	case "analytics.js", "RudderLabs JavaScript SDK", "@jitsu/js", "analytics-kotlin", "analytics-swift",
		"analytics-android", "analytics-ios", "analytics-react-native":
		return m.Get("context", "library", "env").Text() != "node"
	}
	return false
}

// pagePath is the path of the page that a message speaks of, without the query.
func pagePath(m canon.Node) string {
	page, properties := m.Get("context", "page"), m.Get("properties")
	for _, n := range [...]canon.Node{page.Get("path"), properties.Get("path")} {
		if n.Kind() == canon.String && len(n.Bytes()) > 0 {
			return cleanPath(n.Bytes())
		}
	}
	for _, n := range [...]canon.Node{page.Get("url"), properties.Get("url")} {
		if n.Kind() == canon.String && len(n.Bytes()) > 0 {
			return cleanPath(pathOf(n.Bytes()))
		}
	}
	return ""
}

// pathOf cuts scheme and host off a URL.
func pathOf(url []byte) []byte {
	_, rest, found := bytes.Cut(url, []byte("://"))
	if !found {
		return url
	}
	if i := bytes.IndexAny(rest, "/?#"); i >= 0 {
		return rest[i:]
	}
	return nil
}

// cleanPath drops query and fragment and begins with a slash.
func cleanPath(path []byte) string {
	if i := bytes.IndexAny(path, "?#"); i >= 0 {
		path = path[:i]
	}
	for len(path) > maxPath || !utf8.Valid(path) {
		path = path[:min(maxPath, len(path)-1)]
	}
	if len(path) == 0 || path[0] != '/' {
		return "/" + string(path)
	}
	return string(path)
}
