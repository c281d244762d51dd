/** What clocks of a zone show, and when: times of day that come twice, or not at all, included. */

const hourMs = 3_600_000
/** No zone is further from UTC, with a day to spare. */
const farMs = 38 * hourMs

/** What a clock of the zone shows, written as if it were UTC, minus UTC: milliseconds. */
export type OffsetAt = (atMs: number) => number

/** Throws RangeError for a zone that is not known. */
export function offsetsOf(timezone: string): OffsetAt {
  const format = new Intl.DateTimeFormat('en-US', {
    ...{ timeZone: timezone, hourCycle: 'h23', era: 'short' },
    ...{ year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' },
  })
  return (atMs) => {
    const parts: Record<string, string> = {}
    for (const { type, value } of format.formatToParts(atMs)) parts[type] = value
    const [year, month, day] = [Number(parts.year), Number(parts.month), Number(parts.day)]
    const shown = Date.UTC(year, month - 1, day, Number(parts.hour), Number(parts.minute), Number(parts.second))
    return shown - Math.floor(atMs / 1000) * 1000
  }
}

/** When a clock shows a time: once, or the first of two times; `gap`: never, because clocks are set ahead over it. */
export type Shown = { atMs: number } | { gapEndMs: number; gapMs: number }

/** `local`: what the clock shows, as if it were UTC. */
export function whenShown(local: number, offsetAt: OffsetAt): Shown {
  const [before, after] = [offsetAt(local - farMs), offsetAt(local + farMs)]
  const times = [local - before, local - after].filter((atMs) => offsetAt(atMs) === local - atMs)
  if (times.length > 0) return { atMs: Math.min(...times) }
  return { gapEndMs: changeBetween(local - farMs, local + farMs, offsetAt), gapMs: Math.abs(after - before) }
}

/** The moment at which the offset changes, to the second. */
function changeBetween(fromMs: number, toMs: number, offsetAt: OffsetAt): number {
  const before = offsetAt(fromMs)
  let [low, high] = [Math.floor(fromMs / 1000), Math.ceil(toMs / 1000)]
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (offsetAt(middle * 1000) === before) low = middle
    else high = middle
  }
  return high * 1000
}
