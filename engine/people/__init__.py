"""Who uses a lab, and what each may do: roles, rights, quotas, the class."""
