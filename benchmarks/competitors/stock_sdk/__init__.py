"""A tap on the Singer SDK as its template (cookiecutter) lays it out, filled in for the audit logs."""
