"""How much memory this process has taken."""

from resource import RUSAGE_SELF, getrusage


def memory_meter():
    """A function that tells the peak resident size of this process in bytes."""
    inherited = getrusage(RUSAGE_SELF).ru_maxrss

    def rusage_peak():
        return getrusage(RUSAGE_SELF).ru_maxrss * 1024

    def own_peak():
        peak = getrusage(RUSAGE_SELF).ru_maxrss
        return peak * 1024 if peak > inherited else high_water_bytes()

    # The number outlives exec(): a shim started by a large process begins with the size of that one.
    return own_peak if inherited * 1024 > 1.5 * high_water_bytes() else rusage_peak


def high_water_bytes():
    with open('/proc/self/status', 'rb') as status:
        for line in status:
            if line.startswith(b'VmHWM:'):
                return int(line.split()[1]) * 1024
    return 0
