package playbook

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"cusp/internal/condition"
	"cusp/internal/document"
)

// Schema is the format as JSON Schema 2020-12, for editors that complete and check while one types. It
// knows shapes, defaults and bounds; what takes understanding (conditions, ids, proofs) is for [Parse].
func Schema() []byte {
	s := objectRule("A playbook: the one document that defines what a qualified lead is.", properties{
		"playbook":     {"const": 1, "description": "Version of the format."},
		"name":         textRule("Name shown with every decision.", 200),
		"review_every": withDefault(durationRule("How long the criteria are good for; an overdue review is shown to everyone."), condition.FormatDuration(defaultReviewEvery)),
		"lists":        listsSchema(),
		"internal":     internalSchema(),
		"exclude":      listRule("Who is never handed to sales. The first match wins; its reason is shown everywhere.", maxExcludes, excludeSchema()),
		"fit":          fitSchema(),
		"signals":      signalsSchema(),
		"intent":       intentSchema(),
		"decide":       decideSchema(),
		"account":      accountSchema(),
		"momentum":     momentumSchema(),
		"handoff":      handoffSchema(),
		"nurture":      {"type": "object", "description": "Content, sequences, triggers. Left out: nothing is sent."},
	}, "playbook", "name", "signals", "decide")
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["$id"] = "urn:cusp:playbook:1"
	s["title"] = "Cusp playbook"
	s["$defs"] = properties{
		"id":        {"type": "string", "pattern": document.IDForm, "description": "Letters, digits, _ . and -, beginning with a letter."},
		"duration":  {"type": "string", "pattern": "^[1-9][0-9]{0,6}[mhdw]$", "examples": []string{"30m", "12h", "14d", "2w"}},
		"condition": conditionSchema(),
	}
	out, err := json.MarshalIndent(s, "", "  ")
	if err != nil { // maps of plain values always marshal
		panic(fmt.Sprintf("encode playbook schema: %v", err))
	}
	return append(out, '\n')
}

// properties are named schemas: those of an object, or definitions.
type properties map[string]keywords

// keywords make up one schema.
type keywords map[string]any

func objectRule(description string, props properties, required ...string) keywords {
	r := keywords{"type": "object", "description": description, "properties": props, "additionalProperties": false}
	if len(required) > 0 {
		r["required"] = required
	}
	return r
}

func listRule(description string, most int, item keywords) keywords {
	return keywords{"type": "array", "description": description, "maxItems": most, "items": item}
}

func textRule(description string, most int) keywords {
	return keywords{"type": "string", "description": description, "minLength": 1, "maxLength": most}
}

func numberRule(description string, low, high float64) keywords {
	r := keywords{"type": "number", "description": description, "minimum": low}
	if !math.IsInf(high, 1) {
		r["maximum"] = high
	}
	return r
}

func durationRule(description string) keywords {
	return keywords{"$ref": "#/$defs/duration", "description": description + " A number and a unit: 30m, 12h, 14d, 2w; a day is 24 hours."}
}

func wordsRule(description string, words ...string) keywords {
	return keywords{"enum": words, "description": description}
}

func withDefault(r keywords, value any) keywords {
	r["default"] = value
	return r
}

func refRule(definition, description string) keywords {
	return keywords{"$ref": "#/$defs/" + definition, "description": description}
}

func conditionSchema() keywords {
	var traits []string
	for _, t := range condition.PersonTraits() {
		traits = append(traits, "person."+t.Name)
	}
	for _, t := range condition.AccountTraits() {
		traits = append(traits, "account."+t.Name)
	}
	return keywords{
		"type": "string", "minLength": 1, "maxLength": condition.MaxLength,
		"description": "A condition in the expr language. It reads person, account, event (in a signal's where), lists, score.fit and score.intent, " +
			`and asks count("signal", "14d"), days_since("signal"), has_signal("signal"), known(person.title). ` +
			"What is missing makes it unknown, and an unknown condition is not met. Standard traits: " + strings.Join(traits, ", ") + ".",
		"examples": []string{"account.employees >= 50", "person.email_domain in lists.universities", `person.title matches "(?i)\\b(vp|head)\\b"`, `count("pricing_viewed", "14d") >= 3`},
	}
}

