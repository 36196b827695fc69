package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"cusp/internal/fault"
	"cusp/internal/ingest/table"
	"cusp/internal/respond"
)

func (sh *shell) importCommand() *cobra.Command {
	var mapping string
	cmd := &cobra.Command{
		Use: "import people|accounts|events FILE…", Short: "Import tables: CSV (also .gz) or NDJSON",
		Long: "Running the same file again changes nothing; an interrupted import goes on where it stopped.\n" +
			"Rejected rows go to FILE.rejected.csv, with line and reason; mend them there and import that file.",
		Example: "  cusp import people leads.csv --map leads.map.yaml\n  cusp import events history.ndjson.gz",
		Args: func(_ *cobra.Command, in []string) error {
			if len(in) < 2 {
				return usage("%s is missing", []string{"what the tables are about (people, accounts, events)", "FILE"}[len(in)])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, in []string) error {
			kind, err := table.ParseKind(in[0])
			if err != nil {
				if fault.Is(err, fault.Invalid) {
					return &usageError{err}
				}
				return err
			}
			return sh.runImport(cmd.Context(), kind, mapping, in[1:])
		},
	}
	cmd.Flags().StringVar(&mapping, "map", "", "mapping file: which column is what")
	return cmd
}

// importing is one run of the import command.
type importing struct {
	sh      *shell
	c       *client
	kind    table.Kind
	mapping *table.Mapping
	sum     table.Summary
}

func (sh *shell) runImport(ctx context.Context, kind table.Kind, mapping string, files []string) error {
	im := &importing{sh: sh, kind: kind}
	if mapping != "" {
		text, err := sh.readFile(mapping)
		if err != nil {
			return err
		}
		if im.mapping, err = table.ParseMapping(mapping, text, kind); err != nil {
			return err
		}
	}
	for _, f := range files { // before anything is changed
		if _, err := os.Stat(f); err != nil {
			return fault.New(fault.NotFound, "%s cannot be read", f).WithCause(err).WithHint("check its name")
		}
	}
	var err error
	if im.c, err = sh.connect(ctx, mayCreate); err != nil {
		return err
	}
	defer im.c.close()
	for _, f := range files {
		if err := im.file(ctx, f); err != nil {
			return fmt.Errorf("import %s: %w", f, err)
		}
	}
	if sh.json {
		return printJSON(sh.p.Stdout, im.sum)
	}
	im.print()
	return nil
}

func (im *importing) print() {
	s := im.sum
	im.sh.say("%d read: %d new, %d updated, %d unchanged, %d duplicate, %d rejected", s.Read, s.New, s.Updated, s.Unchanged, s.Duplicate, s.Rejected)
	if s.RejectedFile != nil {
		im.sh.say("The rejected rows are in %s, with the reasons.", *s.RejectedFile)
	}
}

// file imports one file, from where an interrupted run of it stopped.
func (im *importing) file(ctx context.Context, name string) error {
	f, err := os.Open(name)
	if err != nil {
		return fault.New(fault.NotFound, "%s cannot be read", name).WithCause(err).WithHint("check its permissions")
	}
	defer closeQuietly(f)
	in := &counted{r: f}
	reader, err := table.Open(in, table.Options{Kind: im.kind, Mapping: im.mapping})
	if err != nil {
		return err
	}
	resume := loadState(name)
	if resume.Fingerprint != reader.Fingerprint() {
		resume = table.State{}
	}
	bad := &rejects{name: name + ".rejected.csv", columns: reader.Columns(), again: resume.Rows > 0}
	show := im.progress(f, in)
	job := table.Job{
		Reader: reader, Resume: resume, Send: im.send, Reject: bad.add,
		Confirmed: func(s table.State) error {
			show(s.Rows)
			saveState(name, s)
			return bad.flush()
		},
	}
	state, err := job.Run(ctx)
	show(-1)
	if err := errors.Join(err, bad.close()); err != nil {
		return err
	}
	im.add(state.Summary, bad)
	return dropState(name)
}

func (im *importing) add(s table.Summary, bad *rejects) {
	im.sum.Read += s.Read
	im.sum.New += s.New
	im.sum.Updated += s.Updated
	im.sum.Unchanged += s.Unchanged
	im.sum.Duplicate += s.Duplicate
	im.sum.Rejected += s.Rejected
	if s.Rejected > 0 && im.sum.RejectedFile == nil {
		im.sum.RejectedFile = &bad.name
	}
}

// sendTries is how often a batch is sent that the server could not take: message ids count once.
const sendTries = 5

func (im *importing) send(ctx context.Context, req table.Request) (table.Result, error) {
	var res table.Result
	for try := 1; ; try++ {
		err := im.c.call(ctx, http.MethodPost, "/api/v1/import/"+string(im.kind), req, &res)
		if err == nil || try == sendTries || !fault.KindOf(err).Retry() {
			return res, err
		}
		t := time.NewTimer(time.Duration(try) * 500 * time.Millisecond)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return res, ctx.Err()
		}
	}
}

