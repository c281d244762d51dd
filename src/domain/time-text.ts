const day = String.raw`(\d{4})(?:-(\d{1,2})-(\d{1,2})|\/(\d{1,2})\/(\d{1,2})|(\d{2})(\d{2}))`
const clock = String.raw`(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:[.,](\d+))?)?`
const compactClock = String.raw`(\d{2})(\d{2})(?:(\d{2})(?:[.,](\d+))?)?`
const spellings = [clock, compactClock].map((time) => new RegExp(`^${day}(?:(?:T| +)${time})?$`, 'i'))

const zoneSuffix = /\s*(?:Z|UTC|GMT)?\s*(?:[+-]\d{2}(?::?\d{2})?)?\s*(?:\([^)]*\))?$/i
const words =
  /\b(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*|[ap]m)\b/gi
const month = /\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)|\b\d{1,2}\/\d{1,2}\/\d{4}\b/i

/** No valid time is longer. */
const maxLength = 100

/**
 * A time in a common spelling, as ms since 1970, or null: `2030-01-02T03:04:05Z`, `2030-01-02 03:04:05.678`, `Wed, 02 Jan 2030
 * 03:04:05 GMT`. As in Qinling, a zone at the end is dropped and the digits are read as UTC.
 */
export function timeFromText(text: string): number | null {
  if (text.length > maxLength) return null
  // The expressions below backtrack over repeated spaces, so those are removed first.
  const trimmed = text.trim().replace(/\s+/g, ' ')
  const bare = trimmed.replace(zoneSuffix, '')
  return fromIso(trimmed) ?? fromIso(bare) ?? fromOther(bare)
}

function fromIso(text: string): number | null {
  const found = spellings.map((spelling) => spelling.exec(text)).find((match) => match !== null)
  if (found === undefined) return null
  const [, year, m1, d1, m2, d2, m3, d3, hour = 0, minute = 0, second = 0, fraction = 0] = found
  const parts = [year, m1 ?? m2 ?? m3, d1 ?? d2 ?? d3, hour, minute, second].map(Number) as Parts
  return exists(parts) ? utc(parts) + Math.floor(Number(`0.${fraction}`) * 1000) : null
}

type Parts = [year: number, month: number, day: number, hour: number, minute: number, second: number]

const utc = ([year, month, ...rest]: Parts): number => Date.UTC(year, month - 1, ...rest)

/** False for dates such as 30 February and times such as 25:00. */
function exists(parts: Parts): boolean {
  const [, month, day, hour, minute, second] = parts
  const date = new Date(utc(parts))
  const isDay = date.getUTCMonth() === month - 1 && date.getUTCDate() === day
  return isDay && hour < 24 && minute < 60 && second < 60
}

/** JavaScript's parser accepts almost anything, so it is used only for text that looks like a date with a clear month. */
function fromOther(text: string): number | null {
  const isDate = month.test(text) && /\b\d{4}\b/.test(text) && /^[\d\s:,./-]*$/.test(text.replaceAll(words, ''))
  const time = isDate ? Date.parse(`${text} UTC`) : Number.NaN
  return Number.isNaN(time) ? null : time
}