func listsSchema() keywords {
	return keywords{
		"type":        "object",
		"description": "Named lists for conditions: x in lists.name. Built in: " + strings.Join(condition.BuiltInLists(), ", ") + ".",
		"propertyNames": keywords{
			"pattern": listName.String(), "not": keywords{"enum": condition.BuiltInLists()},
		},
		"maxProperties":        maxLists,
		"additionalProperties": listRule("Values of the list.", maxList, textRule("One value, compared exactly.", maxListItem)),
	}
}

func internalSchema() keywords {
	return objectRule("The company's own people, whose traffic is kept out.", properties{
		"domains": listRule("E-mail domains.", 1000, textRule("A domain such as acme.example.", maxListItem)),
		"ips":     listRule("Addresses or networks.", 1000, textRule("203.0.113.7 or 203.0.113.0/24.", maxListItem)),
	})
}

func excludeSchema() keywords {
	return objectRule("Somebody who is never handed to sales.", properties{
		"id":      refRule("id", "Name of the exclusion."),
		"when":    refRule("condition", "Whom it matches."),
		"because": textRule("The reason that people are shown; the id when left out.", document.MaxText),
	}, "id", "when")
}

func fitSchema() keywords {
	rule := objectRule("Points for a condition.", properties{
		"when":   refRule("condition", "When the points are given."),
		"points": numberRule("Points; the largest of the criterion's rules is what it can give.", -1000, 1000),
	}, "when", "points")
	criterion := objectRule("One question about who they are.", properties{
		"id":    refRule("id", "Name of the criterion."),
		"needs": listRule("Traits without which the criterion is unknown. Left out: all that its rules read.", 50, keywords{"type": "string", "pattern": traitPath.String(), "maxLength": document.MaxText}),
		"ask":   textRule("How to ask a person for what is missing.", document.MaxText),
		"rules": listRule("The first rule that is met gives the points; none: 0.", maxRules, rule),
	}, "id", "rules")
	return objectRule("Who they are against the ideal customer profile.", properties{
		"gate":         withDefault(numberRule("Fit below it keeps intent from counting.", 0, 100), defaultGate),
		"min_coverage": withDefault(numberRule("With a smaller share of the points known, fit is unknown: neither good nor bad.", 0, 1), defaultMinCoverage),
		"criteria":     listRule("What fit is made of.", maxCriteria, criterion),
	})
}

func signalsSchema() keywords {
	signal := objectRule("One thing that leads do, and what it says about buying.", properties{
		"id":    refRule("id", "Name of the signal."),
		"class": wordsRule("interest: they read. evaluation: they compare. buying: they say so. usage: they use the product. negative: against it.", classNames[:]...),
		"stage": wordsRule("How far along its journey a buyer shows itself.", journeyStageNames[1:]...),
		"origin": withDefault(wordsRule("Where it was seen. Third party can warm a lead; only first party can trigger.",
			"first_party", "third_party"), "first_party"),
		"on":        triggerSchema(),
		"where":     refRule("condition", "A further condition."),
		"points":    numberRule("What one occurrence is worth; negative for negative signals.", -1000, 1000),
		"half_life": durationRule("After this long it is worth half. Left out: it does not decay."),
		"cap":       keywords{"type": "number", "exclusiveMinimum": 0, "maximum": 1000, "description": "The most that the signal can hold, as an absolute value. Left out: no cap."},
		"once_per":  durationRule("Repeats inside this window count as one. Left out: each counts."),
		"track":     withDefault(wordsRule("inbound marks a raised hand, for which minutes matter.", "nurture", "inbound"), "nurture"),
	}, "id", "class", "on", "points")
	r := listRule("What counts, in the order in which signals of one event are tried.", maxSignals, signal)
	r["minItems"] = 1
	return r
}

