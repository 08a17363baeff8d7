"""How the code is built, in numbers: sizes and docstrings, and what one job passes through."""
