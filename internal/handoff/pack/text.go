package pack

import (
	"fmt"
	"strings"
)

// Text is the pack as plain text, for mails, chats and terminals.
func (p *Pack) Text() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("%s", p.Who)
	if p.Company != "" {
		line("%s", p.Company)
	}
	section(&b, "Why now", p.Why, func(s string) string { return s })
	section(&b, "In their words", p.Said, func(q Quote) string {
		about := ""
		if len(q.About) > 0 {
			about = " [" + strings.Join(q.About, ", ") + "]"
		}
		return fmt.Sprintf("“%s” (%s, %s)%s", q.Text, q.Where, date(q.At), about)
	})
	section(&b, "What they did", p.Did, func(d Deed) string { return d.Text })
	section(&b, "Open with", p.Open, func(o Opening) string { return o.Text + " " + o.Because })
	section(&b, "Ask", p.Ask, func(q OpenQuestion) string { return q.Text + " " + q.Because })
	section(&b, "Better not", p.Avoid, func(a Avoid) string { return a.Text + " " + a.Because })
	section(&b, "Read already", p.Read, func(r Reading) string {
		text := r.Path
		if r.Title != "" {
			text += " “" + r.Title + "”"
		}
		if r.Count > 1 {
			text += fmt.Sprintf(", %d times", r.Count)
		}
		return text + ", " + date(r.LastAt)
	})
	section(&b, "Also at the company", p.Colleagues, func(o Other) string { return o.line() })
	section(&b, "Before", p.Before, func(e Earlier) string {
		return e.line()
	})
	p.frameworks(&b)
	return b.String()
}

func (e *Earlier) line() string {
	text := date(e.At) + " " + e.Outcome
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	if e.Note != "" {
		text += " (" + e.Note + ")"
	}
	return text
}

func (o *Other) line() string {
	text := o.Name
	if o.Title != "" {
		text += ", " + o.Title
	}
	if o.Decides {
		text += " (probably decides)"
	}
	if o.Decision != "" {
		text += ": " + string(o.Decision)
	}
	if o.LastSeen != "" {
		text += ", last seen " + date(o.LastSeen)
	}
	return text
}

func (p *Pack) frameworks(b *strings.Builder) {
	for _, v := range p.Frameworks {
		fmt.Fprintf(b, "\n%s, %.0f %% known\n", v.Name, 100*v.Completeness)
		for _, item := range v.Items {
			fmt.Fprintf(b, "- %s: %s\n", item.Label, answer(item.Known, string(item.Standing), item.Value, string(item.Source), item.AgeDays))
		}
	}
}

func answer(known bool, standing, value, source string, age int) string {
	switch {
	case !known:
		return "?"
	case value != "":
		standing += ", “" + value + "”"
	}
	return fmt.Sprintf("%s (%s, %d days old)", standing, source, age)
}

func section[T any](b *strings.Builder, title string, items []T, word func(T) string) {
	if len(items) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s\n", title)
	for _, item := range items {
		fmt.Fprintf(b, "- %s\n", word(item))
	}
}

// date is the date of a time stamp.
func date(at string) string { return at[:min(len(at), len("2006-01-02"))] }
