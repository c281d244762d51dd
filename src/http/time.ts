/** A time as every answer shows it: UTC, no fraction, `2030-01-02T03:04:05Z`. */
export function shownTime(ms: number): string
export function shownTime(ms: number | null): string | null
export function shownTime(ms: number | null): string | null {
  return ms === null ? null : `${new Date(ms).toISOString().slice(0, 19)}Z`
}
