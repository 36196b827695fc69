// Package document reads the text of a playbook, YAML or JSON, so that every part of it keeps its position:
// what is wrong is reported as a [fault.Problem] with line, column, source line and a suggestion.
//
// It knows no section of the format. Whoever reads one asks for a [Section] and takes keys from it, one by
// one; a reader reports what is wrong and goes on with a harmless value, so that one run finds every
// mistake. What YAML readers disagree about (anchors, tags, octal numbers, yes and no, duplicate keys) is
// refused before anybody reads.
//
// Begin reading at [New], then [Section].
package document
