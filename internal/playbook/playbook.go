// Package playbook reads the one document that defines what a qualified lead is: YAML or JSON in, a
// checked and compiled [Playbook] out.
//
// The way is parse → check → prove → compile, with positions all along: every mistake is reported at
// once, at its file, line and column, with a suggestion. A compiled playbook is immutable and safe for
// concurrent use; its conditions ([condition.Condition]) know no clock.
//
// Begin reading at [Parse].
package playbook

import (
	"time"

	"cusp/internal/condition"
)

// Class says what a signal tells about buying.
type Class uint8

// The classes, in the order in which intent is summed.
const (
	Interest Class = iota
	Evaluation
	Buying
	Usage
	Negative
	NumClasses = 5
)

var classNames = [NumClasses]string{"interest", "evaluation", "buying", "usage", "negative"}

// String is the class as a playbook writes it.
func (c Class) String() string { return classNames[c] }

// JourneyStage is how far along its journey a buyer shows itself by a signal.
type JourneyStage uint8

// The journey stages. StageNone is for signals that tell nothing of it, such as negative ones.
const (
	StageNone JourneyStage = iota
	Awareness
	Consideration
	DecisionStage
)

var journeyStageNames = [...]string{"", "awareness", "consideration", "decision"}

// String is the stage as a playbook writes it.
func (s JourneyStage) String() string { return journeyStageNames[s] }

// Playbook is a compiled playbook. Order in every slice is the order of the document: sums and first
// matches follow it, so that results are equal to the last bit everywhere.
type Playbook struct {
	Name        string
	Hash        string // hex SHA-256 of the canonical document: equal hashes decide equally
	ReviewEvery time.Duration
	Lists       map[string][]string // the author's lists; the built-in ones are not repeated here
	Internal    Internal
	Exclude     []Exclusion
	Fit         Fit
	Signals     []Signal
	Intent      Intent
	Decide      Decide
	Account     Account
	Momentum    Momentum
	Source      []byte // the document as published
}

// Internal names the company's own traffic, which is quarantined.
type Internal struct {
	Domains []string // e-mail domains
	IPs     []string // addresses or CIDR prefixes
}

// Exclusion says who is never handed to sales.
type Exclusion struct {
	ID      string
	When    *condition.Condition
	Because string
}

// Fit is who the ideal customer is.
type Fit struct {
	Gate        float64
	MinCoverage float64
	Criteria    []Criterion
}

// Criterion is one question about fit. It is known when every trait it needs is present.
type Criterion struct {
	ID    string
	Needs []string // dotted paths: "account.employees"
	Ask   string   // how to ask a person for what is missing; may be empty
	Rules []Rule
	Max   float64 // largest points of its rules, at least 0
}

// Rule gives points when its condition is met; the first met rule of a criterion decides.
type Rule struct {
	When   *condition.Condition
	Points float64
}

// TriggerKind is the sort of thing that raises a signal.
type TriggerKind uint8

// The triggers. OnText and OnTurn go beyond tracked calls: what free text says, and the moment in
// which a lead turned serious.
const (
	OnPage TriggerKind = iota + 1
	OnTrack
	OnIdentify
	OnForm
	OnSignal
	OnText
	OnTurn
)

// Trigger says on what a signal is raised.
type Trigger struct {
	Kind   TriggerKind
	Value  string // page glob, event name, form name, text finding ("budget"); empty for OnIdentify and OnTurn
	Signal int    // index of the signal for OnSignal, else -1
}

// Signal is one thing that leads do and what it says about buying.
type Signal struct {
	ID         string
	Class      Class
	Stage      JourneyStage
	ThirdParty bool
	On         Trigger
	Where      *condition.Condition // nil: always
	Points     float64
	HalfLife   float64 // seconds; 0: does not decay
	Cap        float64 // largest absolute value it can hold; 0: no cap
	OncePer    float64 // seconds; 0: every occurrence counts
	Inbound    bool    // track: inbound, a raised hand
}

// Intent limits what classes of signals can add up to.
type Intent struct {
	Caps             [NumClasses]float64 // +Inf where the document sets none; Negative is always +Inf
	ThirdPartyCap    float64             // +Inf where the document sets none
	FirstPartyWithin float64             // seconds
}

// Level is one level of marketing qualification.
type Level struct {
	Level  int
	Intent float64
}

// Decide holds the thresholds.
type Decide struct {
	Review, Engage float64
	MQL            []Level // ascending
	Cooldown       float64 // seconds
	InboundFloor   float64 // fit below it deflects a raised hand
}

// Account says how a company is judged by its people.
type Account struct {
	Weights        []float64
	TwoRoles       float64 // bonus for exactly two distinct roles
	ThreeRoles     float64 // bonus for three or more
	Review, Engage float64
}

// Momentum says when a lead is warming or cooling, and when curiosity has turned serious.
type Momentum struct {
	Fast, Slow    float64 // seconds: half-lives of the two averages that are compared
	SeriousWithin float64 // seconds: window in which the turn must happen
	SeriousCount  int     // distinct evaluation or usage signals that make it serious; one buying signal always does
}
