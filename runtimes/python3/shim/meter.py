"""Measures the memory of this process, and the time for which it had no processor."""

import time
from resource import RUSAGE_SELF, getrusage


def memory_meter():
    """Returns a function for the peak resident size of this process in bytes."""
    inherited = getrusage(RUSAGE_SELF).ru_maxrss

    def rusage_peak():
        return getrusage(RUSAGE_SELF).ru_maxrss * 1024

    def own_peak():
        peak = getrusage(RUSAGE_SELF).ru_maxrss
        return peak * 1024 if peak > inherited else high_water_bytes()

    # The value survives exec(): a shim started by a large process begins with that process's size.
    return own_peak if inherited * 1024 > 1.5 * high_water_bytes() else rusage_peak


def high_water_bytes():
    with open('/proc/self/status', 'rb') as status:
        for line in status:
            if line.startswith(b'VmHWM:'):
                return int(line.split()[1]) * 1024
    return 0


STALLED_EVERY = 0.05


def stall_meter():
    """Returns a function for the time in ms in which the main thread was ready to run but had no processor, since the last
    report; None: not reported now."""
    told_at, told, now = 0.0, 0.0, time.perf_counter

    def stalled_ms():
        nonlocal told_at, told
        at = now()
        if at - told_at < STALLED_EVERY:
            return None
        told_at, before = at, told
        told = stalled_so_far()
        return told - before

    try:
        told = stalled_so_far()
    except (OSError, IndexError, ValueError):
        return lambda: None
    return stalled_ms


def stalled_so_far():
    with open('/proc/self/schedstat', 'rb') as file:
        return int(file.read().split()[1]) / 1e6
