package playbook

import (
	"cusp/internal/condition"
	"cusp/internal/document"
)

// handoffSchema is the section that the stage of the same name reads; a test there holds the two together.
func handoffSchema() keywords {
	return objectRule("How leads get to sales and back: teams, routing, clocks, answers. Left out: one team, always open, with the default clocks.", properties{
		"manager":   emailRule("Gets what no team can take. Left out: marketing keeps it."),
		"calendars": listRule("When people are at work.", 200, calendarSchema()),
		"teams":     withMin(listRule("Who gets leads; who belongs to a team is kept with the users. One of them is the fallback. Left out: the team sales.", 200, teamSchema())),
		"regions": keywords{
			"type": "object", "description": "Names for lists of countries.", "maxProperties": 200,
			"propertyNames":        keywords{"pattern": document.IDForm, "minLength": 3},
			"additionalProperties": withMin(listRule("Country codes.", 300, countryRule())),
		},
		"routing":    listRule("The first rule that matches says who is asked; leads that none matches go to the fallback team.", 500, routingSchema()),
		"sla":        slaSchema(),
		"reasons":    withMin(listRule("Why sales may say no; a list replaces the default one.", 100, reasonSchema())),
		"frameworks": withDefault(listRule("In which a qualified lead is written down.", 6, wordsRule("A framework.", "bant", "champ", "gpctba")), []string{"bant"}),
		"alerts":     listRule("Who hears of what; a list replaces the default one, [] switches alerts off.", 100, alertSchema()),
		"quiet": objectRule("Hours in which alerts wait, in the recipient's zone; raised hands are never held back. Left out: none.", properties{
			"from": clockRule("When quiet begins."), "to": clockRule("When quiet ends."),
		}, "from", "to"),
	})
}

func withMin(r keywords) keywords {
	r["minItems"] = 1
	return r
}

func emailRule(description string) keywords {
	return keywords{"type": "string", "pattern": "^[^\\s@]+@[^\\s@]+\\.[^\\s@]+$", "maxLength": 200, "description": "The e-mail address of a user. " + description}
}

func countryRule() keywords {
	return keywords{"type": "string", "pattern": "^[A-Za-z]{2}$", "description": "A code of ISO 3166-1, such as DE."}
}

func clockRule(description string) keywords {
	return keywords{"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$", "description": description + ` As in "20:00".`}
}

// spanRule is a duration that may be nothing.
func spanRule(description string) keywords {
	return keywords{"type": "string", "pattern": condition.DurationPattern, "description": description}
}

func boolRule(description string) keywords {
	return keywords{"type": "boolean", "description": description}
}

func calendarSchema() keywords {
	part := keywords{"type": "string", "pattern": "^[0-9]{1,2}:[0-9]{2} *[-–] *[0-9]{1,2}:[0-9]{2}$", "description": `Part of a day: "09:00-12:30".`}
	times := keywords{"description": "Parts of the day.", "oneOf": []keywords{part, listRule("Parts of the day.", 48, part)}}
	orWhole := keywords{"description": "Parts of the day; nothing for the whole of it.", "oneOf": []keywords{part, listRule("Parts of the day.", 48, part), {"type": "null"}}}
	week := properties{}
	for _, day := range []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"} {
		week[day] = times
	}
	dates := func(description string) keywords {
		return keywords{
			"type": "object", "description": description, "maxProperties": 5000, "additionalProperties": orWhole,
			"propertyNames": keywords{"pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"},
		}
	}
	return objectRule("A calendar: zone, ordinary week, holidays, dates that differ.", properties{
		"id":       refRule("id", "Name of the calendar."),
		"zone":     textRule("A name of the IANA time zone database, such as Europe/Berlin.", 200),
		"hours":    objectRule("The ordinary week; a day that is left out is closed.", week),
		"holidays": listRule("Countries or regions whose holidays are days off.", 50, textRule("A code such as DE, DE-BY or US.", 40)),
		"closed":   dates("Dates off; with times, the part of the date that is off."),
		"open":     dates("Dates with exactly these hours, whatever weekday or holiday they are."),
	}, "id", "zone")
}

