package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"cusp/internal/fault"
)

const prefix = "CUSP_"

// Option is one row of the table of settings.
type Option struct {
	Name    string // as in the file: log_level
	Default string
	Doc     string // what it does, for the reference page and --help
	Secret  bool   // the value is a secret
	Address bool   // the value may be an address with a password in it
	set     func(c *Config, text string) error
}

// Env is the name of the option's environment variable.
func (o Option) Env() string { return prefix + strings.ToUpper(o.Name) }

// FromFile says that the value may be read from a file, which NAME_FILE names.
func (o Option) FromFile() bool { return o.Secret || o.Address }

// shown is the value as people may see it.
func (o Option) shown(text string) string {
	if o.Secret {
		return Secret(text).String()
	}
	if !o.Address || !strings.Contains(text, "://") {
		return text
	}
	u, err := url.Parse(text)
	if err != nil {
		return hidden // a password may be what broke it
	}
	return u.Redacted()
}

// Flag is the name of the option's flag, without dashes before it.
func (o Option) Flag() string { return dashed(o.Name) }

func dashed(name string) string { return strings.ReplaceAll(name, "_", "-") }

// Options is the table of all settings, in the order in which they are explained.
func Options() []Option { return slices.Concat(serving(), connecting(), mailing(), working()) }

// serving are the settings of a server.
func serving() []Option {
	return []Option{
		{
			Name: "addr", Default: "127.0.0.1:8787",
			Doc: "Address and port to listen on. `0.0.0.0:8787` listens on all networks; put a proxy with TLS before it.",
			set: func(c *Config, s string) (err error) { c.Addr, err = address(s); return err },
		},
		{
			Name: "db", Default: "cusp.db", Address: true,
			Doc: "The database: the path of a file, or `postgres://user:password@host/name`.",
			set: func(c *Config, s string) (err error) { c.DB, err = filled(s); return err },
		},
		{
			Name: "playbook",
			Doc:  "A playbook file to publish at start when it differs from the one in force.",
			set:  func(c *Config, s string) error { c.Playbook = s; return nil },
		},
		{
			Name: "log_level", Default: "info",
			Doc: "What is logged: `debug`, `info`, `warn` or `error`.",
			set: func(c *Config, s string) (err error) { c.LogLevel, err = level(s); return err },
		},
		{
			Name: "log_format", Default: "text",
			Doc: "How it is logged: `text` for people, `json` for collectors.",
			set: func(c *Config, s string) (err error) { c.LogFormat, err = oneOf(s, "text", "json"); return err },
		},
		{
			Name: "public_url",
			Doc:  "The address under which people reach this server, for links: `https://cusp.example.com`.",
			set:  func(c *Config, s string) (err error) { c.PublicURL, err = base(s); return err },
		},
		{
			Name: "trusted_proxies",
			Doc: "The proxies in front of this server, as addresses or networks with commas between them: `10.0.0.0/8, 192.0.2.7`. " +
				"What they say in `X-Forwarded-For` is believed, and nobody else.",
			set: func(c *Config, s string) (err error) { c.Proxies, err = networks(s); return err },
		},
		{
			Name: "metrics", Default: "true",
			Doc: "Whether `/metrics` answers (Prometheus).",
			set: func(c *Config, s string) (err error) { c.Metrics, err = yesNo(s); return err },
		},
	}
}

// connecting are the settings of services that tell us something, and of the key that seals secrets.
func connecting() []Option {
	return []Option{
		{
			Name: "calcom_secret", Secret: true,
			Doc: "The secret of the webhook of Cal.com that tells of booked meetings at `/hooks/calcom`.",
			set: func(c *Config, s string) error { c.CalcomSecret = Secret(s); return nil },
		},
		{
			Name: "calendly_secret", Secret: true,
			Doc: "The signing key of the webhook of Calendly that tells of booked meetings at `/hooks/calendly`.",
			set: func(c *Config, s string) error { c.CalendlySecret = Secret(s); return nil },
		},
		{
			Name: "key_file",
			Doc: "The key that seals secrets in the database. Default: the path of the database with `.key` behind it; " +
				"for PostgreSQL `cusp.key`, which all servers of a database need to share.",
			set: func(c *Config, s string) error { c.KeyFile = s; return nil },
		},
	}
}

