// Package signal turns events into what they say about buying, and keeps out what was not meant.
//
// Three parts, all pure: they know no clock, database or network.
//   - [Matcher] finds the signals of a playbook that an event may raise.
//   - [Read] finds in what people wrote whether there is a budget, a deadline, an approved project, a
//     failed solution, authority or urgency, and whether they ask about price or implementation; and
//     their denials. [Reply] tells a kind answer from a refusal and from "later".
//   - [Guard] says which events no buyer meant: robots, link scanners of mail gateways, mail proxies,
//     forms filled by machines, the company's own people.
//
// A verdict depends on a bounded neighbourhood of an event among the person's other events. What it must
// remember is a [Recent], small enough to live in a lead's state; when a new event changes an earlier
// verdict, the lead is to be folded again.
package signal
