/** Time as something you pass in, so that tests own it. */
export interface Clock {
  /** Wall time in ms since 1970, for what is stored and shown. */
  now(): number
  /** Monotonic time in ms with fractions, for measuring how long something took. */
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
