package bench

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

//go:embed playbook.yaml
var playbookText []byte

// Options set a benchmark up.
type Options struct {
	Bin         string // the product's binary, run as the server
	Dir         string // where scratch databases are made; they are removed again
	Postgres    string // address of a PostgreSQL where scratch databases may be made; "" leaves it out
	Events      int    // per measured run
	Leads       int    // whom they are about
	Batch       int    // events of one request and one raw commit
	Connections int    // that send batches at the same time
	Rounds      int    // product and raw take turns this often
	Stored      []int  // histories of these sizes for the figures of flat cost; none leaves them out
	Seed        uint64
	Commit      string
	Say         func(progress string) // told what is measured next
}

// singleConnections is how many clients send single events at the same time.
const singleConnections = 64

// rig is the state of one benchmark.
type rig struct {
	Options
	dir      string // scratch
	playbook string // file
	serial   int
	report   Report
	drops    []func() error // scratch databases
}

// start makes the scratch folder and looks at the machine.
func start(ctx context.Context, name string, o Options) (*rig, error) {
	dir, err := os.MkdirTemp(o.Dir, "cusp-bench-")
	if err != nil {
		return nil, fmt.Errorf("make scratch folder: %w", err)
	}
	r := &rig{Options: o, dir: dir, playbook: filepath.Join(dir, "playbook.yaml")}
	r.report = Report{Bench: name, Commit: o.Commit, Seed: o.Seed, Results: []Result{}, Settings: map[string]any{
		"events": o.Events, "leads": o.Leads, "batch": o.Batch, "connections": o.Connections, "rounds": o.Rounds,
	}}
	if err := os.WriteFile(r.playbook, playbookText, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("write playbook: %w", err), r.close())
	}
	if r.report.Machine, err = look(ctx, dir); err != nil {
		return nil, errors.Join(err, r.close())
	}
	return r, nil
}

// close removes what the benchmark made.
func (r *rig) close() error {
	var errs []error
	for _, drop := range r.drops {
		errs = append(errs, drop())
	}
	return errors.Join(append(errs, os.RemoveAll(r.dir))...)
}

// next is a name that this run has not used.
func (r *rig) next(what string) string {
	r.serial++
	return fmt.Sprintf("%s-%d", what, r.serial)
}

// database makes the address of an empty database.
func (r *rig) database(ctx context.Context, postgres bool) (string, error) {
	if !postgres {
		return filepath.Join(r.dir, r.next("bench")+".db"), nil
	}
	dsn, drop, err := scratchDatabase(ctx, r.Postgres, fmt.Sprintf("%s_%d", r.next("cusp_bench"), time.Now().UnixMicro()))
	if err != nil {
		return "", err
	}
	r.drops = append(r.drops, drop)
	return dsn, nil
}

// site is a server with the load that goes to it.
type site struct {
	server *Server
	load   *load
}

func (r *rig) site(ctx context.Context, postgres bool, leads int) (*site, error) {
	dsn, err := r.database(ctx, postgres)
	if err != nil {
		return nil, err
	}
	server, err := StartServer(ctx, r.Bin, dsn, r.playbook)
	if err != nil {
		return nil, err
	}
	return &site{server, newLoad(r.Seed, r.next("m")+"-", leads)}, nil
}

// send drives n events and adds the run to a series.
func (s *site) send(ctx context.Context, n, batch, connections int, into *series) error {
	sent := time.Now()
	bodies := requests(s.load.batches(n, batch, sent), s.server.Addr, s.server.Key, sent)
	before := s.server.cpu()
	took, latencies, err := drive(ctx, s.server.Addr, connections, bodies)
	if err != nil {
		return err
	}
	into.add(n, took, s.server.cpu()-before, latencies)
	return nil
}

