//go:build tools

// Package tools pins servers that tests run and the product does not link.
package tools

import _ "github.com/axllent/mailpit"
