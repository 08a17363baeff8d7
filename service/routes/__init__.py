"""The routes, one module per resource. Routes may import every other part of `service`."""