func teamSchema() keywords {
	policy := func(track string) keywords {
		return objectRule("What happens to leads of the "+track+" track when nobody of the team is both open and free.", properties{
			"when_off":  withDefault(wordsRule("They are closed or absent.", "queue", "overflow", "manager"), "queue"),
			"when_full": withDefault(wordsRule("All have their hands full.", "queue", "overflow", "manager"), "queue"),
			"wait":      withDefault(boolRule("Who is closed has turns, and the lead waits for the opening."), false),
			"grace":     spanRule("With wait: how much later than the first one may open and still have a turn."),
			"max_wait":  spanRule("An opening farther away is not waited for. Left out: any."),
		})
	}
	return objectRule("Reps who share their leads by turns.", properties{
		"id":       refRule("id", "Name of the team, to which users are assigned."),
		"name":     textRule("What people call it; the id when left out.", 200),
		"calendar": textRule("Calendar of members without one of their own. Left out: always open.", 200),
		"fallback": withDefault(boolRule("Takes whatever no other team can."), false),
		"overflow": textRule("The team that is asked when the policy says overflow. Left out: the fallback team.", 200),
		"manager":  emailRule("Gets what the policy sends to the manager."),
		"inbound":  policy("inbound"),
		"nurture":  policy("nurture"),
	}, "id")
}

func routingSchema() keywords {
	return objectRule("A rule; all that it states must hold.", properties{
		"id":             refRule("id", "Name of the rule."),
		"when":           refRule("condition", "Traits and scores; single signals are not known here."),
		"track":          wordsRule("Left out: both.", "inbound", "nurture"),
		"territories":    listRule("Countries and regions. Left out: everywhere.", 300, textRule("A country code or the name of a region.", 200)),
		"min_engagement": withDefault(numberRule("Least intent.", 0, 100), 0),
		"to":             textRule("A team, or the e-mail address of a user.", 200),
		"otherwise":      textRule("Behind a user: the team that is asked when the user cannot take the lead.", 200),
	}, "id", "to")
}

// clocks are the defaults of one track, as the schema shows them.
type clocks struct {
	business                                  bool
	contact, warn, escalate, reassign, giveUp string
	attempts                                  int
}

func slaSchema() keywords {
	track := func(description string, c clocks) keywords {
		return objectRule(description+" A step that is left out keeps its proportion to first_contact; 0m switches it off.", properties{
			"business":      withDefault(boolRule("Clocks run in the owner's working time."), c.business),
			"first_contact": withDefault(spanRule("The promise: the first real contact."), c.contact),
			"warn":          withDefault(spanRule("Warning to the owner; before first_contact."), c.warn),
			"escalate":      withDefault(spanRule("To the manager; at first_contact or after."), c.escalate),
			"reassign":      withDefault(spanRule("To the next rep; at first_contact or after."), c.reassign),
			"return":        withDefault(spanRule("Back to marketing when nobody answered; after all other steps."), c.giveUp),
			"attempts":      withDefault(keywords{"type": "integer", "minimum": 1, "maximum": 100, "description": "Contact attempts after which a lead may be recycled as not reached."}, c.attempts),
		})
	}
	return objectRule("The clocks, from the assignment on.", properties{
		"inbound": track("Raised hands.", clocks{false, "5m", "3m", "10m", "15m", "1d", 6}),
		"nurture": track("Everybody else.", clocks{true, "1d", "20h", "2d", "3d", "7d", 8}),
	})
}

func reasonSchema() keywords {
	return objectRule("One reason that an answer may carry.", properties{
		"code":    refRule("id", "Name of the reason."),
		"label":   textRule("What people read; the code when left out.", 200),
		"barrier": wordsRule("Why such leads do not become deals.", "qualification_gap", "timing", "mismatched_expectations"),
		"recycle": spanRule("After this long the lead is proposed again, at most three years. Left out: not."),
	}, "code", "barrier")
}

func alertSchema() keywords {
	on := wordsRule("What happened.", "assigned", "warning", "breach", "escalated", "reassigned", "returned", "answered")
	return objectRule("One message to one destination.", properties{
		"on":     withMin(listRule("What it is about.", 14, on)),
		"tracks": listRule("On which tracks. Left out: both.", 4, wordsRule("A track.", "inbound", "nurture")),
		"to":     refRule("id", "owner, manager, or a destination of the settings."),
	}, "on", "to")
}
