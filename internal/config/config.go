// Package config reads the settings of a process from one table of options.
//
// In: flags, the environment, a file, and the table's defaults, in this order of precedence. Out: a
// [Config] whose every value was checked. Every option can be set in each of the three ways; a secret
// can also be read from a file that NAME_FILE names, as container platforms provide it. All mistakes are
// reported at once, each with where it was made. Names that do not exist are mistakes.
//
// Nothing here is global: everything that is read comes in as a [Source]. Begin reading at the table,
// [Options].
package config

import (
	"errors"
	"io/fs"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"cusp/internal/fault"
)

// Config is what a process was told. Field and option have the same name, but for Proxies.
type Config struct {
	Addr      string
	DB        string
	Playbook  string
	LogLevel  slog.Level
	LogFormat string // text or json
	PublicURL string // without a slash at the end; empty when not set
	Metrics   bool
	Proxies   []netip.Prefix // trusted_proxies
	URL       string
	Token     Secret

	CalcomSecret   Secret
	CalendlySecret Secret

	KeyFile       string
	SMTPHost      string
	SMTPPort      int // 0: by SMTPSecurity
	SMTPUser      string
	SMTPPassword  Secret
	SMTPFrom      string
	SMTPSecurity  string // starttls, tls or none
	SlackSecret   Secret
	OutgoingAllow []string // host:port

	values   map[string]value
	warnings []string
}

// Secret is a text that must not be seen: it prints as "<secret>" everywhere but in [Secret.Reveal].
type Secret string

const hidden = "<secret>"

// Reveal returns the secret itself, for the one place that needs it.
func (s Secret) Reveal() string { return string(s) }

// String hides the secret; an empty one prints as nothing.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return hidden
}

// GoString hides the secret from %#v.
func (s Secret) GoString() string { return s.String() }

// LogValue hides the secret from logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText hides the secret from JSON and YAML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Source is where settings come from.
type Source struct {
	Flags    map[string]string                 // by option name, only those that were given
	Environ  []string                          // NAME=value, as os.Environ gives it
	File     string                            // the settings file; empty for cusp.yaml, which may be missing
	ReadFile func(name string) ([]byte, error) // os.ReadFile
}

// value is a setting and where it was made.
type value struct {
	text   string
	origin string // "--addr", "CUSP_ADDR", "cusp.yaml:3", "default"
}

// DefaultFile is read when no other file is named.
const DefaultFile = "cusp.yaml"

// Load reads and checks all settings. The error is [fault.Invalid] and names every mistake.
func Load(src Source) (*Config, error) {
	l := loader{src: src, env: environment(src.Environ), values: map[string]value{}}
	options := Options()
	for _, o := range options {
		l.values[o.Name] = value{o.Default, "default"}
	}
	l.file(options)
	l.environment(options)
	l.flags(options)
	c := &Config{values: l.values, warnings: l.warnings}
	for _, o := range options {
		v := l.values[o.Name]
		if err := o.set(c, v.text); err != nil {
			l.mistake(v.origin, err.Error())
		}
	}
	if len(l.mistakes) > 0 {
		mistakes := fault.New(fault.Invalid, "%s", strings.Join(l.mistakes, "\n"))
		if l.unknown {
			mistakes = mistakes.WithHint("the options are: %s", strings.Join(names(options), ", "))
		}
		return nil, mistakes
	}
	return c, nil
}

// Warnings are what looks like a mistake but may belong to somebody else, for the log.
func (c *Config) Warnings() []string { return c.warnings }

// A Setting is one option as it was decided, for people who ask where a value comes from.
type Setting struct {
	Name, Value, Origin string
}

// Settings lists every option with its value and origin; secrets are hidden.
func (c *Config) Settings() []Setting {
	var all []Setting
	for _, o := range Options() {
		v := c.values[o.Name]
		all = append(all, Setting{o.Name, o.shown(v.text), v.origin})
	}
	return all
}

type loader struct {
	src      Source
	env      map[string]string
	values   map[string]value
	mistakes []string
	unknown  bool // an option was named that does not exist
	warnings []string
}

func (l *loader) mistake(where, what string) { l.mistakes = append(l.mistakes, where+": "+what) }

func environment(environ []string) map[string]string {
	env := map[string]string{}
	for _, e := range environ {
		if name, v, ok := strings.Cut(e, "="); ok {
			env[name] = v
		}
	}
	return env
}

func (l *loader) flags(options []Option) {
	for _, name := range slices.Sorted(maps.Keys(l.src.Flags)) {
		if !slices.ContainsFunc(options, func(o Option) bool { return o.Name == name }) {
			l.unknown = true
			l.mistake("--"+dashed(name), "there is no such option"+suggest(name, options))
			continue
		}
		l.values[name] = value{l.src.Flags[name], "--" + dashed(name)}
	}
}

// environment reads CUSP_NAME and, for what may hold a secret, CUSP_NAME_FILE.
func (l *loader) environment(options []Option) {
	known := map[string]bool{FileVariable: true}
	for _, o := range options {
		known[o.Env()] = true
		if v, ok := l.env[o.Env()]; ok {
			l.values[o.Name] = value{v, o.Env()}
		}
		if !o.FromFile() {
			continue
		}
		variable := o.Env() + "_FILE"
		known[variable] = true
		if file, ok := l.env[variable]; ok {
			l.secretFile(o, variable, file)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(l.env)) {
		rest, ours := strings.CutPrefix(name, prefix)
		if ours && !known[name] {
			// Not an error: container platforms make variables from the names of services, and tests have theirs.
			l.warnings = append(l.warnings, name+" is not a setting of Cusp"+suggest(strings.ToLower(rest), options))
		}
	}
}

func (l *loader) secretFile(o Option, variable, file string) {
	if _, both := l.env[o.Env()]; both {
		l.mistake(variable, o.Env()+" is set as well; set one of the two")
		return
	}
	text, err := l.src.ReadFile(file)
	if err != nil {
		l.mistake(variable, err.Error())
		return
	}
	l.values[o.Name] = value{strings.TrimRight(string(text), "\r\n"), variable}
}

// FileVariable names another settings file than [DefaultFile].
const FileVariable = prefix + "CONFIG"

func (l *loader) file(options []Option) {
	name, must := l.src.File, true
	if name == "" {
		name = l.env[FileVariable]
	}
	if name == "" {
		name, must = DefaultFile, false
	}
	text, err := l.src.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) && !must {
		return
	}
	if err != nil {
		l.mistake(name, err.Error())
		return
	}
	l.yaml(name, text, options)
}
