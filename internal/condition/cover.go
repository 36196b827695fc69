package condition

// Covered reports whether it can be shown that a condition is true only when one of the earlier ones is;
// nil stands for a condition that always is. False means that it could not be shown, not the contrary.
func Covered(later *Condition, earlier []*Condition) bool {
	var all Cases
	for _, c := range earlier {
		if c == nil {
			return true
		}
		all = append(all, c.Ways()...)
	}
	mine, ok := later.ways()
	var p Prover
	return ok && p.Covered(mine, all)
}

// Ways are the cases that can be reasoned about: none when there are too many, one without demands for a nil
// condition, which is always true.
func (c *Condition) Ways() Cases {
	all, ok := c.ways()
	if !ok {
		return nil
	}
	return all
}

func (c *Condition) ways() (Cases, bool) {
	if c == nil {
		return Cases{nil}, true
	}
	return c.Cases()
}
