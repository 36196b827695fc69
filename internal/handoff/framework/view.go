package framework

import (
	"slices"

	"cusp/internal/lead"
)

// View is a framework over the facts at an instant.
type View struct {
	ID           string  `json:"id" enum:"bant,champ,gpctba"`
	Name         string  `json:"name"`
	Items        []Item  `json:"items"`
	Completeness float64 `json:"completeness" doc:"Share of the items that are known and not too old, 0 to 1."`
}

// Item is one line of a framework.
type Item struct {
	Key      Key      `json:"key"`
	Label    string   `json:"label"`
	Known    bool     `json:"known"`
	From     Key      `json:"from,omitempty" doc:"The fact that answers it, when it is a related one."`
	Standing Standing `json:"standing,omitempty" enum:"yes,partly,no"`
	Value    string   `json:"value,omitempty"`
	Amount   float64  `json:"amount,omitempty"`
	Source   Source   `json:"source,omitempty" enum:"rep,form,chat,signal,trait"`
	Of       string   `json:"of,omitempty" doc:"The colleague whom it is about, when it is not the lead."`
	By       string   `json:"by,omitempty" doc:"The rep who wrote it down."`
	At       string   `json:"at,omitempty" format:"date-time"`
	AgeDays  int      `json:"age_days,omitempty"`
	Stale    bool     `json:"stale,omitempty" doc:"So old that it should be asked again."`
	Disputed bool     `json:"disputed,omitempty" doc:"Another statement says something else."`
	Ask      string   `json:"ask,omitempty" doc:"How to ask for it while it is unknown or too old."`
}

// line is a question of a framework: the fact that answers it, and facts that answer it too.
type line struct {
	key   Key
	label string
	also  []Key
	ask   string
}

type definition struct {
	id, name string
	lines    []line
}

const (
	askBudget    = "Is money set aside for this, and roughly how much?"
	askAuthority = "Who besides you has a say in this decision?"
	askTimeline  = "By when do you need this to be running, and what happens on that date?"
	askChallenge = "What does not work the way you do it today?"
)

func definitions() []definition {
	return []definition{
		{"bant", "BANT", []line{
			{Budget, "Budget", []Key{Money}, askBudget},
			{Authority, "Authority", nil, askAuthority},
			{Need, "Need", []Key{Challenges, Goals}, "What made you look into this now?"},
			{Timeline, "Timeline", nil, askTimeline},
		}},
		{"champ", "CHAMP", []line{
			{Challenges, "Challenges", []Key{Need}, askChallenge},
			{Authority, "Authority", nil, askAuthority},
			{Money, "Money", []Key{Budget}, "What would solving this be worth to you, and where would the money come from?"},
			{Prioritization, "Prioritization", []Key{Timeline}, "Where does this stand among your projects this year?"},
		}},
		{"gpctba", "GPCTBA/C&I", []line{
			{Goals, "Goals", nil, "Which figure do you want to move, and by how much?"},
			{Plans, "Plans", nil, "How do you plan to get there?"},
			{Challenges, "Challenges", []Key{Need}, askChallenge},
			{Timeline, "Timeline", nil, askTimeline},
			{Budget, "Budget", []Key{Money}, askBudget},
			{Authority, "Authority", nil, askAuthority},
			{Consequences, "Negative consequences", nil, "What happens if nothing changes?"},
			{Implications, "Positive implications", nil, "What could you do once this is solved?"},
		}},
	}
}

// IDs are the frameworks that there are.
func IDs() []string {
	var ids []string
	for _, d := range definitions() {
		ids = append(ids, d.id)
	}
	return ids
}

// Views shows facts as the frameworks with these ids, in their order; unknown ids are left out. It looks
// at the lead's own facts and at those of colleagues, as deals are made by companies.
func Views(ids []string, facts []Fact, now lead.Instant) []View {
	known := Settle(facts, now)
	out := []View{}
	for _, id := range ids {
		i := slices.IndexFunc(definitions(), func(d definition) bool { return d.id == id })
		if i >= 0 {
			out = append(out, definitions()[i].view(known, now))
		}
	}
	return out
}

func (d *definition) view(known []Known, now lead.Instant) View {
	v := View{ID: d.id, Name: d.name, Items: []Item{}}
	fresh := 0
	for _, l := range d.lines {
		item := l.item(known, now)
		if item.Known && !item.Stale {
			fresh++
		}
		v.Items = append(v.Items, item)
	}
	v.Completeness = float64(fresh) / float64(len(d.lines))
	return v
}

func (l *line) item(known []Known, now lead.Instant) Item {
	item := Item{Key: l.key, Label: l.label, Ask: l.ask}
	k, ok := l.answer(known)
	if !ok {
		return item
	}
	item.Known, item.Standing, item.Value, item.Amount = true, k.Standing, k.Value, k.Amount
	item.Source, item.Of, item.By, item.At = k.Source, k.Of, k.By, k.At.String()
	item.AgeDays, item.Stale, item.Disputed = int(k.Age(now).Hours()/24), k.Stale(now), k.Disputed
	if k.Key != l.key {
		item.From = k.Key
	}
	if !item.Stale && !item.Disputed {
		item.Ask = ""
	}
	return item
}

// answer is the fact under the line's own key, else the first related one.
func (l *line) answer(known []Known) (Known, bool) {
	for _, key := range append([]Key{l.key}, l.also...) {
		if i := slices.IndexFunc(known, func(k Known) bool { return k.Key == key }); i >= 0 {
			return known[i], true
		}
	}
	return Known{}, false
}
