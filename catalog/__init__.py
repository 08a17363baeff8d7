"""The menu: what can be run, on which models, with which parameters. Imports no torch."""
