"""Images outside any network: decoding, preprocessing, conversion, and differences between them.

Imports only `errors` of the toolkit.
"""
