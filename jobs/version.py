"""The version of Retinoscope. Whatever is remembered of a model or a result is keyed by it."""

VERSION = "0.2.0"
