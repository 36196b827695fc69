package cli

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"cusp/internal/config"
)

// shell is what the commands of one run share: the process and the flags that all of them have.
type shell struct {
	p     *Process
	json  bool
	file  string            // settings file
	given map[string]string // settings given as flags, by option name
}

// newRoot builds the tree of commands.
func newRoot(p *Process) *cobra.Command {
	sh := &shell{p: p, given: map[string]string{}}
	root := &cobra.Command{
		Use:   "cusp",
		Short: "Tells interest from intent, and says why",
		Long: "Cusp reads what people do, decides who is ready for sales, and gives the reasons.\n\n" +
			"cusp demo shows it on a sample company; cusp serve runs it.",
		Example:       "  cusp demo\n  cusp serve --db cusp.db --playbook playbook.yaml\n  cusp explain ada@acme.example",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          noSuchCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	flags := root.PersistentFlags()
	flags.BoolVar(&sh.json, "json", false, "print one JSON document")
	flags.StringVar(&sh.file, "config", "", "settings file (CUSP_CONFIG; "+config.DefaultFile+" where there is one)")
	sh.settingFlags(flags, "db", "url", "log_level", "log_format")
	root.AddCommand(
		sh.serveCommand(), sh.demoCommand(),
		sh.importCommand(), sh.exportCommand(),
		sh.explainCommand(), sh.peopleCommand(), sh.timelineCommand(),
		sh.handoffsCommand(), sh.handoffCommand(),
		sh.playbookCommand(), sh.keyCommand(), sh.destinationCommand(),
		sh.userCommand(), sh.teamCommand(), sh.absenceCommand(), sh.auditCommand(),
		sh.doctorCommand(), sh.benchCommand(), sh.versionCommand(),
	)
	root.InitDefaultCompletionCmd()
	return root
}

// noSuchCommand refuses the first word of a command line that is no command.
func noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return usage("%q is not a command of %s; did you mean %s?", args[0], cmd.CommandPath(), strings.Join(near, " or "))
	}
	return usage("%q is not a command of %s", args[0], cmd.CommandPath())
}

// group makes a command that only holds others.
func group(cmd *cobra.Command, commands ...*cobra.Command) *cobra.Command {
	cmd.Args = noSuchCommand
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cmd.SetOut(cmd.ErrOrStderr())
		if err := cmd.Help(); err != nil {
			return err
		}
		return usage("%s needs one of its commands", cmd.CommandPath())
	}
	cmd.AddCommand(commands...)
	return cmd
}

// args counts arguments and names what is missing.
func args(names ...string) cobra.PositionalArgs {
	return func(_ *cobra.Command, got []string) error {
		if len(got) < len(names) {
			return usage("%s is missing", names[len(got)])
		}
		if len(got) > len(names) {
			return usage("%q is one argument too many", got[len(names)])
		}
		return nil
	}
}

// settingFlags offers settings as flags.
func (sh *shell) settingFlags(flags *pflag.FlagSet, names ...string) {
	for _, o := range config.Options() {
		if slices.Contains(names, o.Name) {
			doc := fmt.Sprintf("%s (%s)", strings.TrimSuffix(strings.ReplaceAll(o.Doc, "`", ""), "."), o.Env())
			flags.Var(&settingFlag{name: o.Name, given: sh.given}, o.Flag(), doc)
		}
	}
}

// settingFlag notes a setting that was given as a flag; package config reads and checks it.
type settingFlag struct {
	name  string
	given map[string]string
}

func (f *settingFlag) String() string { return "" }
func (f *settingFlag) Type() string   { return "value" }

// Set notes the value.
func (f *settingFlag) Set(text string) error {
	f.given[f.name] = text
	return nil
}

// settings reads flags, environment and file.
func (sh *shell) settings() (*config.Config, error) {
	c, err := config.Load(config.Source{Flags: sh.given, Environ: sh.p.Environ, File: sh.file, ReadFile: os.ReadFile})
	if err != nil {
		return nil, &usageError{err}
	}
	return c, nil
}

// say prints a line for people.
func (sh *shell) say(format string, args ...any) {
	_, _ = fmt.Fprintf(sh.p.Stdout, format+"\n", args...) // a closed pipe ends the program by itself
}
