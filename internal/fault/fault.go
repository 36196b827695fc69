// Package fault is how Cusp says that something went wrong.
//
// An [Error] has a [Kind] for machines, a message that may be shown to people, a hint that says what
// to do next, and a wrapped cause that is only logged. Everything that is not an [Error] counts as
// [Internal]. One table ([Kind.Status], [Kind.ExitCode], [Kind.Level], [Kind.Retry]) turns a kind into
// an HTTP status, an exit code, a log level and the answer to "may the caller try again?".
//
// A [Problem] is a finding in a document, with file, line and column; checkers return all of them at
// once as [Problems].
package fault

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
)

// Kind says what sort of failure an [Error] is.
type Kind uint8

// The kinds. Internal is the zero value: an error that nobody classified is ours.
const (
	Internal    Kind = iota // a broken invariant or an unclassified error; the user sees a request id
	Invalid                 // the input is wrong; repeating it changes nothing
	Unauthentic             // nobody is signed in, or the key is unknown
	Denied                  // signed in, but not allowed
	NotFound                // no such thing
	Conflict                // the thing exists already, or changed meanwhile
	TooLarge                // over a documented size limit
	Unsupported             // a content type or encoding that is not spoken here
	TooMany                 // over a rate limit; try again later
	Unavailable             // a dependency does not answer, or the outcome is unknown; try again
)

type meaning struct {
	name   string
	status int
	exit   int
	level  slog.Level
	retry  bool
}

var meanings = [...]meaning{
	Internal:    {"internal", http.StatusInternalServerError, 1, slog.LevelError, false},
	Invalid:     {"invalid", http.StatusUnprocessableEntity, 1, slog.LevelInfo, false},
	Unauthentic: {"unauthenticated", http.StatusUnauthorized, 1, slog.LevelInfo, false},
	Denied:      {"denied", http.StatusForbidden, 1, slog.LevelWarn, false},
	NotFound:    {"not_found", http.StatusNotFound, 1, slog.LevelInfo, false},
	Conflict:    {"conflict", http.StatusConflict, 1, slog.LevelInfo, false},
	TooLarge:    {"too_large", http.StatusRequestEntityTooLarge, 1, slog.LevelInfo, false},
	Unsupported: {"unsupported", http.StatusUnsupportedMediaType, 1, slog.LevelInfo, false},
	TooMany:     {"too_many", http.StatusTooManyRequests, 1, slog.LevelInfo, true},
	Unavailable: {"unavailable", http.StatusServiceUnavailable, 1, slog.LevelWarn, true},
}

func (k Kind) meaning() meaning {
	if int(k) < len(meanings) {
		return meanings[k]
	}
	return meanings[Internal]
}

// String is the kind's name on the wire.
func (k Kind) String() string { return k.meaning().name }

// Status is the HTTP status that tells a client about this kind.
func (k Kind) Status() int { return k.meaning().status }

// ExitCode is the exit code of a command that failed with this kind.
func (k Kind) ExitCode() int { return k.meaning().exit }

// Level is the level at which an edge logs this kind.
func (k Kind) Level() slog.Level { return k.meaning().level }

// Retry says whether the same request may succeed later.
func (k Kind) Retry() bool { return k.meaning().retry }

// Error is a failure that people and machines can act on.
type Error struct {
	Kind    Kind
	Code    string // stable and machine-readable, such as "unknown_write_key"; may be empty
	Message string // one sentence for people; never holds secrets
	Field   string // the input field at fault, in the caller's own terms; may be empty
	Hint    string // what to do next; may be empty
	Err     error  // the cause, logged and never shown
}

func (e *Error) Error() string {
	if e.Err == nil {
		return e.Message
	}
	if e.Message == "" {
		return e.Err.Error()
	}
	return e.Message + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// New makes an error of a kind with a formatted message.
func New(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// WithCode returns a copy with a stable code.
func (e *Error) WithCode(code string) *Error { c := *e; c.Code = code; return &c }

// WithField returns a copy that names the input field at fault.
func (e *Error) WithField(field string) *Error { c := *e; c.Field = field; return &c }

// WithHint returns a copy that says what to do next.
func (e *Error) WithHint(format string, args ...any) *Error {
	c := *e
	c.Hint = fmt.Sprintf(format, args...)
	return &c
}

// WithCause returns a copy that wraps err.
func (e *Error) WithCause(err error) *Error { c := *e; c.Err = err; return &c }

// KindOf is the kind of the first [Error] in err's chain; Internal when there is none.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	if _, ok := errors.AsType[Problems](err); ok {
		return Invalid
	}
	return Internal
}

// Is reports whether err is of the given kind.
func Is(err error, kind Kind) bool { return err != nil && KindOf(err) == kind }
