// Package ingest turns what was received into events, and keeps them.
//
// A [Reader] takes messages in Segment's shape and answers each with an event, its time corrected, or
// with a rejection that says why; one bad message never costs the others. The log keeps events behind
// three doors: [Append] writes, [Timeline] reads the history of a few profiles, [Scan] reads everything,
// profile by profile. How events lie on disk (packed in segments, see record.go) is nobody else's business.
//
// What holds: an event is stored once for each source and message id, whatever the order and the number
// of deliveries ([Dedupe]). For every source, received = accepted + duplicate + rejected, in the same
// transaction ([Count]). Both engines hold the same bytes. Writing costs the same however much is
// stored. There is no clock and no randomness here.
//
// Begin reading at [Reader.Message] and [Append].
package ingest
