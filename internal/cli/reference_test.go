package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// The reference of the command line is made from the commands themselves.
func TestReference_isCheckedIn(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("# Command line\n\n" +
		"Made from the program by `go test ./internal/cli -update`. Every command prints text for people, and one JSON\n" +
		"document with `--json`; it exits with 0 when all went well, 1 when its work failed, 2 when it was used wrongly.\n" +
		"Errors go to standard error and say what to do next.\n\n" +
		"While a server runs on a SQLite file, the other commands do their work through it; with `--url` (and an API key\n" +
		"in `CUSP_TOKEN`) through a server elsewhere.\n")
	root := newRoot(&Process{Stdout: io.Discard, Stderr: io.Discard, Now: time.Now})
	describe(&b, root)
	b.WriteString("\n## For all commands\n\n")
	options(&b, root.PersistentFlags())
	path := filepath.Join("..", "..", "docs", "reference", "cli.md")
	if update() {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("%s is stale (-want +got); run go test ./internal/cli -update:\n%s", path, diff)
	}
}

// update reports whether the flag of the tests was given; it is defined in the other test package.
func update() bool {
	for _, arg := range os.Args {
		if arg == "-update" || arg == "-update=true" {
			return true
		}
	}
	return false
}

func describe(b *strings.Builder, c *cobra.Command) {
	for _, sub := range c.Commands() {
		if sub.Name() == "help" || sub.Name() == "completion" {
			continue
		}
		if !sub.HasSubCommands() {
			usage, _, _ := strings.Cut(sub.UseLine(), " [flags]")
			fmt.Fprintf(b, "\n## %s\n\n%s.\n", usage, sub.Short)
			if sub.Long != "" {
				fmt.Fprintf(b, "\n%s\n", sub.Long)
			}
			fmt.Fprintf(b, "\n```sh\n%s\n```\n", strings.ReplaceAll(strings.TrimPrefix(sub.Example, "  "), "\n  ", "\n"))
			if sub.LocalNonPersistentFlags().HasFlags() {
				b.WriteString("\n")
				options(b, sub.LocalNonPersistentFlags())
			}
		}
		describe(b, sub)
	}
}

func options(b *strings.Builder, flags *pflag.FlagSet) {
	b.WriteString("| option | meaning |\n| --- | --- |\n")
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Name == "help" {
			return
		}
		text := f.Usage
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "[]" {
			text += fmt.Sprintf(" (default `%s`)", f.DefValue)
		}
		fmt.Fprintf(b, "| `--%s` | %s |\n", f.Name, strings.ReplaceAll(text, "|", `\|`))
	})
}
