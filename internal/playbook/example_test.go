package playbook_test

import (
	"fmt"

	"cusp/internal/condition"
	"cusp/internal/playbook"
)

const small = `playbook: 1
name: Small
fit:
  criteria:
    - id: size
      rules:
        - {when: 'account.employees >= 200', points: 30}
        - {when: 'account.employees >= 50',  points: 20}
signals:
  - {id: pricing_viewed, class: evaluation, on: {page: '/pricing*'}, points: 15, half_life: 14d, cap: 45}
  - {id: demo_requested, class: buying, on: {track: Demo Requested}, points: 60, half_life: 30d, track: inbound}
decide: {review: 40, engage: 70}
`

func ExampleParse() {
	p, problems := playbook.Parse("small.yaml", []byte(small))
	if p == nil {
		fmt.Println(problems)
		return
	}
	fmt.Println(p.Name, "has", len(p.Signals), "signals; review at", p.Decide.Review)
	// Output: Small has 2 signals; review at 40
}

func ExampleParse_problem() {
	_, problems := playbook.Parse("small.yaml", []byte(small+"intnet: {caps: {interest: 20}}\n"))
	fmt.Println(problems[len(problems)-1])
	// Output:
	// small.yaml:13:1: error: unknown key "intnet" in the playbook
	//   intnet: {caps: {interest: 20}}
	//   ^
	//   did you mean intent?
}

func ExampleCondition_Explain() {
	p, _ := playbook.Parse("small.yaml", []byte(small))
	rule := p.Fit.Criteria[0].Rules[1].When
	for _, account := range []map[string]any{{"employees": 120.0}, {"employees": "about 100"}, {}} {
		v := rule.Explain(&condition.Facts{Account: account})
		fmt.Println(v.Because)
		fmt.Println("  missing:", v.Missing, "error:", v.Err != "")
	}
	// Output:
	// account.employees >= 50 (account.employees = 120)
	//   missing: [] error: false
	// account.employees >= 50 is unknown (account.employees = "about 100")
	//   missing: [] error: true
	// account.employees >= 50 is unknown (account.employees is missing)
	//   missing: [account.employees] error: false
}
