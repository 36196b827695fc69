package alert

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"

	"cusp/internal/lead"
	"cusp/internal/slack"
)

// shownAt is a time as a recipient reads it: in their zone, which is named.
func shownAt(at lead.Instant, zone string) string {
	where, err := time.LoadLocation(zone)
	if err != nil || zone == "" {
		where = time.UTC
	}
	return at.Time().In(where).Format("Mon 2 Jan 15:04 MST")
}

func (f Fact) value(zone string) string {
	if f.At != 0 {
		return shownAt(f.At, zone)
	}
	return f.Text
}

func (a *Alerts) link(m *Message) string {
	if a.o.PublicURL == "" || m.Path == "" {
		return ""
	}
	return a.o.PublicURL + m.Path
}

// row is a fact as the letter shows it.
type row struct{ Name, Value string }

// page is what the letter is made from: texts only, so that a template can call nothing.
type page struct {
	Title string
	Lines []string
	Rows  []row
	Link  string
}

// letterHTML is plain on purpose: it has to look right in every mail program, and holds nothing that is
// loaded from elsewhere.
const letterHTML = `<!doctype html>
<html><body style="font-family:sans-serif;font-size:15px;line-height:1.45;color:#1a1a1a">
<h1 style="font-size:18px">{{.Title}}</h1>
{{range .Lines}}<p>{{.}}</p>
{{end}}{{if .Rows}}<table style="border-collapse:collapse">
{{range .Rows}}<tr><th style="text-align:left;padding:2px 12px 2px 0;font-weight:600">{{.Name}}</th><td>{{.Value}}</td></tr>
{{end}}</table>
{{end}}{{if .Link}}<p><a href="{{.Link}}">Open in Cusp</a></p>
{{end}}</body></html>
`

// letter is the text of an e-mail, without and with HTML.
func (a *Alerts) letter(j *job) (text, html string, err error) {
	m := &j.Message
	p := page{Title: m.Title, Lines: m.Lines, Link: a.link(m)}
	for _, f := range m.Facts {
		if v := f.value(j.Zone); v != "" {
			p.Rows = append(p.Rows, row{f.Name, v})
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", p.Title)
	for _, l := range p.Lines {
		fmt.Fprintf(&b, "\n%s\n", l)
	}
	if len(p.Rows) > 0 {
		b.WriteString("\n")
	}
	for _, r := range p.Rows {
		fmt.Fprintf(&b, "%s: %s\n", r.Name, r.Value)
	}
	if p.Link != "" {
		fmt.Fprintf(&b, "\n%s\n", p.Link)
	}
	t, err := template.New("letter").Parse(letterHTML)
	if err != nil {
		return "", "", fmt.Errorf("read the letter: %w", err)
	}
	var h strings.Builder
	if err := t.Execute(&h, p); err != nil {
		return "", "", fmt.Errorf("write the letter: %w", err)
	}
	return b.String(), h.String(), nil
}

// card is the message in Slack, with buttons when clicks can come back.
func (a *Alerts) card(d *Destination, j *job) slack.Message {
	m := &j.Message
	s := slack.Message{Title: m.Title, Lines: m.Lines, Footer: "Cusp"}
	for _, f := range m.Facts {
		s.Fields = append(s.Fields, slack.Field{Name: f.Name, Value: f.value(j.Zone)})
	}
	if m.Handoff != 0 && a.o.SlackSecret != "" {
		ref := strconv.FormatInt(m.Handoff, 10) + " " + d.ID
		s.Buttons = append(s.Buttons, slack.Button{Label: "Accept", Action: actionAccept, Value: ref, Style: "primary"})
		if len(m.Reasons) > 0 {
			menu := slack.Menu{Label: "Reject because…", Action: actionReject}
			for _, r := range m.Reasons {
				menu.Choices = append(menu.Choices, slack.Choice{Label: r.Label, Value: ref + " " + r.Code})
			}
			s.Menus = append(s.Menus, menu)
		}
	}
	if link := a.link(m); link != "" {
		s.Buttons = append(s.Buttons, slack.Button{Label: "Open in Cusp", Action: "open", URL: link})
	}
	return s
}
