"""Webhooks: the messages that tell of jobs, and the role that sends them."""
