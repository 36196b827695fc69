// Package access knows who may do what: write keys for tracking, API keys for programs, roles for
// people, and the one authorization function [Allow].
//
// What comes in is a secret; what goes out is a [Principal]. Secrets are stored as hashes only: a key is
// shown once, when it is made. A write key can send events and read nothing. Whether an event is trusted
// is a property of the key that sent it, never of the event.
//
// Begin reading at [Allow] and [Keys].
package access
