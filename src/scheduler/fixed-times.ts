import { type OffsetAt, whenShown } from './local-time.ts'

/** A larger change of the clock is not daylight saving time: times in it are skipped. */
const largestGapMs = 3 * 3_600_000
/** Interval between runs of times inside a gap, which run right after it. */
const spacingMs = 1000

/**
 * The next of fixed times of day when clocks change, as in Vixie cron: times inside a gap run right after it, each once; repeated
 * times run the first time. `nextLocal`: the next match of the pattern after a local time.
 */
export function nextFixedTime(
  nextLocal: (afterLocal: number) => number | null,
  offsetAt: OffsetAt,
  afterMs: number,
): number | null {
  const offset = offsetAt(afterMs)
  const hasJustChanged = offsetAt(afterMs - largestGapMs) !== offset
  let local = nextLocal(afterMs + offset - (hasJustChanged ? 2 * largestGapMs : 0))
  let best: number | null = null
  for (let inGap = 0; local !== null; local = nextLocal(local)) {
    const shown = whenShown(local, offsetAt)
    if ('atMs' in shown) {
      if (shown.atMs > afterMs) return best === null ? shown.atMs : Math.min(best, shown.atMs)
      continue
    }
    if (shown.gapMs > largestGapMs) continue
    const atMs = shown.gapEndMs + (inGap + firstPlace(nextLocal, shown.gapEndMs, offsetAt)) * spacingMs
    inGap++
    if (best === null && atMs > afterMs) best = atMs
  }
  return best
}

/** The end of the gap may itself be a match. */
function firstPlace(nextLocal: (after: number) => number | null, gapEndMs: number, offsetAt: OffsetAt): 0 | 1 {
  const endLocal = gapEndMs + offsetAt(gapEndMs)
  return nextLocal(endLocal - 1) === endLocal ? 1 : 0
}
