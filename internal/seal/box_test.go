package seal_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"cusp/internal/fault"
	"cusp/internal/seal"
)

func TestBox_opensWhatItSealed(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "db.key")
	a, err := seal.NewBox(path).Seal("destination/1", "https://hooks.example/secret")
	if err != nil {
		t.Fatal(err)
	}
	b := seal.NewBox(path) // another process
	got, err := b.Open("destination/1", a)
	if err != nil || got != "https://hooks.example/secret" {
		t.Fatalf("got %q, %v", got, err)
	}
	if again, _ := b.Seal("destination/1", "https://hooks.example/secret"); again == a {
		t.Error("the same secret looks the same when it is sealed twice")
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key file is %v, %v", info.Mode(), err)
	}
	for name, sealed := range map[string]string{
		"moved": a, "changed": a[:len(a)-2] + "AA", "cut": a[:10], "empty": "", "plain": "https://hooks.example/secret",
	} {
		if got, err := b.Open("destination/2", sealed); !fault.Is(err, fault.Internal) {
			t.Errorf("%s: opened as %q, %v", name, got, err)
		}
	}
}

func TestBox_saysWhatIsWrongWithTheKey(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	sealed, err := seal.NewBox(filepath.Join(dir, "a")).Seal("x", "y")
	if err != nil {
		t.Fatal(err)
	}
	other := seal.NewBox(filepath.Join(dir, "b"))
	if _, err := other.Open("x", sealed); !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "cannot be read") {
		t.Errorf("no key file: %v", err)
	}
	if _, err := other.Seal("x", "y"); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Open("x", sealed); !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "another key") {
		t.Errorf("another key: %v", err)
	}
	bad := filepath.Join(dir, "c")
	if err := os.WriteFile(bad, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := seal.NewBox(bad).Seal("x", "y"); !fault.Is(err, fault.Unavailable) {
		t.Errorf("no key in the file: %v", err)
	}
	if text, _ := os.ReadFile(bad); string(text) != "hello" {
		t.Error("a file that is no key was overwritten")
	}
	if _, err := seal.NewBox(filepath.Join(dir, "no", "c")).Seal("x", "y"); !fault.Is(err, fault.Unavailable) {
		t.Errorf("no folder: %v", err)
	}
}

func TestBox_oneKeyWhenManyStartAtOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "key")
	sealed := make([]string, 8)
	var wait sync.WaitGroup
	for i := range sealed {
		wait.Go(func() { sealed[i], _ = seal.NewBox(path).Seal("x", "y") })
	}
	wait.Wait()
	for _, s := range sealed {
		if got, err := seal.NewBox(path).Open("x", s); got != "y" {
			t.Errorf("%q, %v", got, err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".cusp-key-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
