/** Conversions between local times of a zone and UTC, including local times that occur twice or never. */

const hourMs = 3_600_000
/** The largest offset from UTC of any zone, plus a day. */
const farMs = 38 * hourMs

/** Offset of the zone in milliseconds: local time, written as if it were UTC, minus UTC. */
export type OffsetAt = (atMs: number) => number

/** Throws RangeError for an unknown zone. */
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

/** When a local time occurs: once, or the first of two times; `gap`: never, because clocks skip it. */
export type Shown = { atMs: number } | { gapEndMs: number; gapMs: number }

/** `local`: the local time as if it were UTC. */
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
