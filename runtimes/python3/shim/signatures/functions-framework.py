"""`functions-framework`: `gcf` by the name of the framework."""

from .gcf import load, prepare  # noqa: F401