func triggerSchema() keywords {
	glob := textRule("A path such as /pricing*, without host and query; * stands for any characters.", document.MaxText)
	glob["pattern"] = "^[/*][^?#]*$"
	r := objectRule("What raises the signal: exactly one of these.", properties{
		"page":     glob,
		"track":    textRule("The exact name of a tracked event.", document.MaxText),
		"identify": {"const": true, "description": "Any identify call."},
		"form":     textRule("The name of a sent form.", document.MaxText),
		"signal":   textRule("Each time that signal is counted.", document.MaxText),
		"text":     wordsRule("What free text says; with no_ before it, its denial.", textTriggers()...),
		"turn":     wordsRule("The moment in which curiosity turns serious.", "serious"),
	})
	r["minProperties"], r["maxProperties"] = 1, 1
	return r
}

func intentSchema() keywords {
	caps := properties{"third_party": numberRule("Third-party signals of all classes together.", 0, 1000)}
	for c := range Negative {
		caps[c.String()] = numberRule("First-party "+c.String()+" signals together.", 0, 1000)
	}
	return objectRule("Limits of what signals add up to.", properties{
		"caps": objectRule("The most that a class can add. Left out: no cap. Interest and third party together must stay below review.", caps),
		"first_party_within": withDefault(durationRule("How long an evaluation, buying or usage signal makes intent trusted, and a raised hand waits."),
			condition.FormatDuration(defaultFirstPartyWithin)),
	})
}

func decideSchema() keywords {
	level := objectRule("A level of marketing qualification.", properties{
		"level":  {"type": "integer", "minimum": 1, "maximum": 99, "description": "Number of the level, ascending."},
		"intent": numberRule("Intent from which it holds, given the fit gate and one first-party evaluation, buying or usage signal.", 0, 1000),
	}, "level", "intent")
	cooldown := keywords{
		"type": "string", "pattern": condition.DurationPattern, "default": condition.FormatDuration(defaultCooldown),
		"description": "After a rejection, how long the lead rests unless a new buying signal arrives.",
	}
	return objectRule("The thresholds: fixed, no ranges.", properties{
		"review":   numberRule("Intent from which a person looks at the lead.", 0, 1000),
		"engage":   numberRule("Intent from which sales takes over.", 0, 1000),
		"mql":      listRule("Levels, lowest first.", maxLevels, level),
		"cooldown": cooldown,
		"inbound": objectRule("Raised hands.", properties{
			"fit_floor": withDefault(numberRule("Fit below it answers a raised hand without a call.", 0, 100), defaultInboundFloor),
		}),
	}, "review", "engage")
}

func accountSchema() keywords {
	weights := listRule("Weight of the most active person, the second, the third; largest first.", maxWeights, numberRule("A weight.", 0, 1))
	weights["minItems"] = 1
	return objectRule("A company judged by its people.", properties{
		"weights": withDefault(weights, []float64{1, 0.5, 0.25}),
		"roles_bonus": objectRule("Points for distinct roles of the buying group among the active people.", properties{
			"two":   withDefault(numberRule("Exactly two.", 0, 1000), 0),
			"three": numberRule("Three or more; as two when left out.", 0, 1000),
		}),
		"review": numberRule("Account intent from which a person looks at the company. Left out: never.", 0, 10000),
		"engage": numberRule("Account intent from which sales takes over. Left out: never.", 0, 10000),
	})
}

func momentumSchema() keywords {
	return objectRule("When a lead is warming or cooling, and when curiosity has turned serious.", properties{
		"fast":           withDefault(durationRule("Half-life of the short average of points."), condition.FormatDuration(defaultFast)),
		"slow":           withDefault(durationRule("Half-life of the long average; longer than fast."), condition.FormatDuration(defaultSlow)),
		"serious_within": withDefault(durationRule("Window in which the turn must happen."), condition.FormatDuration(defaultSeriousWithin)),
		"serious_count": withDefault(keywords{
			"type": "integer", "minimum": 1, "maximum": 100,
			"description": "Distinct evaluation or usage signals that make a lead serious; one buying signal always does.",
		}, defaultSeriousCount),
	})
}
