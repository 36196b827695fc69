package condition

import "cusp/internal/domains"

// membership answers whether a text is in a list, in constant time.
type membership func(s string) bool

// BuiltInLists are the names of the lists that every playbook may use without defining them. They know
// domains in any case, and subdomains of what they list.
func BuiltInLists() []string { return []string{"free_mail", "disposable_mail", "universities"} }

func builtInLists() map[string]membership {
	return map[string]membership{
		"free_mail":       domains.FreeMail,
		"disposable_mail": domains.Disposable,
		"universities":    domains.University,
	}
}

// listOf is the exact membership in a list of the author's.
func listOf(items []string) membership {
	set := make(map[string]struct{}, len(items))
	for _, item := range items {
		set[item] = struct{}{}
	}
	return func(s string) bool {
		_, ok := set[s]
		return ok
	}
}
