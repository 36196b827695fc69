package config

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cusp/internal/fault"
	"cusp/internal/goldentest"
)

// source is a Source whose files lie in a map.
func source(files map[string]string, environ ...string) Source {
	return Source{Environ: environ, ReadFile: func(name string) ([]byte, error) {
		text, ok := files[name]
		if !ok {
			return nil, fmt.Errorf("open %s: %w", name, fs.ErrNotExist)
		}
		return []byte(text), nil
	}}
}

func TestPrecedence(t *testing.T) {
	t.Parallel()
	file := map[string]string{"cusp.yaml": "addr: 127.0.0.1:1\nlog_level: debug\n# a comment\nmetrics: false\n"}
	for name, c := range map[string]struct {
		src          Source
		addr, origin string
	}{
		"default":     {source(nil), "127.0.0.1:8787", "default"},
		"file":        {source(file), "127.0.0.1:1", "cusp.yaml:1"},
		"environment": {source(file, "CUSP_ADDR=127.0.0.1:2"), "127.0.0.1:2", "CUSP_ADDR"},
	} {
		for _, flagged := range []bool{false, true} {
			if flagged {
				c.src.Flags, c.addr, c.origin = map[string]string{"addr": "127.0.0.1:3"}, "127.0.0.1:3", "--addr"
			}
			got, err := Load(c.src)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if got.Addr != c.addr || got.Settings()[0].Origin != c.origin {
				t.Errorf("%s: got %s from %s, want %s from %s", name, got.Addr, got.Settings()[0].Origin, c.addr, c.origin)
			}
		}
	}
}

func TestEveryMistakeIsNamed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		src  Source
		want []string
	}{
		"file": {
			source(map[string]string{"cusp.yaml": "adr: x\nlog_format: xml\nmetrics: perhaps\naddr: [1]\ndb:\n"}),
			[]string{`cusp.yaml:1: there is no option "adr"; did you mean addr?`, "cusp.yaml:2: \"xml\"", "cusp.yaml:3: \"perhaps\"", "cusp.yaml:4: addr must be", "cusp.yaml:5: db has no value"},
		},
		"not a mapping": {source(map[string]string{"cusp.yaml": "- addr"}), []string{"cusp.yaml:1: write one option"}},
		"not yaml":      {source(map[string]string{"cusp.yaml": "addr: ["}), []string{"cusp.yaml: "}},
		"twice":         {source(map[string]string{"cusp.yaml": "db: a\ndb: b\n"}), []string{"cusp.yaml:2: db stands"}},
		"named file":    {source(nil, "CUSP_CONFIG=none.yaml"), []string{"none.yaml: "}},
		"environment": {
			source(nil, "CUSP_ADDR=8787", "CUSP_PUBLIC_URL=ftp://x", "CUSP_URL=https://me:pw@x", "CUSP_LOG_LEVEL=loud"),
			[]string{"CUSP_ADDR: \"8787\"", "CUSP_PUBLIC_URL: ", "CUSP_URL: ", "CUSP_LOG_LEVEL: "},
		},
		"proxies":      {source(nil, "CUSP_TRUSTED_PROXIES=10.0.0.1, 10.0.0.0/99"), []string{"CUSP_TRUSTED_PROXIES: \"10.0.0.0/99\""}},
		"port":         {source(nil, "CUSP_ADDR=127.0.0.1:99999"), []string{"CUSP_ADDR: \"99999\""}},
		"secret twice": {source(map[string]string{"/t": "x"}, "CUSP_TOKEN=a", "CUSP_TOKEN_FILE=/t"), []string{"CUSP_TOKEN_FILE: "}},
		"secret file":  {source(nil, "CUSP_TOKEN_FILE=/none"), []string{"CUSP_TOKEN_FILE: "}},
		"flag":         {Source{Flags: map[string]string{"lag_level": "info"}, ReadFile: source(nil).ReadFile}, []string{"--lag-level: there is no such option; did you mean log_level?"}},
	} {
		_, err := Load(c.src)
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: got %v", name, err)
			continue
		}
		lines := strings.Split(err.Error(), "\n")
		if len(lines) != len(c.want) && name != "not yaml" {
			t.Errorf("%s: %d mistakes, want %d:\n%v", name, len(lines), len(c.want), err)
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q is missing in:\n%v", name, want, err)
			}
		}
	}
}

