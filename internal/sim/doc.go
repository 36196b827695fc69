// Package sim is a company that does not exist: Tallyport, which sells spend management to companies of 50
// to 2,000 people, with everybody who comes by its website: buyers alone and in groups, researchers,
// students, competitors, interns, job seekers, suppliers, its own staff, crawlers and the link scanners of
// mail gateways.
//
// Out come Segment messages in order of arrival, with late ones, repeated ones and anonymous visitors who
// become known; beside them the [Truth] that no product could see: who they are, when they turned serious,
// whether they would buy. Names of events and pages are those of examples/midmarket-saas.
//
// Everything follows from the seed: the same configuration gives the same bytes, on any machine. Begin
// reading at [New].
package sim
