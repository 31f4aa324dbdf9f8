"""What a task does after RunTask: its states, its containers, its end."""
