// Package calendar answers when people are at work: is somebody there at an instant, when does it open or
// close next, when is a deadline of so much business time due, and how much business time has passed.
//
// In goes a [Spec]: a zone, weekly hours, holidays by country and region, closed dates and dates with hours
// of their own. [Compile] turns it into a [Calendar], an immutable value that any number of goroutines may
// share. Absences are taken out with [Calendar.Without]; a team is the [Union] of its people, and the time at
// which rep and prospect are both at work is the [Intersect] of their calendars.
//
// Invariants:
//
//   - Openings are half-open: at the minute at which it closes it is closed.
//   - A local time means the first instant at which the clock in the zone shows that time or a later one. So
//     02:30 on a night without a 02:30 is the moment of the jump, 02:30 on a night with two is the first
//     of them, and every instant counts once.
//   - Between(a, b) + Between(b, c) = Between(a, c), and Between(a, Add(a, d)) = d.
//   - Every answer comes in bounded time: calendars are closed outside 1970 to 2199, and one that stays closed
//     for longer than [Horizon] counts as closed for good.
//
// Nothing here reads a clock. Zones come from the system's IANA database where there is one, else from the
// copy inside the program. Begin reading at calendar.go; local.go turns hours of a zone into instants.
package calendar
