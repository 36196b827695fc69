package mail

// What tests look at from outside.
var (
	EncodeSubject = encodeSubject
	OneLine       = oneLine
)
