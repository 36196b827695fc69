package flow

import (
	"fmt"
	"testing"

	"cusp/internal/db"
	"cusp/internal/db/dbtest"
	"cusp/internal/lead"
)

// A mail gateway follows every link of a mail at once; later the person clicks one. The scan raises
// nothing, the click does, and a person's word takes a verdict back.
func TestEngine_quarantineIsReversible(t *testing.T) {
	t.Parallel()
	dbtest.Both(t, func(t *testing.T, d *db.DB) {
		b := newBench(t, d, hours(0))
		publishVariant(t, b, "on: {track: 'Asset Downloaded'}", "on: {track: 'Email Link Clicked'}")
		click := func(id string, at lead.Instant, link int) {
			b.set(max(b.instant(), at))
			b.submit(t, event(id, "u1", at, lead.Track, "Email Link Clicked", "",
				fmt.Sprintf(`{"properties":{"email_id":"m1","link":"https://www.acme.example/%d"}}`, link)))
		}
		interest := func() float64 { return b.explain(t, "u1").Intent.Classes.Interest }
		for i := range 6 {
			click(fmt.Sprint("scan", i), hours(1)+lead.Instant(i*50_000), i)
		}
		if x := b.explain(t, "u1"); x.Intent.Score != 0 || x.Quarantined != 6 {
			t.Errorf("after the scan: intent %v, %d of %d events kept out", x.Intent.Score, x.Quarantined, x.Events)
		}
		click("human", hours(3), 2)
		if got := interest(); got != 5 {
			t.Errorf("interest after a click by hand = %v, want 5", got)
		}
		verdict := event("v1", "user:u1", hours(4), lead.Verdict, "bot", "", `{}`)
		verdict.PreviousID = "human"
		b.set(hours(4))
		b.submit(t, verdict)
		if got := interest(); got != 0 {
			t.Errorf("interest after the click was called a robot's = %v, want 0", got)
		}
		verdict.MessageID, verdict.Name, verdict.Time = "v2", "human", hours(5)
		b.set(hours(5))
		b.submit(t, verdict)
		if got := interest(); got == 0 {
			t.Error("the verdict was not taken back")
		}
		verify(t, b)
	})
}
