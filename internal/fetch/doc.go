// Package fetch is the one outgoing HTTP client: every request that leaves this process goes through it.
//
// In: an address that may come from a user, or from whoever took over a user's account. Out: the answer,
// or one of few errors. What is kept: only public addresses are dialled, which is decided on the address
// itself after the name was resolved, so that no spelling and no name server gets around it; only the
// ports of the web; no redirect is followed; TLS is verified; an attempt ends within seconds and takes in
// little, whatever the other side does; no proxy of the environment is used. What the operator puts on
// the list of [Options.Allow] is exempt from the first two.
//
// An error does not say whether a port is open or which addresses a name has: see [Client.Do].
//
// Begin reading at [Client.Do]; address.go decides which addresses are public.
package fetch
