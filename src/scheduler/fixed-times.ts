import { type OffsetAt, whenShown } from './local-time.ts'

/** A change of clocks that is larger is no summer time: times in it are left out. */
const largestGapMs = 3 * 3_600_000
/** Times that a gap swallowed run right after it, so far apart. */
const spacingMs = 1000

/**
 * The next of fixed times of day, as Vixie cron has them when clocks change: those in a gap run right after it, each once;
 * those that come twice run the first time. `nextLocal`: the next match of the pattern after a time that a clock shows.
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

/** The end of the gap may be one of the times itself. */
function firstPlace(nextLocal: (after: number) => number | null, gapEndMs: number, offsetAt: OffsetAt): 0 | 1 {
  const endLocal = gapEndMs + offsetAt(gapEndMs)
  return nextLocal(endLocal - 1) === endLocal ? 1 : 0
}
