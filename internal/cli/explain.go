package cli

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"cusp/internal/flow"
)

func (sh *shell) explainCommand() *cobra.Command {
	var at string
	cmd := &cobra.Command{
		Use: "explain PERSON", Short: "Say what to do now about a person, and why",
		Long: "The parts add up: points left of each event to signals, signals to classes, classes to intent,\n" +
			"criteria to fit. --at goes by event time: what had happened by then, imported history included;\n" +
			"what was decided then, and under which playbook, is in the ledger (cusp export ledger).",
		Example: "  cusp explain ada@acme.example\n  cusp explain ada@acme.example --at 2026-05-01T00:00:00Z --json",
		Args:    args("PERSON (an id, an e-mail address or a user id)"),
		RunE: func(cmd *cobra.Command, in []string) error {
			x, err := fetch[flow.Explanation](cmd.Context(), sh, personPath(in[0])+"/explain"+query("at", at))
			if err != nil {
				return err
			}
			if sh.json {
				return printJSON(sh.p.Stdout, x)
			}
			(&explainer{w: sh.p.Stdout}).explain(&x)
			return nil
		},
	}
	cmd.Flags().StringVar(&at, "at", "", "an instant (2026-05-01T12:00:00Z) or a day (2026-05-01); now when not given")
	return cmd
}

// explainer words an explanation for people. Shown numbers are rounded so that shown parts add up to
// shown sums.
type explainer struct{ w io.Writer }

func (e *explainer) line(format string, args ...any) {
	_, _ = fmt.Fprintf(e.w, strings.TrimRight(format, " ")+"\n", args...)
}

func (e *explainer) explain(x *flow.Explanation) {
	e.line("%s   %s", name(x), x.Person.ID)
	if x.Account != nil {
		e.line("%s", printable(strings.TrimSpace(x.Account.Name+" "+x.Account.Domain)))
	}
	e.line("at %s, by playbook %s, version %d", x.At, printable(x.Playbook.Name), x.Playbook.Version)
	e.line("")
	e.line("Decision: %s", cmp.Or(strings.ToUpper(string(x.Decision)), "none; nothing had happened"))
	for _, r := range x.Reasons {
		e.line("  · %s", printable(r))
	}
	e.line("  track %s · stage %s · quadrant %s · %s", x.Track, stageOf(string(x.Stage), x.Level), x.Quadrant, x.Momentum)
	if x.Since != nil {
		e.line("  so since %s", *x.Since)
	}
	if x.SeriousAt != nil {
		e.line("  turned serious %s", *x.SeriousAt)
	}
	e.fit(&x.Fit)
	e.intent(&x.Intent)
	e.outlook(x)
}

func name(x *flow.Explanation) string {
	switch {
	case x.Person.Email != "" && x.Person.UserID != "" && x.Person.UserID != x.Person.Email:
		return printable(x.Person.Email + " (" + x.Person.UserID + ")")
	case x.Person.Email != "":
		return printable(x.Person.Email)
	case x.Person.UserID != "":
		return printable(x.Person.UserID)
	}
	return "anonymous visitor"
}

func (e *explainer) fit(f *flow.FitPart) {
	head := "unknown"
	if f.Score != nil {
		head = decimal(*f.Score, 1)
	}
	e.line("")
	e.line("Fit: %s   (gate %s; %s %% of the criteria are known)", head, short(f.Gate), short(100*f.Coverage))
	var got, most float64
	for _, c := range f.Criteria {
		if !c.Known {
			e.line("  %7s of %-5s %-20s not known: %s", "?", short(c.Max), c.ID, strings.Join(c.Missing, ", "))
			continue
		}
		got, most = got+c.Points, most+c.Max
		e.line("  %7s of %-5s %-20s %s", short(c.Points), short(c.Max), c.ID, printable(c.Because))
	}
	if f.Score != nil && most > 0 {
		e.line("  100 × %s / %s = %s", short(got), short(most), head)
	}
}

// places is how many decimals shown parts have.
const places = 2

// class is one line of intent with the signals under it.
type class struct {
	name    string
	value   float64
	signals []flow.SignalPart
}

func classes(in *flow.IntentPart) []class {
	c := in.Classes
	all := []class{
		{name: "interest", value: c.Interest}, {name: "evaluation", value: c.Evaluation}, {name: "buying", value: c.Buying},
		{name: "usage", value: c.Usage}, {name: "third party", value: c.ThirdParty}, {name: "negative", value: c.Negative},
	}
	for _, s := range in.Signals {
		of := s.Class
		if s.Origin == "third_party" && s.Class != "negative" {
			of = "third party"
		}
		for i := range all {
			if all[i].name == of {
				all[i].signals = append(all[i].signals, s)
			}
		}
	}
	return slices.DeleteFunc(all, func(c class) bool { return c.value == 0 && len(c.signals) == 0 })
}

