package handoff

// Arrows are the transitions as "from --> to: action".
func Arrows() []string {
	var all []string
	for _, t := range transitions() {
		all = append(all, string(t.from)+" --> "+string(t.to)+": "+string(t.do))
	}
	return all
}
