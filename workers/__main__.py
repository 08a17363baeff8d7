"""`python -P -m workers worker …`: what `celery -A workers.app worker …` runs.

Celery's own command imports the app with the current folder in front of the import path.
"""

import sys

from workers.app import app

app.start(sys.argv[1:])
