// Package measuring runs the benchmarks of the binary at a small size: not for their figures, which no
// test asserts, but for their shape and for the checks that they make on the way.
package measuring

import (
	"encoding/json"
	"slices"
	"testing"

	"cusp/tests/product"
)

type report struct {
	Bench   string `json:"bench"`
	Results []struct {
		Name  string   `json:"name"`
		Rate  *float64 `json:"rate"`
		Raw   *float64 `json:"raw"`
		Ratio *float64 `json:"ratio"`
		Unit  string   `json:"unit"`
		P50   *float64 `json:"p50_ms"`
		P99   *float64 `json:"p99_ms"`
	} `json:"results"`
	Machine map[string]any `json:"machine"`
	Commit  *string        `json:"commit"`
}

func TestBench_printsWhatOthersRead(t *testing.T) {
	t.Parallel()
	bin := product.Build(t)
	for name, want := range map[string][]string{
		"ingest": {"sqlite-batch100", "sqlite-single64", "memory-idle", "memory-ingest"},
		"replay": {"replay", "memory-replay"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := product.Run(t, bin, "bench", name, "--json", "--events", "2000", "--leads", "200", "--rounds", "1", "--dir", t.TempDir())
			var r report
			if err := json.Unmarshal(out, &r); err != nil {
				t.Fatalf("read %s: %v", out, err)
			}
			var names []string
			for _, x := range r.Results {
				names = append(names, x.Name)
				if x.Rate == nil || *x.Rate <= 0 || x.Raw == nil || x.Ratio == nil || x.Unit == "" || x.P50 == nil || x.P99 == nil {
					t.Errorf("%s is not whole: %+v", x.Name, x)
				}
			}
			if !slices.Equal(names, want) || r.Bench != name || r.Commit == nil || r.Machine["cores"] == nil || r.Machine["cpu"] == nil || r.Machine["go"] == nil {
				t.Errorf("got %s with %v on %v", r.Bench, names, r.Machine)
			}
		})
	}
}
