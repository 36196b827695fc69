package flow

import (
	"cusp/internal/decide"
	"cusp/internal/lead"
	"cusp/internal/playbook"
	"cusp/internal/score"
)

// Explanation answers "what should we do now, and why?" for one lead at one instant. Its JSON form is
// part of the public contract; its numbers add up.
type Explanation struct {
	Person       PersonRef       `json:"person"`
	Account      *AccountRef     `json:"account" doc:"The company the person belongs to; null when unknown."`
	At           string          `json:"at" format:"date-time"`
	Playbook     PlaybookRef     `json:"playbook"`
	Track        decide.Track    `json:"track" enum:"inbound,nurture"`
	Stage        Stage           `json:"stage"`
	Level        int             `json:"level" doc:"Level of marketing qualification; 0 for none."`
	Momentum     score.Momentum  `json:"momentum" enum:"warming,steady,cooling"`
	SeriousAt    *string         `json:"serious_at" format:"date-time" doc:"When curiosity last turned serious."`
	Fit          FitPart         `json:"fit"`
	Intent       IntentPart      `json:"intent"`
	Decision     decide.Decision `json:"decision" doc:"Empty before the first event."`
	Since        *string         `json:"since" format:"date-time" doc:"When this outcome began."`
	Quadrant     decide.Quadrant `json:"quadrant" enum:"engage,nurture,deflect,ignore"`
	Reasons      []string        `json:"reasons"`
	ExcludedBy   *string         `json:"excluded_by" doc:"Id of the exclusion that matches."`
	NextQuestion *Question       `json:"next_question" doc:"What is unknown and would change the decision most."`
	Flip         *Flip           `json:"flip" doc:"The smallest single change that would lead to another decision."`
	NextChange   *NextChange     `json:"next_change" doc:"When decay and ending windows alone will change the outcome."`
	Events       int             `json:"events" doc:"Events folded."`
	Quarantined  int             `json:"quarantined" doc:"Events that were kept out as false intent."`
}

// PersonRef names a person.
type PersonRef struct {
	ID     string `json:"id"`
	UserID string `json:"user_id"`
	Email  string `json:"email"`
}

// AccountRef names an account.
type AccountRef struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Domain string `json:"domain"`
}

// PlaybookRef names a published playbook.
type PlaybookRef struct {
	Name    string `json:"name"`
	Version int    `json:"version" doc:"0 for a playbook that was never published."`
	Hash    string `json:"hash"`
}

// FitPart is fit with its parts: score = 100 · Σ points / Σ max over the known criteria.
type FitPart struct {
	Score    *float64        `json:"score" doc:"Null while fit is unknown."`
	Coverage float64         `json:"coverage"`
	Known    bool            `json:"known"`
	Gate     float64         `json:"gate"`
	Criteria []CriterionPart `json:"criteria"`
}

// CriterionPart is one criterion's part in fit.
type CriterionPart struct {
	ID      string   `json:"id"`
	Known   bool     `json:"known"`
	Points  float64  `json:"points"`
	Max     float64  `json:"max"`
	Because string   `json:"because"`
	Missing []string `json:"missing,omitempty"`
}

// IntentPart is intent with its parts: score = the sum of the classes, held to 0…100.
type IntentPart struct {
	Score   float64      `json:"score"`
	Trusted bool         `json:"trusted" doc:"A first-party evaluation, buying or usage signal is recent enough."`
	Classes Classes      `json:"classes"`
	Signals []SignalPart `json:"signals"`
}

// Classes are the sums per class after caps; third-party signals are summed apart.
type Classes struct {
	Interest   float64 `json:"interest"`
	Evaluation float64 `json:"evaluation"`
	Buying     float64 `json:"buying"`
	Usage      float64 `json:"usage"`
	ThirdParty float64 `json:"third_party"`
	Negative   float64 `json:"negative"`
}

// SignalPart is one signal's worth with the events behind it.
type SignalPart struct {
	ID     string      `json:"id"`
	Class  string      `json:"class"`
	Origin string      `json:"origin" enum:"first_party,third_party"`
	Stage  string      `json:"stage"`
	Value  float64     `json:"value" doc:"Worth now."`
	Count  int         `json:"count" doc:"Counted occurrences in all."`
	LastAt string      `json:"last_at" format:"date-time"`
	Parts  []EventPart `json:"parts" doc:"What each event has left of it, newest first; they add up to value."`
	Older  float64     `json:"older" doc:"What events beyond those listed have left."`
}

// EventPart is what one event is still worth.
type EventPart struct {
	MessageID string  `json:"message_id"`
	At        string  `json:"at" format:"date-time"`
	Points    float64 `json:"points"`
	Left      float64 `json:"left"`
}

// Question is what to ask next.
type Question struct {
	ID   string `json:"id"`
	Text string `json:"text"`
}

// Flip is one change that would lead to another decision.
type Flip struct {
	Kind     string          `json:"kind" enum:"signal,answer"`
	ID       string          `json:"id" doc:"The signal that would have to be raised once, or the criterion to be answered."`
	Points   float64         `json:"points" doc:"By how much intent (or fit) would rise."`
	Decision decide.Decision `json:"decision"`
	Text     string          `json:"text"`
}

// NextChange is what time alone will do.
type NextChange struct {
	At       string          `json:"at" format:"date-time"`
	Decision decide.Decision `json:"decision"`
	Track    decide.Track    `json:"track"`
	Level    int             `json:"level"`
}

// partsShown bounds the list of events under a signal.
const partsShown = 50

func classesOf(in score.Intent) Classes {
	return Classes{
		Interest: in.Classes[playbook.Interest], Evaluation: in.Classes[playbook.Evaluation],
		Buying: in.Classes[playbook.Buying], Usage: in.Classes[playbook.Usage],
		Negative: in.Classes[playbook.Negative], ThirdParty: in.ThirdParty,
	}
}

func origin(def *playbook.Signal) string {
	if def.ThirdParty {
		return "third_party"
	}
	return "first_party"
}

func stampPtr(at lead.Instant) *string {
	if at == 0 {
		return nil
	}
	s := at.String()
	return &s
}
