"""Everything that happens to a task after RunTask: its states, its containers, its end."""
