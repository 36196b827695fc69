package config

import (
	"fmt"
	"strings"
)

// Reference is the page that explains every setting, in Markdown. It is generated, so that it cannot
// fall behind the table.
func Reference() string {
	var b strings.Builder
	b.WriteString("# Settings\n\n" +
		"<!-- Generated from internal/config; `make generate` writes it. -->\n\n" +
		"A setting is taken from the first of: the flag, the environment variable, the file `" + DefaultFile + "` in the\n" +
		"working directory (or the one that `" + FileVariable + "` names), the default. A name that does not exist is an error.\n\n" +
		"| in the file | flag | variable | default | what it does |\n| --- | --- | --- | --- | --- |\n")
	for _, o := range Options() {
		variable := "`" + o.Env() + "`"
		if o.FromFile() {
			variable += " or `" + o.Env() + "_FILE`"
		}
		def := "–"
		if o.Default != "" {
			def = "`" + o.Default + "`"
		}
		fmt.Fprintf(&b, "| `%s` | `--%s` | %s | %s | %s |\n", o.Name, o.Flag(), variable, def, o.Doc)
	}
	b.WriteString("\nA sample file:\n\n```yaml\n" + Sample() + "```\n")
	return b.String()
}

// Sample is a settings file with every option at its default, as comments.
func Sample() string {
	var b strings.Builder
	for _, o := range Options() {
		if o.Secret {
			continue // a secret does not belong into a file that is checked in
		}
		line := strings.TrimRight("# "+o.Name+": "+o.Default, " ")
		fmt.Fprintf(&b, "# %s\n%s\n", strings.ReplaceAll(o.Doc, "`", ""), line)
	}
	return b.String()
}
