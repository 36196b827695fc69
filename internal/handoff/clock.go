package handoff

// Step is what a clock does when it has run.
type Step string

// The steps.
const (
	StepWarn     Step = "warn"          // the owner is reminded
	StepContact  Step = "first_contact" // the promise is broken
	StepEscalate Step = "escalate"      // the manager hears of it
	StepReassign Step = "reassign"      // the next rep gets it
	StepReturn   Step = "return"        // marketing gets it back
	StepAsk      Step = "ask"           // a team that has it in its queue is asked again
	StepRecycle  Step = "recycle"       // it comes back
	StepReview   Step = "review"        // somebody looks at a lead that sales keeps
)
