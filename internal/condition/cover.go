package condition

// Covered reports whether it can be shown that a condition is true only when one of the earlier ones is;
// nil stands for a condition that always is. False means that it could not be shown, not the contrary.
func Covered(later *Condition, earlier []*Condition) bool {
	var all Cases
	for _, c := range earlier {
		if c == nil {
			return true
		}
		mine, ok := c.Cases()
		if ok {
			all = append(all, mine...)
		}
	}
	mine := Cases{nil}
	if later != nil {
		var ok bool
		if mine, ok = later.Cases(); !ok {
			return false
		}
	}
	var p Prover
	return p.Covered(mine, all)
}
