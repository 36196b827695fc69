package cases

import (
	"fmt"
	"strings"

	"cusp/internal/fault"
	"cusp/internal/playbook"
)

// Result is what became of one case.
type Result struct {
	Case        *Case
	Explain     map[string]any // nil after an error
	Differences fault.Problems // places in want.yaml; nil when the case passes
	Err         error          // why there is no explanation
}

// Passed says whether the case has a want.yaml and the explanation agrees with it.
func (r *Result) Passed() bool {
	return r.Err == nil && len(r.Differences) == 0 && r.Case.HasWant()
}

// String is the result for people: one line, and for a failure what differs and why Cusp said so.
func (r *Result) String() string {
	var b strings.Builder
	switch {
	case r.Passed():
		fmt.Fprintf(&b, "ok    %s: %s", r.Case.Name, r.Case.Title)
		return b.String()
	case r.Err != nil:
		fmt.Fprintf(&b, "FAIL  %s: %s\n%v", r.Case.Name, r.Case.Title, r.Err)
		return b.String()
	case !r.Case.HasWant():
		fmt.Fprintf(&b, "NEW   %s: %s\nthere is no want.yaml yet", r.Case.Name, r.Case.Title)
	default:
		fmt.Fprintf(&b, "FAIL  %s: %s\n%s", r.Case.Name, r.Case.Title, r.Differences.Error())
	}
	reasons, _ := r.Explain["reasons"].([]any)
	for _, reason := range reasons {
		fmt.Fprintf(&b, "\n  because: %v", reason)
	}
	return b.String()
}

// Report is the outcome of all cases of a playbook.
type Report struct {
	Results   []Result
	Unreached Unreached
}

// Failed counts the cases that did not pass.
func (r *Report) Failed() int {
	n := 0
	for i := range r.Results {
		if !r.Results[i].Passed() {
			n++
		}
	}
	return n
}

// Run evaluates every case and compares.
func Run(p *playbook.Playbook, cases []*Case, evaluate Evaluate) Report {
	var report Report
	reached := newReach(p)
	for _, c := range cases {
		r := Result{Case: c}
		if r.Explain, r.Err = evaluate(p, *c); r.Err == nil {
			r.Differences = c.Compare(r.Explain)
			reached.note(c, r.Explain)
		}
		report.Results = append(report.Results, r)
	}
	report.Unreached = reached.missing()
	return report
}
