//go:build !linux

package queue

import "time"

// BootClock is for [Options.Elapsed]. It is nil here: Go's own clock stops while some of these systems
// sleep, so waking up looks like a jump of the wall clock, and timers are late by the time slept.
func BootClock() func() time.Duration { return nil }
