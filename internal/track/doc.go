// Package track is the edge that SDKs talk to: Segment's HTTP API and what RudderStack, Jitsu and
// PostHog's server SDKs make of it.
//
// In come HTTP requests; out go batches of events, read by package ingest, to a submit function that
// returns when they are durable. Only then the answer is {"success":true}. A request is refused as a
// whole only when it cannot be read (400, 413, 415), when nobody knows its key (401), or when it cannot
// be stored now (429, 503 with Retry-After); one bad event never costs the others. Every answer, refusals
// included, carries the CORS headers without which a browser could not read it; cookies mean nothing here.
//
// No request costs more memory than a constant: bodies are read and unpacked up to [MaxBody], and not at
// all when they announce more.
//
// Begin reading at [Handler.ServeHTTP] and [Handler.take].
package track
