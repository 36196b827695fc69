package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"cusp/internal/fault"
)

// Process is everything that a command touches outside of itself.
type Process struct {
	Program string   // what the program was called as; empty for cusp
	Args    []string // without the program's name
	Environ []string // NAME=value
	Stdin   io.Reader
	Stdout  io.Writer
	Stderr  io.Writer
	TempDir string // for throw-away files; empty for the system's
	IsTTY   bool   // standard error is a terminal: progress may be shown
	Now     func() time.Time
	Version Version
}

// Version is what was built.
type Version struct {
	Version string `json:"version"`
	Commit  string `json:"commit"`
	Go      string `json:"go"`
}

// The exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// usageError is a command line that makes no sense.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// usage makes a wrong-usage error.
func usage(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// Main runs the command line of p and returns its exit code. The context ends when the user interrupts.
func Main(ctx context.Context, p *Process) int {
	root := newRoot(p)
	root.SetArgs(p.Args)
	root.SetIn(p.Stdin)
	root.SetOut(p.Stdout)
	root.SetErr(p.Stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	if _, silent := errors.AsType[*silentError](err); silent {
		return exitFailed
	}
	printError(p.Stderr, cmd, err)
	if isUsage(err) {
		return exitUsage
	}
	return exitFailed
}

// silentError is a failure that was reported already.
type silentError struct{}

func (*silentError) Error() string { return "failed" }

func isUsage(err error) bool {
	_, ok := errors.AsType[*usageError](err)
	return ok
}

// printError says what happened and what to do next.
func printError(w io.Writer, cmd *cobra.Command, err error) {
	if problems, ok := errors.AsType[fault.Problems](err); ok {
		_, _ = fmt.Fprintln(w, problems.Error())
		return
	}
	_, _ = fmt.Fprintf(w, "cusp: %s\n", message(err))
	switch hint := hintOf(err); {
	case hint != "":
		_, _ = fmt.Fprintf(w, "      %s\n", hint)
	case isUsage(err):
		_, _ = fmt.Fprintf(w, "      %s --help shows how it is used\n", cmd.CommandPath())
	case errors.Is(err, context.Canceled):
		_, _ = fmt.Fprintln(w, "      it was interrupted; run it again to go on")
	}
}

// hintOf is what to do next, when the error knows.
func hintOf(err error) string {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f.Hint
	}
	return ""
}

func message(err error) string {
	return strings.TrimSuffix(err.Error(), ".")
}

// printJSON writes the one JSON document of a command.
func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("print answer: %w", err)
	}
	return nil
}

// grid prints aligned columns, or one sentence where there are no rows.
type grid struct {
	w      *tabwriter.Writer
	empty  string // what is said then: why, and what to do
	header []string
}

func newGrid(w io.Writer, empty string, header ...string) *grid {
	return &grid{w: tabwriter.NewWriter(w, 2, 8, 2, ' ', 0), empty: empty, header: header}
}

func (g *grid) row(cells ...string) {
	if g.header != nil {
		header := g.header
		g.header, g.empty = nil, ""
		g.row(header...)
	}
	for i, c := range cells {
		cells[i] = printable(c)
	}
	_, _ = fmt.Fprintln(g.w, strings.TrimRight(strings.Join(cells, "\t"), "\t"))
}

func (g *grid) flush() error {
	if g.empty != "" {
		g.header = nil
		g.row(g.empty)
	}
	if err := g.w.Flush(); err != nil {
		return fmt.Errorf("print table: %w", err)
	}
	return nil
}

// printable keeps what leads typed from steering the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return ' '
		}
		return r
	}, s)
}
