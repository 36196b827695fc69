package queue

import (
	"cusp/internal/fault"
)

// State is where a job stands.
type State string

// The states.
const (
	Waiting   State = "waiting"   // for its time, or for a free place
	Running   State = "running"   // a worker holds its lease
	Done      State = "done"      // for good
	Dead      State = "dead"      // given up; kept with its last error, can be replayed
	Cancelled State = "cancelled" // called off; can be replayed
)

// action is what happens to a job.
type action string

const (
	claim      action = "claim"      // a worker takes it
	complete   action = "complete"   // its handler succeeded
	retry      action = "retry"      // its handler failed and may try again
	release    action = "release"    // its worker stops and gives it back
	expire     action = "expire"     // its worker was lost
	bury       action = "bury"       // it has failed too often, too long or for good
	reschedule action = "reschedule" // somebody sets another time
	cancel     action = "cancel"     // somebody calls it off
	replay     action = "replay"     // somebody wants it tried again
)

// transition is one arrow of the diagram in docs/states/job.md.
type transition struct {
	from State
	do   action
	to   State
}

// transitions are all arrows. There is no other way for a job to change its state.
func transitions() []transition {
	return []transition{
		{Waiting, claim, Running},
		{Waiting, reschedule, Waiting},
		{Waiting, cancel, Cancelled},
		{Running, complete, Done},
		{Running, retry, Waiting},
		{Running, release, Waiting},
		{Running, expire, Waiting},
		{Running, reschedule, Waiting},
		{Running, bury, Dead},
		{Running, cancel, Cancelled},
		{Dead, replay, Waiting},
		{Dead, cancel, Cancelled},
		{Cancelled, replay, Waiting},
	}
}

// after is the state that an action leads to; [fault.Conflict] when it is not possible in this one.
func (s State) after(do action) (State, error) {
	for _, t := range transitions() {
		if t.from == s && t.do == do {
			return t.to, nil
		}
	}
	return s, fault.New(fault.Conflict, "a job that is %s cannot be changed this way: %s", s, do).WithCode("job_state")
}
