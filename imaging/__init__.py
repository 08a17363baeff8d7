"""Reading of image files, for the API and the workers alike: Pillow alone, no torch, no numpy.

`open_file` recognizes a file by its header, `examine` decodes it and plans its conversion to
upright 8-bit RGB, and `Examined.rgb` carries the plan out. The API reports the names of the same
steps that the worker takes.
"""
