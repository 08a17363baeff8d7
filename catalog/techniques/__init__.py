"""One module per technique: its docstring is its documentation. Found by listing this folder."""
