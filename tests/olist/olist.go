// Package olist finds the public data set of Olist's marketing funnel for tests. Its licence does not let
// us ship it, so it is looked for beside the repository; where it is not, a file of the same shape and
// size takes its place, so that the tests run on every machine.
package olist

import (
	"compress/gzip"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Leads is the number of rows.
const Leads = 8000

const name = "olist_marketing_qualified_leads_dataset.csv.gz"

// File copies the file of marketing-qualified leads into a folder of the test, beside which a command may
// write, and returns its path. The data set is looked for in ../shared/data/olist_funnel from the root of
// the repository, or in the folder that CUSP_TEST_OLIST names.
func File(t testing.TB) string {
	t.Helper()
	folder := os.Getenv("CUSP_TEST_OLIST")
	if folder == "" {
		folder = filepath.Join(root(t), "..", "shared", "data", "olist_funnel")
	}
	path := filepath.Join(t.TempDir(), name)
	text, err := os.ReadFile(filepath.Join(folder, name)) //nolint:gosec // the tester chose the folder
	switch {
	case err == nil:
		err = os.WriteFile(path, text, 0o600) //nolint:gosec // in a folder of the test
	case os.IsNotExist(err):
		err = standIn(path)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// root is the folder of go.mod.
func root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	for err == nil && dir != filepath.Dir(dir) {
		if _, missing := os.Stat(filepath.Join(dir, "go.mod")); missing == nil {
			return dir
		}
		dir = filepath.Dir(dir)
	}
	t.Fatalf("the root of the repository is not above %s: %v", dir, err)
	return ""
}

// standIn writes as many made-up leads in the same form.
func standIn(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := gzip.NewWriter(f)
	r := rand.New(rand.NewPCG(1, 2))
	origins := []string{"organic_search", "paid_search", "social", "unknown", "direct_traffic", "email", "referral", "other", "display", ""}
	id := func(n int) string { return fmt.Sprintf("%016x%016x", uint64(n)*0x9e3779b97f4a7c15, uint64(n)) } // 32 hex digits
	_, err = fmt.Fprintln(w, "mql_id,first_contact_date,landing_page_id,origin")
	for i := range Leads {
		if err == nil {
			day := time.Date(2017, 6, 14, 0, 0, 0, 0, time.UTC).AddDate(0, 0, r.IntN(350))
			_, err = fmt.Fprintf(w, "%s,%s,%s,%s\n", id(i), day.Format(time.DateOnly), id(-1-r.IntN(495)), origins[r.IntN(len(origins))])
		}
	}
	for _, end := range []func() error{w.Close, f.Close} {
		if failed := end(); err == nil {
			err = failed
		}
	}
	return err
}
