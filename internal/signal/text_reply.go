package signal

// Sentiment is how somebody answered a mail from sales.
type Sentiment string

// The sentiments. Neutral is an answer that tells nothing, such as a thank-you or an absence notice.
const (
	Neutral  Sentiment = "neutral"
	Positive Sentiment = "positive"
	NotNow   Sentiment = "later"
	Refusal  Sentiment = "negative"
)

// Reply classifies an English answer to an outreach. Only what the sender wrote counts, not what is
// quoted below. A refusal outweighs everything; "later" outweighs friendliness ("sounds good, but ask me
// in autumn"); an absence notice is neutral whatever else it says.
func Reply(text string) Sentiment {
	if len(text) > MaxText {
		text = text[:MaxText]
	}
	rules := replyRules()
	said := map[Kind]bool{}
	for _, s := range sentencesOf(rules, text) {
		hits, _, shadowed := rules.scan(&s)
		for i, h := range hits {
			if h.negated || overlapsShadow(h, shadowed) || beaten(hits, i) {
				continue
			}
			said[h.kind] = true
		}
	}
	switch {
	case said["reply_absent"]:
		return Neutral
	case said["reply_no"]:
		return Refusal
	case said["reply_later"]:
		return NotNow
	case said["reply_yes"] || said[Price] || said[Implementation]:
		return Positive
	}
	return Neutral
}
