package playbook

// Condition is one compiled condition of a playbook.
type Condition struct {
	Text string // as the author wrote it
}
