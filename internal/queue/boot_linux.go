package queue

import (
	"time"

	"golang.org/x/sys/unix"
)

// BootClock is for [Options.Elapsed]: the time since the machine was started, sleep included. When a
// laptop or a virtual machine wakes up, its wall clock has moved on by as much, so that is no jump, and
// what fell due meanwhile is done at once. Nil where the system has no such clock.
func BootClock() func() time.Duration {
	if _, err := sinceBoot(); err != nil {
		return nil
	}
	return func() time.Duration {
		d, _ := sinceBoot() // it was there a moment ago
		return d
	}
}

func sinceBoot() (time.Duration, error) {
	var ts unix.Timespec
	err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts)
	return time.Duration(ts.Nano()), err
}
