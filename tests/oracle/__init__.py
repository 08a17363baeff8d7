"""What every technique gives through the command line, written down and compared."""