// Ingest measures durable ingest over HTTP, every event scored and decided before the answer.
func Ingest(ctx context.Context, o Options) (report *Report, err error) {
	r, err := start(ctx, "ingest", o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	if err := r.sqlite(ctx); err != nil {
		return nil, fmt.Errorf("measure ingest on SQLite: %w", err)
	}
	if o.Postgres != "" {
		if err := r.postgres(ctx); err != nil {
			return nil, fmt.Errorf("measure ingest on PostgreSQL: %w", err)
		}
	}
	if len(o.Stored) > 0 {
		if err := r.flat(ctx); err != nil {
			return nil, fmt.Errorf("measure flat cost: %w", err)
		}
	}
	return &r.report, nil
}

// figures are what the rounds on one engine measured.
type figures struct {
	raw           []float64 // events/s of the raw limit
	batch, single series
	idle, busy    []float64 // MiB of the server
}

// compare lets the raw limit and the product take turns on one engine.
func (r *rig) compare(ctx context.Context, engine string, postgres bool, raw func(batches [][][]byte) (float64, error)) (*figures, error) {
	var f figures
	for round := range r.Rounds {
		r.Say(fmt.Sprintf("%s, round %d of %d: raw", engine, round+1, r.Rounds))
		rate, err := raw(newLoad(r.Seed, "r", r.Leads).batches(r.Events, r.Batch, time.Now()))
		if err != nil {
			return nil, err
		}
		f.raw = append(f.raw, rate)
		r.Say(fmt.Sprintf("%s, round %d of %d: batches of %d, then single events", engine, round+1, r.Rounds, r.Batch))
		if err := r.round(ctx, postgres, &f); err != nil {
			return nil, err
		}
	}
	return &f, nil
}

// round measures one fresh server. Single events go to the database that the batches have filled.
func (r *rig) round(ctx context.Context, postgres bool, f *figures) error {
	s, err := r.site(ctx, postgres, r.Leads)
	if err != nil {
		return err
	}
	idle, _ := s.server.memory()
	err = s.both(ctx, r, &f.batch, &f.single)
	_, peak := s.server.memory()
	f.idle, f.busy = append(f.idle, idle), append(f.busy, peak)
	return errors.Join(err, s.server.Stop())
}

func (s *site) both(ctx context.Context, r *rig, batch, single *series) error {
	if err := s.send(ctx, r.Events, r.Batch, r.Connections, batch); err != nil {
		return err
	}
	return s.send(ctx, r.Events/4, 1, singleConnections, single)
}

func (r *rig) sqlite(ctx context.Context) error {
	f, err := r.compare(ctx, "SQLite", false, func(batches [][][]byte) (float64, error) {
		folder := filepath.Join(r.dir, r.next("raw"))
		if err := os.Mkdir(folder, 0o700); err != nil {
			return 0, fmt.Errorf("make scratch folder: %w", err)
		}
		return rawSQLite(ctx, folder, batches)
	})
	if err != nil {
		return err
	}
	r.report.Results = append(r.report.Results,
		f.batch.result(fmt.Sprintf("sqlite-batch%d", r.Batch), f.raw, "the same bytes as rows of a bare table"),
		f.single.result("sqlite-single64", []float64{median(f.batch.rates)}, "the batch figure"),
		Result{Name: "memory-idle", Rate: median(f.idle), Unit: "MiB", Note: "resident set of the server, goal 60"},
		Result{Name: "memory-ingest", Rate: median(f.busy), Unit: "MiB", Note: "resident set at its peak, goal 400"},
	)
	return nil
}

func (r *rig) postgres(ctx context.Context) error {
	f, err := r.compare(ctx, "PostgreSQL", true, func(batches [][][]byte) (float64, error) {
		dsn, err := r.database(ctx, true)
		if err != nil {
			return 0, err
		}
		return rawPostgres(ctx, dsn, batches)
	})
	if err != nil {
		return err
	}
	r.report.Results = append(r.report.Results,
		f.batch.result(fmt.Sprintf("postgres-batch%d", r.Batch), f.raw, "COPY of the same bytes"),
		f.single.result("postgres-single64", []float64{median(f.batch.rates)}, "the batch figure"),
	)
	return nil
}
