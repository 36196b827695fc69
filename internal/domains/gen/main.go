// Command gen packs public lists of mail domains into the files that package domains embeds.
//
//	go run ./internal/domains/gen -out internal/domains/data \
//	    -free domains.json -disposable blocklist.conf -universities world_universities_and_domains.json
//
// NOTICE beside the package says where the lists come from and under which licences. The same input
// gives the same bytes.
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/net/idna"
)

// mailboxes are providers of personal mailboxes that the public list lacks.
var mailboxes = []string{
	"hey.com", "hushmail.com", "mailfence.com", "tuta.com", "tuta.io", "tutamail.com", "tutanota.com",
	"tutanota.de", "posteo.de", "posteo.net", "mailbox.org", "runbox.com", "skiff.com",
}

func main() {
	out := flag.String("out", "data", "folder to write to")
	free := flag.String("free", "", "JSON array of free-mail domains")
	disposable := flag.String("disposable", "", "disposable domains, one a line")
	universities := flag.String("universities", "", "JSON array of objects with a list \"domains\"")
	flag.Parse()
	if err := run(*out, *free, *disposable, *universities); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(out, freeFile, disposableFile, universityFile string) error {
	thrown, err := readLines(disposableFile)
	if err != nil {
		return err
	}
	academic, err := readUniversities(universityFile)
	if err != nil {
		return err
	}
	free, err := readArray(freeFile)
	if err != nil {
		return err
	}
	// The free-mail list holds the disposable one, and two universities by mistake.
	other := map[string]bool{}
	for _, d := range slices.Concat(thrown, academic) {
		other[d] = true
	}
	free = slices.DeleteFunc(append(free, mailboxes...), func(d string) bool { return other[d] })
	for name, list := range map[string][]string{"free": free, "disposable": thrown, "university": academic} {
		if err := write(filepath.Join(out, name+".txt.gz"), list); err != nil {
			return err
		}
	}
	return nil
}

func readLines(name string) ([]string, error) {
	raw, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read list: %w", err)
	}
	return clean(strings.Fields(string(raw))), nil
}

func readArray(name string) ([]string, error) {
	raw, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read list: %w", err)
	}
	var list []string
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return clean(list), nil
}

func readUniversities(name string) ([]string, error) {
	raw, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read list: %w", err)
	}
	var all []struct {
		Domains []string `json:"domains"`
	}
	if err := json.Unmarshal(raw, &all); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	var list []string
	for _, u := range all {
		list = append(list, u.Domains...)
	}
	return clean(list), nil
}

// clean brings domains into the form that the package looks up; what is no domain is left out.
func clean(list []string) []string {
	kept := list[:0]
	for _, d := range list {
		a, err := idna.Lookup.ToASCII(strings.TrimSuffix(strings.TrimSpace(d), "."))
		if err == nil && strings.Contains(a, ".") {
			kept = append(kept, a)
		}
	}
	return kept
}

// write packs the sorted list, one domain a line.
func write(name string, list []string) error {
	slices.Sort(list)
	list = slices.Compact(list)
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := z.Write([]byte(strings.Join(list, "\n") + "\n")); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	return os.WriteFile(name, b.Bytes(), 0o644) //nolint:gosec // a source file, for everybody to read
}
