// Command cusp-sdk-test sends events with the unmodified Go SDK of Segment.
//
// Its arguments are the address of the server, a write key and the number of events. Every event carries
// its number, so that the reader of the other end can tell which arrived.
package main

import (
	"fmt"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	analytics "github.com/segmentio/analytics-go/v3"
)

// outcome counts what the SDK says became of the messages.
type outcome struct{ delivered, lost atomic.Int64 }

func (o *outcome) Success(analytics.Message)        { o.delivered.Add(1) }
func (o *outcome) Failure(analytics.Message, error) { o.lost.Add(1) }

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 3 {
		return fmt.Errorf("usage: cusp-sdk-test ADDRESS KEY COUNT")
	}
	count, err := strconv.Atoi(args[2])
	if err != nil {
		return fmt.Errorf("read count: %w", err)
	}
	var told outcome
	client, err := analytics.NewWithConfig(args[1], analytics.Config{
		Endpoint: args[0], BatchSize: 20, Interval: 50 * time.Millisecond, Callback: &told,
	})
	if err != nil {
		return fmt.Errorf("make client: %w", err)
	}
	for n := range count {
		if err := client.Enqueue(message(n)); err != nil {
			return fmt.Errorf("enqueue event %d: %w", n, err)
		}
	}
	// Close gives up what is being retried, so it waits for the last answer.
	for end := time.Now().Add(time.Minute); told.delivered.Load()+told.lost.Load() < int64(count); {
		if time.Now().After(end) {
			return fmt.Errorf("the SDK is still sending after a minute")
		}
		time.Sleep(10 * time.Millisecond)
	}
	if lost := told.lost.Load(); lost > 0 {
		return fmt.Errorf("the SDK gave up %d events", lost)
	}
	return client.Close()
}

func message(n int) analytics.Message {
	user := fmt.Sprintf("go-%d", n%7)
	switch {
	case n < 7:
		return analytics.Identify{UserId: user, Traits: analytics.NewTraits().SetEmail(user+"@acme.example").Set("n", n)}
	case n%5 == 0:
		return analytics.Page{UserId: user, Name: "Pricing", Properties: analytics.NewProperties().SetPath("/pricing").Set("n", n)}
	case n%11 == 0:
		return analytics.Group{UserId: user, GroupId: "acme", Traits: analytics.NewTraits().SetName("Acme").Set("n", n)}
	}
	return analytics.Track{UserId: user, Event: "Feature Used", Properties: analytics.NewProperties().Set("n", n)}
}
