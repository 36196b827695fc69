// Package examples carries example playbooks inside the binary.
package examples

import _ "embed"

// MidmarketSaaS is the playbook of Tallyport, the company that `cusp demo` shows.
//
//go:embed midmarket-saas/playbook.yaml
var MidmarketSaaS []byte
