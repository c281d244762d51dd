import type { ExecutionRow } from '../client/resources/executions.ts'

/** Formats values. */

const mib = 1024 * 1024

export const ms = (value: number | null | undefined): string => {
  if (value === null || value === undefined) return '–'
  if (value >= 1000) return `${(value / 1000).toFixed(value >= 10_000 ? 1 : 2)} s`
  return value >= 100 ? `${Math.round(value)} ms` : `${value.toFixed(1)} ms`
}

export const mebibytes = (bytes: number): string => `${Number((bytes / mib).toFixed(bytes < 10 * mib ? 1 : 0))} MiB`
export const percent = (share: number | null | undefined): string =>
  share === null || share === undefined ? '–' : `${Number((share * 100).toFixed(share < 0.1 ? 2 : 0))} %`

/** In the time zone of the browser. */
export const time = (iso: string | null | undefined): string => {
  if (!iso) return '–'
  const at = new Date(iso)
  const isToday = at.toDateString() === new Date().toDateString()
  return isToday ? at.toLocaleTimeString() : at.toLocaleString()
}

/** What is planned: to the minute. */
export const minute = (iso: string | null): string =>
  iso === null ? '–' : new Date(iso).toLocaleString([], { dateStyle: 'short', timeStyle: 'short' })

export const start = ({ start_kind, cold_reason }: Pick<ExecutionRow, 'start_kind' | 'cold_reason'>): string =>
  cold_reason === null ? (start_kind ?? '–') : `${start_kind}: ${cold_reason.replaceAll('_', ' ')}`

export const json = (value: unknown): string => JSON.stringify(value, null, 2)
