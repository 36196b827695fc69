package playbook

func (r *reader) check() {}
