package signal

import "testing"

func TestReply(t *testing.T) {
	t.Parallel()
	cases := map[Sentiment][]string{
		Positive: {
			"Sounds good, let's talk on Tuesday.", "Yes please send me more details.", "I'd be happy to chat next week.",
			"Interested. What does it cost for 50 users?", "Sure, Thursday works for me.", "Great timing, we are reviewing vendors right now.",
			"Can you show us a demo?", "ok, call me tomorrow at 10", "We would love to learn more.", "Tell me more!",
			"Does it integrate with NetSuite?", "Here is my calendar link, pick a slot. Happy to talk.",
			"Yes.\n\nOn Mon, 5 May 2025, Jo wrote:\n> Are you not interested?",
		},
		Refusal: {
			"Not interested.", "No thanks", "Please remove me from your list.", "We already have a vendor for this.",
			"Stop emailing me!", "This is not a good fit for us.", "unsubscribe", "We went with another provider.",
			"I am not the right person and we don't need this.", "no", "Thanks, but we're happy with our current tool.",
			"I'm really not interested, but thanks for calling.",
		},
		NotNow: {
			"Not right now, check back in Q3.", "Reach out again next year please.", "The timing isn't right.",
			"Sounds interesting but we're swamped until the summer.", "Maybe later this year.",
			"Circle back in a few months.", "Too early for us.", "Could you ping me again in September?",
			"This is not a priority at the moment. Let's revisit in January.",
		},
		Neutral: {
			"Thanks.", "I'm out of office until Monday. Call my colleague Jo.", "Received.", "",
			"Automatic reply: I am on vacation and back on 3 June. Happy to talk then.",
			"Noted, thank you for the information.",
		},
	}
	for want, texts := range cases {
		for _, text := range texts {
			if got := Reply(text); got != want {
				t.Errorf("Reply(%q) = %s, want %s", text, got, want)
			}
		}
	}
}
