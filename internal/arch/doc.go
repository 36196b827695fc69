// Package arch holds no code, only the tests that keep the house in shape: the order in which packages
// may import each other, comments on everything exported, and the size budget.
//
// The tests read the source themselves instead of asking the go command, so that the test cache sees
// what they depend on. An exception stands in the test, with its reason.
package arch
