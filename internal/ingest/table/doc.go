// Package table reads people, accounts and events from tables (CSV or NDJSON, plain or gzipped) and
// turns each row into the tracking message that says the same.
//
// In goes a stream of bytes of any size and origin: [Open] finds out how it is packed, encoded and
// delimited, and matches its columns with a [Mapping] or, without one, by their usual names. Out comes
// one [Item] per row, either a message in Segment's shape or a [Rejection] with its line and reason.
// [Run] sends the items in batches and adds up the answers.
//
// What holds, whatever the input: memory is bounded by constants (no field, row or header is read
// without a limit); no row is dropped silently; a message's id is a hash of what the row says, so that
// importing the same file twice changes nothing and a changed row is a new message.
//
// Nothing here touches files, the network, a clock or a database. Begin reading at [Open].
package table
