// Package respond is the one place that builds HTTP answers: JSON, problem documents (RFC 9457), CSV and
// NDJSON streams, and the headers that go with each of them.
//
// A [Router] holds every route with the action it needs, so that a route without a policy cannot exist.
// Around the router stands one chain of middleware ([Router.Handler]): request id, recovery, access log.
// Errors become answers in one function, [Fail]: the kind of a fault decides the status, its message and
// hint are shown, its cause is only logged.
//
// Begin reading at [Router] and [Fail].
package respond
