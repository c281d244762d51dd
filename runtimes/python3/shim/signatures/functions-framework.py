"""`functions-framework`: another name of `gcf`."""

from .gcf import load, prepare  # noqa: F401