// mailing are the settings of what goes out.
func mailing() []Option {
	return []Option{
		{
			Name: "smtp_host",
			Doc:  "The mail server that takes our e-mails. Without one, none are sent.",
			set:  func(c *Config, s string) error { c.SMTPHost = strings.TrimSpace(s); return nil },
		},
		{
			Name: "smtp_port", Default: "0",
			Doc: "Its port; 0 means 587 with `starttls`, 465 with `tls`, 25 with `none`.",
			set: func(c *Config, s string) (err error) { c.SMTPPort, err = port(s); return err },
		},
		{
			Name: "smtp_user",
			Doc:  "The login there; empty for none.",
			set:  func(c *Config, s string) error { c.SMTPUser = s; return nil },
		},
		{
			Name: "smtp_password", Secret: true,
			Doc: "Its password, which is sent over TLS only.",
			set: func(c *Config, s string) error { c.SMTPPassword = Secret(s); return nil },
		},
		{
			Name: "smtp_from",
			Doc:  "The sender: `Cusp <alerts@company.example>`.",
			set:  func(c *Config, s string) error { c.SMTPFrom = s; return nil },
		},
		{
			Name: "smtp_security", Default: "starttls",
			Doc: "`starttls`, `tls` from the first byte, or `none` for a server on this machine.",
			set: func(c *Config, s string) (err error) {
				c.SMTPSecurity, err = oneOf(s, "starttls", "tls", "none")
				return err
			},
		},
		{
			Name: "slack_signing_secret", Secret: true,
			Doc: "The signing secret of the Slack app whose buttons accept and reject leads. Without it there are no buttons.",
			set: func(c *Config, s string) error { c.SlackSecret = Secret(s); return nil },
		},
		{
			Name: "outgoing_allow",
			Doc: "Destinations that may be reached although they are not public, as `host:port` with commas between; " +
				"what is not listed has to be a public address on port 80 or 443.",
			set: func(c *Config, s string) (err error) { c.OutgoingAllow, err = hostPorts(s); return err },
		},
	}
}

// working are the settings of commands that work through a server.
func working() []Option {
	return []Option{
		{
			Name: "url",
			Doc:  "A running server that commands work through, instead of opening the database.",
			set:  func(c *Config, s string) (err error) { c.URL, err = base(s); return err },
		},
		{
			Name: "token", Secret: true,
			Doc: "The API key for `url`, from `cusp key create --kind api`.",
			set: func(c *Config, s string) error { c.Token = Secret(s); return nil },
		},
	}
}

func names(options []Option) []string {
	all := make([]string, len(options))
	for i, o := range options {
		all[i] = o.Name
	}
	return all
}

func filled(s string) (string, error) {
	if strings.TrimSpace(s) == "" {
		return "", errors.New("a value is missing")
	}
	return s, nil
}

func address(s string) (string, error) {
	_, port, err := net.SplitHostPort(s)
	if err != nil {
		return "", fmt.Errorf("%q is not an address; write host:port, such as 127.0.0.1:8787", s)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return "", fmt.Errorf("%q is not a port; write a number from 1 to 65535, or 0 for any free one", port)
	}
	return s, nil
}

// networks reads addresses and networks, separated by commas.
func networks(s string) ([]netip.Prefix, error) {
	var all []netip.Prefix
	for part := range strings.SplitSeq(s, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		network, err := netip.ParsePrefix(part)
		if a, notAlone := netip.ParseAddr(part); notAlone == nil {
			network, err = a.Unmap().Prefix(a.Unmap().BitLen())
		}
		if err != nil {
			return nil, fmt.Errorf("%q is neither an address nor a network; write 192.0.2.7 or 10.0.0.0/8", part)
		}
		all = append(all, network)
	}
	return all, nil
}

func port(s string) (int, error) {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil || n < 0 || n > 65535 {
		return 0, fmt.Errorf("%q is not a port; write a number from 1 to 65535", s)
	}
	return n, nil
}

func hostPorts(s string) ([]string, error) {
	var all []string
	for text := range strings.SplitSeq(s, ",") {
		text = strings.TrimSpace(text)
		if text == "" {
			continue
		}
		host, p, err := net.SplitHostPort(text)
		if n, bad := port(p); err != nil || bad != nil || n == 0 || host == "" {
			return nil, fmt.Errorf("%q is not host:port", text)
		}
		all = append(all, text)
	}
	return all, nil
}

func level(s string) (slog.Level, error) {
	name, err := oneOf(s, "debug", "info", "warn", "error")
	if err != nil {
		return 0, err
	}
	var l slog.Level
	return l, l.UnmarshalText([]byte(name))
}

func oneOf(s string, allowed ...string) (string, error) {
	for _, a := range allowed {
		if strings.EqualFold(strings.TrimSpace(s), a) {
			return a, nil
		}
	}
	return "", fmt.Errorf("%q is not one of: %s", s, strings.Join(allowed, ", "))
}

func yesNo(s string) (bool, error) {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "true", "yes", "on", "1":
		return true, nil
	case "false", "no", "off", "0":
		return false, nil
	}
	return false, fmt.Errorf("%q is neither true nor false", s)
}

// base checks the address of a server: http or https, a host, no query. Empty stays empty.
func base(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return "", fmt.Errorf("%q is not the address of a server; write https://cusp.example.com", s)
	}
	if u.User != nil {
		return "", errors.New("an address with a password in it would end up in logs; use the option token")
	}
	return strings.TrimRight(s, "/"), nil
}

// suggest words the option that was probably meant; empty when none is near.
func suggest(name string, options []Option) string {
	names := make([]string, len(options))
	for i, o := range options {
		names[i] = o.Name
	}
	near := fault.Nearest(strings.ReplaceAll(name, "-", "_"), names)
	if near == "" {
		return ""
	}
	return "; did you mean " + near + "?"
}
