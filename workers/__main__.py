"""`python -P -m workers worker …`: what `celery -A workers.app worker …` runs.

Celery's own command imports the app with the current folder in front of the import path.
"""

import sys

from workers.app import app
from workers.lifecycle import configure_log

# Celery warns of some things before it asks for it.
configure_log()
# Without the banner, which is no line of the log.
app.start(["--quiet", *sys.argv[1:]])
