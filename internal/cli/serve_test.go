package cli_test

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"cusp/internal/cli"
)

// serving runs a server on the desk's database until stop is called, which returns how it ended.
func (d *desk) serving(args ...string) (url string, stop func() result) {
	d.t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(d.t.Context()))
	log, ended := &buffer{}, make(chan result, 1)
	go func() { ended <- d.runAt(ctx, log, append([]string{"serve", "--addr", "127.0.0.1:0"}, args...)...) }()
	stop = sync.OnceValue(func() result { cancel(); return <-ended })
	d.t.Cleanup(func() { stop() })
	ready := regexp.MustCompile(`url=(http://\S+)`)
	for range 1000 {
		if m := ready.FindStringSubmatch(log.String()); m != nil {
			return m[1], stop
		}
		select {
		case r := <-ended:
			d.t.Fatalf("the server ended: %+v", r)
		case <-time.After(10 * time.Millisecond):
		}
	}
	d.t.Fatalf("the server is not ready: %s", log)
	return "", nil
}

// A server owns the file while other commands do their work through it.
func TestServe_othersWorkThroughTheServerThatOwnsTheFile(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	url, stop := d.serving("--playbook", "testdata/playbook.yaml")
	var key struct{ Key string }
	d.json(&key, "key", "create", "--kind", "write", "--name", "backend", "--server")
	body := `{"userId":"eve","type":"track","event":"Demo Requested","messageId":"e1"}`
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/v1/track", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(key.Key, "")
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Fatalf("track: %s", res.Status)
	}
	d.fill()
	if got := d.ok("explain", "eve"); !strings.Contains(got, "ENGAGE") {
		t.Errorf("explain: %s", got)
	}
	if got := strings.Count(d.ok("export", "events"), "\n"); got != 9 {
		t.Errorf("%d events", got)
	}
	sock, err := os.Stat(d.db + ".sock")
	if err == nil && sock.Mode().Perm() != 0o600 {
		t.Errorf("the socket may be used by others: %v", sock.Mode())
	}
	if r := d.run("serve", "--addr", "127.0.0.1:0"); r.code != 1 || !strings.Contains(r.err, "in use by another Cusp") {
		t.Errorf("a second server: %+v", r)
	}
	if r := stop(); r.code != 0 || !strings.Contains(r.err, "stopped") {
		t.Errorf("stop: %+v", r)
	}
	if got := d.ok("explain", "eve"); !strings.Contains(got, "ENGAGE") {
		t.Errorf("explain after the server: %s", got)
	}
}

func TestServe_remoteCommandsNeedAKey(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	url, _ := d.serving("--playbook", "testdata/playbook.yaml")
	d.fill()
	var key struct{ Key string }
	d.json(&key, "key", "create", "--kind", "api", "--name", "remote")
	far := newDesk(t)
	far.env = append(far.env, "CUSP_URL="+url)
	if r := far.run("people"); r.code != 1 || !strings.Contains(r.err, "cusp key create --kind api") {
		t.Errorf("without a key: %+v", r)
	}
	far.env = append(far.env, "CUSP_TOKEN="+key.Key)
	if got := far.ok("people"); !strings.Contains(got, "ada@acme.example") {
		t.Errorf("people: %s", got)
	}
	if got := strings.Count(far.ok("export", "events"), "\n"); got != 8 {
		t.Errorf("%d events", got)
	}
	if r := far.run("people", "--db", "x.db"); r.code != 2 {
		t.Errorf("--db with CUSP_URL: %+v", r)
	}
}

// demo runs the sample company until stop, which returns its exit code.
func (d *desk) demo(tmp string, flags ...string) (out, problems *buffer, ended chan int, stop func()) {
	ctx, cancel := context.WithCancel(d.t.Context())
	d.t.Cleanup(cancel)
	out, problems, ended = &buffer{}, &buffer{}, make(chan int, 1)
	go func() {
		ended <- cli.Main(ctx, &cli.Process{
			Program: "bin/cusp", Args: append([]string{"demo", "--addr", "127.0.0.1:0", "--months", "1", "--people", "60"}, flags...),
			Environ: d.env, Stdin: strings.NewReader(""), Stdout: out, Stderr: problems, Now: time.Now, TempDir: tmp,
		})
	}()
	return out, problems, ended, cancel
}

// The demo makes its history, answers, tells what to try, and leaves nothing behind.
func TestDemo_runsAndLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	tmp := t.TempDir()
	out, problems, ended, cancel := d.demo(tmp, "--json")
	var ready struct {
		URL    string `json:"url"`
		DB     string `json:"db"`
		APIKey string `json:"api_key"`
		Events int    `json:"events"`
	}
	for json.Unmarshal([]byte(out.String()), &ready) != nil {
		select {
		case code := <-ended:
			t.Fatalf("the demo ended with %d: %s", code, problems)
		case <-time.After(10 * time.Millisecond):
		}
	}
	if ready.Events < 100 {
		t.Errorf("a history of %d events", ready.Events)
	}
	far := newDesk(t)
	far.env = append(far.env, "CUSP_URL="+ready.URL, "CUSP_TOKEN="+ready.APIKey)
	if got := far.ok("people"); !strings.Contains(got, "per_") {
		t.Errorf("nobody: %s", got)
	}
	cancel()
	if code := <-ended; code != 0 || problems.String() != "" {
		t.Errorf("exit %d: %s", code, problems)
	}
	if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

// What the demo prints to try can be pasted as it is.
func TestDemo_whatItPrintsWorks(t *testing.T) {
	t.Parallel()
	out, problems, ended, stop := newDesk(t).demo(t.TempDir())
	for !strings.Contains(out.String(), "Life goes on:") {
		select {
		case code := <-ended:
			t.Fatalf("the demo ended with %d: %s", code, problems)
		case <-time.After(10 * time.Millisecond):
		}
	}
	far, tried := newDesk(t), 0
	for line := range strings.Lines(out.String()) {
		line, _, _ = strings.Cut(strings.TrimSpace(line), "  #")
		switch words := strings.Fields(line); {
		case len(words) == 0:
		case words[0] == "export":
			far.env = append(far.env, words[1:]...)
		case words[0] == "bin/cusp":
			far.ok(words[1:]...)
			tried++
		}
	}
	if tried < 3 {
		t.Errorf("%d commands to try:\n%s", tried, out)
	}
	stop()
	if code := <-ended; code != 0 {
		t.Errorf("exit %d: %s", code, problems)
	}
}
