"""Requests that this service makes of its own: what they may reach, and how long they take."""
