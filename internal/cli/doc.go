// Package cli is the command line of Cusp.
//
// Everything a command needs from the outside comes in as one [Process]: arguments, environment, streams,
// clock. So tests run whole commands in memory. A command that reads or changes data is a client of the
// API: over the socket of the server that owns the database file, over --url, or, when nobody owns the
// database, over the same handler inside this process. Errors go to standard error and say what to do
// next; [Main] answers the exit code: 0, 1 for a failed job, 2 for wrong usage.
//
// Begin reading at [Main] and connect.
package cli
