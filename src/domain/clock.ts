/** Time is passed in, so that tests control it. */
export interface Clock {
  /** Wall time in ms since 1970, for values that are stored or shown. */
  now(): number
  /** Monotonic time in ms with fractions, for measuring durations. */
  elapsed(): number
  /** Calls `fn` after `ms`; the returned function cancels. Does not keep the process alive. */
  after(ms: number, fn: () => void): () => void
}

export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  after(ms, fn) {
    const timer = setTimeout(fn, Math.min(ms, 2_147_483_647))
    timer.unref()
    return () => clearTimeout(timer)
  },
}
