package handoff

import (
	"cusp/internal/fault"
	"cusp/internal/handoff/framework"
	"cusp/internal/lead"
)

// checkFacts looks at what a rep filled in to qualify a lead. A lead that does not decide is not
// qualified: it goes back to nurture.
func (a *Answer) checkFacts(now lead.Instant) error {
	facts, err := framework.Parse(a.Framework, string(a.As), now)
	if err != nil {
		return err
	}
	if because, _ := framework.BackToNurture(facts, now); because != "" {
		return fault.New(fault.Invalid, "%s", because).WithCode("no_authority").WithField("framework.authority").
			WithHint("recycle the lead with a date, or reject it with no_authority: it goes back to nurture")
	}
	return nil
}
