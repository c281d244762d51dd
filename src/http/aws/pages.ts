import { invalidParameter } from './aws-error.ts'

const mostItems = 10_000
const usualItems = 50

/** The page of a list that `Marker` and `MaxItems` select. A marker is the number of earlier items. */
export function pageOf<T>(all: T[], query: URLSearchParams): { items: T[]; next: { NextMarker?: string } } {
  const from = query.has('Marker') ? numberIn(query, 'Marker', 0, all.length) : 0
  const items = all.slice(from, from + (query.has('MaxItems') ? numberIn(query, 'MaxItems', 1, mostItems) : usualItems))
  const end = from + items.length
  return { items, next: end < all.length ? { NextMarker: String(end) } : {} }
}

function numberIn(query: URLSearchParams, name: string, least: number, most: number): number {
  const text = query.get(name) as string
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (value >= least && value <= most) return value
  throw invalidParameter(`${name} is ${JSON.stringify(text)}: it must be a number from ${least} to ${most}.`)
}
