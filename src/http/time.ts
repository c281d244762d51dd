let lastSecond = Number.NaN
let lastText = ''

/**
 * A time in the format of all responses: UTC, no fraction, `2030-01-02T03:04:05Z`. Most calls ask for the same second as the one
 * before.
 */
export function shownTime(ms: number): string
export function shownTime(ms: number | null): string | null
export function shownTime(ms: number | null): string | null {
  if (ms === null) return null
  const second = Math.floor(ms / 1000)
  if (second !== lastSecond) {
    lastText = `${new Date(ms).toISOString().slice(0, 19)}Z`
    lastSecond = second
  }
  return lastText
}
