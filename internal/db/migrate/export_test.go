package migrate

// What the tests reach into.
var (
	Apply = run
	Load  = load
)
