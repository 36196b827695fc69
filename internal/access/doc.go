// Package access knows who may do what: write keys for tracking, API keys for programs, roles for
// people, and the one authorization function [Allow].
//
// What comes in is a secret; what goes out is a [Principal]. Secrets are stored as hashes only: a key is
// shown once, when it is made. A write key can send events and read nothing. Whether an event is trusted
// is a property of the key that sent it, never of the event.
//
// People sign in with a password and are asked for in the database with every request. Teams, absences and
// attributes are for routing ([Roster]). What people change is in the audit log, by [Record].
//
// Begin reading at [Allow], [Keys], [Staff] and [Record].
package access
