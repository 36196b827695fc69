package api

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"

	"cusp/internal/fault"
)

// Paging is the part of every list request that says which page.
type Paging struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"How many items a page has."`
	Cursor string `query:"cursor" maxLength:"1000" doc:"The next of the page before."`
}

// Page is one page of a list.
type Page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next" doc:"The cursor of the next page; empty on the last one."`
}

// list names a list with its filters, so that a cursor of another list is recognised.
func list(name string, filters ...string) string {
	return name + "\x00" + strings.Join(filters, "\x00")
}

// page cuts what was read, one item more than the page has, and makes the cursor of the next page from
// the key of the last item.
func page[T any](items []T, limit int, of string, key func(T) string) Page[T] {
	out := Page[T]{Items: items}
	if out.Items == nil {
		out.Items = []T{}
	}
	if len(items) > limit {
		out.Items = items[:limit]
		out.Next = writeCursor(of, key(items[limit-1]))
	}
	return out
}

// writeCursor hides a key behind a checksum over the list it belongs to. It keeps nothing secret: it
// keeps cursors from being used where they have no meaning.
func writeCursor(of, key string) string {
	sum := binary.BigEndian.AppendUint64(nil, xxhash.Sum64String(of+"\x01"+key))
	return base64.RawURLEncoding.EncodeToString(append(sum, key...))
}

// readCursor is the key in a cursor; empty for an empty cursor.
func readCursor(of, cursor string) (string, error) {
	if cursor == "" {
		return "", nil
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || len(raw) < 9 || writeCursor(of, string(raw[8:])) != cursor {
		return "", fault.New(fault.Invalid, "this cursor is not one of this list").WithCode("foreign_cursor").
			WithField("query.cursor").WithHint("use the next of the page before, with the same filters, or leave the cursor out")
	}
	return string(raw[8:]), nil
}

// readNumber is the number in a cursor; first for an empty cursor.
func readNumber(of, cursor string, first int64) (int64, error) {
	key, err := readCursor(of, cursor)
	if err != nil || key == "" {
		return first, err
	}
	n, err := strconv.ParseInt(key, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read cursor: %w", err)
	}
	return n, nil
}
