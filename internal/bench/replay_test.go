package bench

import "testing"

func TestReplay_decidesAlikeFromLogAndMemory(t *testing.T) {
	t.Parallel()
	r, err := Replay(t.Context(), Options{Dir: t.TempDir(), Events: 3000, Leads: 100, Rounds: 1, Seed: 3, Say: func(string) {}})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Results) != 2 || r.Results[0].Name != "replay" || r.Results[0].Rate <= 0 || r.Results[0].Raw <= 0 {
		t.Errorf("got %+v", r.Results)
	}
}
