"""The page of `fargate-job ui`, served on this machine only, with the caller's own credentials; and the file of
`fargate-job report`.

- serving.py   listens on 127.0.0.1, opens the browser, and ends when no page is open any more
- guard.py     admits only the person who has the address with the key, and sets the headers that keep others out
- site.py      the pages: path → what is asked → template
- board.py     reads from AWS through operate/'s functions, and remembers the answers for seconds
- forms.py     the forms of what a person may change; each is shown before it is sent
- changes.py   what a person may change, what is sent for it, and the call
- drawings.py  strips, timelines and maps of indexes as SVG; pure
- report.py    the file

The page decides nothing: whatever it shows or changes goes through the functions that the command uses.
"""
