"""What platforms supply to the functions of their users: found behind all that the function brings, and only by signatures that ask."""

import os
import sys


def supply():
    """From here on packages of ours can be imported."""
    folder = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'platform')
    unpacked = os.path.join(folder, 'packages')
    sys.path.append(unpacked if os.path.isdir(unpacked) else unpacked + '.zip')
