"""One run, as both processes see it: record, transitions, artifacts, queue. Imports no torch."""
