package playbook

import "strings"

// membership answers whether a text is in a list, in constant time.
type membership func(s string) bool

// BuiltInLists are the names of the lists that every playbook may use without defining them.
func BuiltInLists() []string { return []string{"free_mail", "disposable_mail", "universities"} }

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

func builtInLists() map[string]membership {
	return map[string]membership{
		"free_mail":       oneOf("gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "yahoo.com", "icloud.com", "gmx.de", "gmx.net", "web.de", "proton.me"),
		"disposable_mail": oneOf("mailinator.com", "guerrillamail.com", "10minutemail.com", "yopmail.com"),
		"universities":    isUniversity,
	}
}

func oneOf(domains ...string) membership {
	has := listOf(domains)
	return func(s string) bool { return has(strings.ToLower(s)) }
}

func isUniversity(domain string) bool {
	d := "." + strings.ToLower(domain)
	return strings.HasSuffix(d, ".edu") || strings.Contains(d, ".edu.") || strings.Contains(d, ".ac.")
}
