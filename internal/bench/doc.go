// Package bench measures what Cusp does against what the machine can do, in the same run.
//
// Every figure has a raw limit: a loop that does the unavoidable part of the work and nothing else
// (rows into a bare SQLite table, COPY into PostgreSQL, events folded from memory). Product and raw runs
// take turns, so that a noisy neighbour disturbs both, and medians are reported. Ratios travel between
// machines; rates do not.
//
// The server under test is the product's own binary as a child process behind loopback HTTP; bodies are
// encoded before the clock starts and the client is a bare connection, so that the load costs little of
// the two cores that both share.
//
// Begin reading at [Ingest] and [Replay].
package bench
