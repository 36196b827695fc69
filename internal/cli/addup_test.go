package cli

import (
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"pgregory.net/rapid"
)

func TestAddUp_shownPartsAddUpToTheShownTotal(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.Float64Range(-200, 200), 1, 12).Draw(t, "parts")
		var total float64
		for _, p := range parts {
			total += p
		}
		var sum int64
		for i, s := range addUp(parts, total) {
			var whole, cents int64
			if _, err := fmt.Sscanf(strings.TrimPrefix(s, "-"), "%d.%d", &whole, &cents); err != nil {
				t.Fatal(err)
			}
			n := 100*whole + cents
			if strings.HasPrefix(s, "-") {
				n = -n
			}
			if math.Abs(float64(n)/100-parts[i]) >= 0.011 {
				t.Fatalf("%v is shown as %s", parts[i], s)
			}
			sum += n
		}
		if want := int64(math.Round(total * 100)); sum != want {
			t.Fatalf("shown parts add up to %d, the total is shown as %d", sum, want)
		}
	})
}

// Every command says what it does and shows how.
func TestCommands_haveHelpWithAnExample(t *testing.T) {
	t.Parallel()
	root := newRoot(&Process{Stdout: io.Discard, Stderr: io.Discard, Now: time.Now})
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		if c.Short == "" || c.Example == "" && c.Name() != "help" && !strings.HasPrefix(c.CommandPath(), "cusp completion") {
			t.Errorf("%s: short %q, example %q", c.CommandPath(), c.Short, c.Example)
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(root)
}

func TestPrintable_keepsNamesFromSteeringTheTerminal(t *testing.T) {
	t.Parallel()
	if got := printable("a\x1b[2Jb\r\nc\u009bd\te"); strings.ContainsAny(got, "\x1b\r\n\u009b\t") {
		t.Errorf("%q", got)
	}
}