func TestTrustedProxies(t *testing.T) {
	t.Parallel()
	c, err := Load(source(nil, "CUSP_TRUSTED_PROXIES=10.0.0.0/8, ::ffff:192.0.2.7,2001:db8::/32"))
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(c.Proxies); got != "[10.0.0.0/8 192.0.2.7/32 2001:db8::/32]" {
		t.Errorf("proxies %s", got)
	}
}

func TestForeignVariablesAreOnlyWarnedOf(t *testing.T) {
	t.Parallel()
	c, err := Load(source(nil, "CUSP_SERVICE_HOST=10.0.0.1", "CUSP_LOGLEVEL=debug", "HOME=/root"))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"CUSP_LOGLEVEL is not a setting of Cusp; did you mean log_level?",
		"CUSP_SERVICE_HOST is not a setting of Cusp",
	}
	if diff := cmp.Diff(want, c.Warnings()); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

func TestSecretsAreHidden(t *testing.T) {
	t.Parallel()
	c, err := Load(source(map[string]string{"/run/token": "cuspk_abc\n"}, "CUSP_TOKEN_FILE=/run/token"))
	if err != nil {
		t.Fatal(err)
	}
	if c.Token.Reveal() != "cuspk_abc" {
		t.Errorf("the token is %q", c.Token.Reveal())
	}
	d, err := Load(source(nil, "CUSP_DB=postgres://cusp:abc@host/name"))
	if err != nil {
		t.Fatal(err)
	}
	if shown := fmt.Sprint(d.Settings()); strings.Contains(shown, "abc") || d.DB != "postgres://cusp:abc@host/name" {
		t.Errorf("the password shows in %s", shown)
	}
	encoded, err := json.Marshal(c.Token)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{fmt.Sprint(c.Token), fmt.Sprintf("%#v", c.Token), fmt.Sprintf("%v", c.Settings()), string(encoded), c.Token.LogValue().String()} {
		if strings.Contains(s, "abc") || !strings.Contains(strings.NewReplacer(`\u003c`, "<", `\u003e`, ">").Replace(s), "<secret>") {
			t.Errorf("the token shows in %s", s)
		}
	}
}

func TestReferenceIsUpToDate(t *testing.T) {
	t.Parallel()
	goldentest.Equal(t, filepath.Join("..", "..", "docs", "reference", "settings.md"), Reference())
}

func TestSampleIsAllDefaults(t *testing.T) {
	t.Parallel()
	var uncommented strings.Builder
	for line := range strings.Lines(Sample()) {
		for _, o := range Options() {
			if rest, ok := strings.CutPrefix(line, "# "+o.Name+": "); ok && strings.TrimSpace(rest) != "" {
				uncommented.WriteString(o.Name + ": " + rest)
			}
		}
	}
	c, err := Load(source(map[string]string{"cusp.yaml": uncommented.String()}))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range c.Settings() {
		for _, o := range Options() {
			if o.Name == s.Name && o.Default != s.Value {
				t.Errorf("%s: the sample says %q, the default is %q", s.Name, s.Value, o.Default)
			}
		}
	}
}

func FuzzFile(f *testing.F) {
	f.Add("addr: 127.0.0.1:1\n")
	f.Add("db: &a [*a]\n")
	f.Add("? {a: b}\n: c\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Load(source(map[string]string{"cusp.yaml": text}))
		if (c == nil) == (err == nil) {
			t.Fatalf("got %v and %v", c, err)
		}
	})
}
