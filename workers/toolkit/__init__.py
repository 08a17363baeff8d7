"""Torch pieces that several techniques share. Pure: no queue, no server, no files."""
