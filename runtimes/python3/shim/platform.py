"""Packages that a platform supplies to functions: found after everything in the function's package, and only by signatures
that ask for them."""

import os
import sys


def supply():
    """From here on supplied packages can be imported."""
    folder = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'platform')
    unpacked = os.path.join(folder, 'packages')
    sys.path.append(unpacked if os.path.isdir(unpacked) else unpacked + '.zip')
