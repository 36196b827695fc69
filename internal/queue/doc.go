// Package queue runs work later, or elsewhere, that a transaction asked for: messages that leave the
// house, and timers.
//
// In: [Enqueue] within the caller's transaction, so that a job exists exactly if what caused it does.
// Out: the handler that was registered for its kind is called, at its time or as soon as possible
// after it, until it succeeds or its [Policy] gives up. What is kept: a job's id and key are the same in
// every attempt; two attempts never hold it at once; a crash ends its lease within a minute; a slow or
// dead destination holds up nobody else; a handler that panics has failed. A handler whose effects are
// in the database completes its job in the same transaction ([Claim.Complete]) and so takes effect exactly
// once; one that talks to the outside is called at least once and passes the id on.
//
// Timers are jobs that run in the future. They are kept by elapsed time, see [Options.Elapsed].
//
// Begin reading at [Queue.Run]; state.go holds the states, docs/states/job.md draws them, store.go
// holds the SQL.
package queue
