package bench

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"text/tabwriter"
	"time"
)

// Result is one figure. Rate and Raw are in Unit, medians over the rounds; Ratio is Rate/Raw. P50 and
// P99 are request latencies in milliseconds, 0 where there are no requests. Where others share the
// machine, CPU says more than Rate.
type Result struct {
	Name  string  `json:"name"`
	Rate  float64 `json:"rate"`
	Raw   float64 `json:"raw"`
	Ratio float64 `json:"ratio"`
	Unit  string  `json:"unit"`
	P50   float64 `json:"p50_ms"`
	P99   float64 `json:"p99_ms"`
	CPU   float64 `json:"per_cpu_second,omitempty"` // the product's own rate for a second of one core
	Note  string  `json:"note,omitempty"`           // what raw is
}

// Report is what `cusp bench NAME --json` prints.
type Report struct {
	Bench    string         `json:"bench"`
	Results  []Result       `json:"results"`
	Machine  Machine        `json:"machine"`
	Commit   string         `json:"commit"`
	Seed     uint64         `json:"seed"`
	Settings map[string]any `json:"settings"`
}

// Text prints the report for people.
func (r *Report) Text(w io.Writer) error {
	t := tabwriter.NewWriter(w, 2, 8, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "figure\trate\traw\tratio\tunit\tp50\tp99\tper CPU s\traw is")
	for _, x := range r.Results {
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n",
			x.Name, figure(x.Rate), figure(x.Raw), ratio(x.Ratio), x.Unit, latency(x.P50), latency(x.P99), figure(x.CPU), x.Note)
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("print report: %w", err)
	}
	m := r.Machine
	_, err := fmt.Fprintf(w, "\n%d cores (%s), %.1f GiB, %s %s/%s, fsync %.0f µs, loopback %.0f µs; commit %s, seed %d\n",
		m.Cores, m.CPU, m.MemoryGiB, m.Go, m.OS, m.Arch, m.FsyncUS, m.LoopbackUS, r.Commit, r.Seed)
	if err != nil {
		return fmt.Errorf("print report: %w", err)
	}
	return nil
}

func figure(x float64) string {
	switch {
	case x == 0:
		return "-"
	case x >= 1e6:
		return strconv.FormatFloat(x/1e6, 'f', 2, 64) + " M"
	case x >= 1e4:
		return strconv.FormatFloat(x/1e3, 'f', 1, 64) + " k"
	}
	return strconv.FormatFloat(x, 'f', 1, 64)
}

func ratio(x float64) string {
	if x == 0 {
		return "-"
	}
	return strconv.FormatFloat(x, 'f', 2, 64)
}

func latency(ms float64) string {
	if ms == 0 {
		return "-"
	}
	return strconv.FormatFloat(ms, 'f', 1, 64) + " ms"
}

// series gathers the rounds of one figure.
type series struct {
	rates     []float64
	latencies []time.Duration
	events    int
	cpu       time.Duration // of the product
}

// add takes one run of n events.
func (s *series) add(n int, took, cpu time.Duration, latencies []time.Duration) {
	s.rates = append(s.rates, float64(n)/took.Seconds())
	s.latencies = append(s.latencies, latencies...)
	s.events, s.cpu = s.events+n, s.cpu+cpu
}

// result is the series as a figure against raw rates.
func (s *series) result(name string, raws []float64, note string) Result {
	r := Result{Name: name, Rate: median(s.rates), Raw: median(raws), Unit: "events/s", Note: note}
	if r.Raw > 0 {
		r.Ratio = r.Rate / r.Raw
	}
	if s.cpu > 0 {
		r.CPU = float64(s.events) / s.cpu.Seconds()
	}
	r.P50, r.P99 = quantile(s.latencies, 0.50), quantile(s.latencies, 0.99)
	return r
}

func median(xs []float64) float64 {
	if len(xs) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(xs))
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}

// quantile is the smallest latency that at least the share q of all does not exceed, in milliseconds.
func quantile(xs []time.Duration, q float64) float64 {
	if len(xs) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(xs))
	i := max(int(float64(len(s))*q+0.999999)-1, 0)
	return float64(s[min(i, len(s)-1)].Microseconds()) / 1e3
}