// progress shows on a terminal how far an import is; a negative count ends the line.
func (im *importing) progress(f *os.File, in *counted) func(rows int) {
	if !im.sh.p.IsTTY || im.sh.json {
		return func(int) {}
	}
	began := im.sh.p.Now()
	size := int64(0)
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		size = info.Size()
	}
	shown := false
	return func(rows int) {
		if rows < 0 {
			if shown {
				_, _ = fmt.Fprint(im.sh.p.Stderr, "\r\x1b[K")
			}
			return
		}
		shown = true
		p := table.Progress{Rows: rows, Read: in.n, Size: size, Elapsed: im.sh.p.Now().Sub(began)}
		_, _ = fmt.Fprintf(im.sh.p.Stderr, "\r\x1b[K%s", p)
	}
}

// counted counts what was read of a file.
type counted struct {
	r io.Reader
	n int64
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}

// rejects is the file of rejected rows. It is made when the first row is rejected.
type rejects struct {
	name    string
	columns []string
	again   bool // an interrupted run may have begun the file
	file    *os.File
	csv     *respond.CSV
}

func (r *rejects) add(why table.Rejection, cells []string) error {
	if r.file == nil {
		if err := r.open(); err != nil {
			return err
		}
	}
	row := make([]any, 0, len(r.columns)+2)
	for i := range r.columns {
		if i < len(cells) {
			row = append(row, cells[i])
		} else {
			row = append(row, nil)
		}
	}
	return r.csv.Row(append(row, strconv.Itoa(why.Line), why.Reason)...)
}

func (r *rejects) open() (err error) {
	flags := os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	if r.again {
		flags = os.O_WRONLY | os.O_CREATE | os.O_APPEND
	}
	if r.file, err = os.OpenFile(r.name, flags, 0o600); err != nil {
		return fault.New(fault.Unavailable, "the rejected rows cannot be written to %s", r.name).WithCause(err).
			WithHint("is the folder writable?")
	}
	header := append(append([]string{}, r.columns...), "rejected_line", "rejected_because")
	if info, err := r.file.Stat(); err == nil && info.Size() > 0 {
		header = nil
	}
	r.csv, err = respond.NewCSV(r.file, header...)
	return err
}

func (r *rejects) flush() error {
	if r.csv == nil {
		return nil
	}
	return r.csv.Close()
}

func (r *rejects) close() error {
	if r.file == nil {
		return nil
	}
	return errors.Join(r.flush(), r.file.Close())
}

// statePath is where an import notes how far it has come.
func statePath(name string) string { return name + ".import-state.json" }

// loadState reads how far an interrupted import came; the zero state when it is not known.
func loadState(name string) table.State {
	var s table.State
	text, err := os.ReadFile(statePath(name))
	if err != nil || json.Unmarshal(text, &s) != nil {
		return table.State{}
	}
	return s
}

// saveState notes how far an import came. Where it cannot be noted (a folder that is not writable), an
// interrupted import begins anew, which costs time and changes nothing.
func saveState(name string, s table.State) {
	text, err := json.Marshal(s)
	tmp := statePath(name) + ".tmp"
	if err != nil || os.WriteFile(tmp, text, 0o600) != nil {
		return
	}
	_ = os.Rename(tmp, statePath(name)) // see above
}

func dropState(name string) error {
	if err := os.Remove(statePath(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the note of progress: %w", err)
	}
	return nil
}
