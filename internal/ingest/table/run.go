package table

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// State is how far an import has come: what was confirmed, and of which table. Saved after each batch
// and given back, it lets an interrupted import go on where it stopped. Losing it loses time only,
// because importing a row again changes nothing.
type State struct {
	Fingerprint string  `json:"fingerprint"`
	Rows        int     `json:"rows"`
	Summary     Summary `json:"summary"`
}

// Job is one table on its way to a server.
type Job struct {
	Reader *Reader
	Resume State // of an earlier run; ignored when it is of another table

	// Send delivers one batch; an error ends the job. It is called by one goroutine.
	Send func(context.Context, Request) (Result, error)
	// Reject is told of every rejected row, in order of lines within a batch, with its cells.
	Reject func(why Rejection, cells []string) error
	// Confirmed is told the state after each batch that the server has answered.
	Confirmed func(State) error
}

// Run sends the whole table in batches and returns the sums. On an error the state so far is returned
// with it; everything in it was confirmed.
func (j *Job) Run(ctx context.Context) (State, error) {
	state := State{Fingerprint: j.Reader.Fingerprint()}
	if j.Resume.Fingerprint == state.Fingerprint {
		if err := j.Reader.Skip(j.Resume.Rows); err != nil && !errors.Is(err, io.EOF) {
			return j.Resume, err
		}
		state = j.Resume
	}
	for {
		batch, end := j.gather()
		if len(batch) > 0 {
			if err := j.deliver(ctx, batch, &state); err != nil {
				return state, err
			}
		}
		if end != nil {
			if errors.Is(end, io.EOF) {
				end = nil
			}
			return state, end
		}
	}
}

// gather reads the next batch, as many rows as fit the limits of a request. Cells count too: they are
// kept until the batch is confirmed.
func (j *Job) gather() (batch []Item, end error) {
	for bytes := 0; len(batch) < MaxRows && bytes < MaxBytes/2; {
		item, err := j.Reader.Next()
		if err != nil {
			return batch, err
		}
		batch = append(batch, item)
		bytes += len(item.Row.Message) + 64
		for _, m := range item.Row.Also {
			bytes += len(m) + 1
		}
		for _, c := range item.Cells {
			bytes += len(c)
		}
	}
	return batch, nil
}

// deliver sends the good rows of a batch, reports the bad ones, and confirms.
func (j *Job) deliver(ctx context.Context, batch []Item, state *State) error {
	var request Request
	result := Result{Read: len(batch)}
	for i := range batch {
		if batch[i].Rejected == nil {
			request.Rows = append(request.Rows, batch[i].Row)
		}
	}
	if len(request.Rows) > 0 {
		answer, err := j.Send(ctx, request)
		if err != nil {
			return fmt.Errorf("send rows %d to %d: %w", state.Rows+1, state.Rows+len(batch), err)
		}
		answer.Read = len(batch)
		result = answer
	}
	rejected, err := j.report(batch, result.Rejected)
	if err != nil {
		return err
	}
	result.Rejected = rejected
	state.Summary.Add(result)
	state.Rows += len(batch)
	if j.Confirmed == nil {
		return nil
	}
	return j.Confirmed(*state)
}

// report tells of the rows that were rejected here and by the server, each once and in order.
func (j *Job) report(batch []Item, byServer []Rejection) ([]Rejection, error) {
	refused := make(map[int]*Rejection, len(byServer))
	for i := range byServer {
		refused[byServer[i].Line] = &byServer[i]
	}
	var all []Rejection
	for i := range batch {
		why := batch[i].Rejected
		if why == nil {
			why = refused[batch[i].Row.Line]
		}
		if why == nil {
			continue
		}
		all = append(all, *why)
		if j.Reject == nil {
			continue
		}
		if err := j.Reject(*why, batch[i].Cells); err != nil {
			return nil, fmt.Errorf("write rejected row: %w", err)
		}
	}
	return all, nil
}
