// Command cusp tells interest from intent: one program that is server, tool and demo.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"cusp/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.Main(ctx, cli.FromOS())
	stop()
	os.Exit(code)
}
