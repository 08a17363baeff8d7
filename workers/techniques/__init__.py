"""The algorithms: one module per technique of the catalog, same name, one `run(task, context)`."""