func (e *explainer) intent(in *flow.IntentPart) {
	all := classes(in)
	values := make([]float64, len(all))
	var sum float64
	for i, c := range all {
		values[i] = c.value
		sum += c.value
	}
	e.line("")
	e.line("Intent: %s", decimal(in.Score, places))
	shown := addUp(values, sum)
	for i, c := range all {
		e.line("  %10s  %s%s", shown[i], c.name, capped(c))
		e.signals(c, shown[i])
	}
	if held := decimal(sum, places); len(all) > 0 && held != decimal(in.Score, places) {
		e.line("  %10s  in all, held to 0…100", held)
	}
}

// capped says that a class holds less than its signals are worth together.
func capped(c class) string {
	var sum float64
	for _, s := range c.signals {
		sum += s.Value
	}
	if math.Abs(sum-c.value) < 1e-6 {
		return ""
	}
	return fmt.Sprintf(" (its signals come to %s; held to its cap)", decimal(sum, places))
}

func (e *explainer) signals(c class, total string) {
	values := make([]float64, len(c.signals))
	var sum float64
	for i, s := range c.signals {
		values[i] = s.Value
		sum += s.Value
	}
	if target, err := strconv.ParseFloat(total, 64); err == nil && math.Abs(target-sum) < 0.01 {
		sum = target // so that they add up to what stands above them
	}
	shown := addUp(values, sum)
	for i, s := range c.signals {
		e.line("    %10s  %s, %s", shown[i], s.ID, times(s.Count))
		e.parts(&c.signals[i], shown[i])
	}
}

func times(n int) string {
	if n == 1 {
		return "counted once"
	}
	return fmt.Sprintf("counted %d times", n)
}

func (e *explainer) parts(s *flow.SignalPart, total string) {
	const most = 5
	values := make([]float64, 0, most+1)
	var rest float64
	for i, p := range s.Parts {
		if i < most {
			values = append(values, p.Left)
		} else {
			rest += p.Left
		}
	}
	rest += s.Older
	more := s.Count - len(values)
	if more > 0 {
		values = append(values, rest)
	}
	sum, err := strconv.ParseFloat(total, 64)
	if err != nil {
		sum = s.Value
	}
	shown := addUp(values, sum)
	for i := range values {
		if i == len(values)-1 && more > 0 {
			e.line("      %10s  left of %d older", shown[i], more)
			return
		}
		p := s.Parts[i]
		e.line("      %10s  left of %s, %s (%s)", shown[i], short(p.Points), p.At, printable(p.MessageID))
	}
}

func (e *explainer) outlook(x *flow.Explanation) {
	e.line("")
	if x.NextQuestion != nil {
		e.line("Ask next: %s   (%s)", printable(x.NextQuestion.Text), x.NextQuestion.ID)
	}
	if x.Flip != nil {
		e.line("Would change it: %s → %s (%s points)", printable(strings.TrimSuffix(x.Flip.Text, ".")), x.Flip.Decision, signed(x.Flip.Points))
	}
	if n := x.NextChange; n != nil {
		e.line("By time alone: %s from %s", changes(x, n), day(n.At))
	}
	e.line("%d events, %d of them not heard", x.Events, x.Quarantined)
}

// changes words what time alone will change.
func changes(x *flow.Explanation, n *flow.NextChange) string {
	var out []string
	if n.Decision != x.Decision {
		out = append(out, string(n.Decision))
	}
	if n.Track != x.Track {
		out = append(out, "track "+string(n.Track))
	}
	if n.Level != x.Level {
		out = append(out, "level "+strconv.Itoa(n.Level))
	}
	if len(out) == 0 {
		return "another reason or quadrant"
	}
	return strings.Join(out, ", ")
}

func signed(f float64) string { return "+" + short(f) }

// day shortens an instant to the minute.
func day(at string) string {
	if t, err := time.Parse(time.RFC3339, at); err == nil {
		return t.UTC().Format("2006-01-02 15:04 UTC")
	}
	return at
}

// short prints a number with at most one decimal.
func short(f float64) string {
	return strings.TrimSuffix(decimal(f, 1), ".0")
}

// addUp rounds parts to [places] decimals so that the rounded parts add up to the rounded total: what
// rounding leaves over goes to the parts that lost most by it.
func addUp(parts []float64, total float64) []string {
	unit := math.Pow10(places)
	whole := make([]int64, len(parts))
	order := make([]int, len(parts))
	left := int64(math.Round(total * unit))
	for i, p := range parts {
		whole[i] = int64(math.Floor(p * unit))
		left -= whole[i]
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		lostA, lostB := parts[a]*unit-float64(whole[a]), parts[b]*unit-float64(whole[b])
		switch {
		case lostA > lostB:
			return -1
		case lostA < lostB:
			return 1
		}
		return 0
	})
	for _, i := range order {
		if left <= 0 {
			break
		}
		whole[i]++
		left--
	}
	out := make([]string, len(parts))
	for i, n := range whole {
		out[i] = decimal(float64(n)/unit, places)
	}
	return out
}
