/** Figures of several rounds, and their formatting. */

export interface Spread {
  min: number
  median: number
  max: number
}

export function spread(values: number[]): Spread {
  const sorted = sortedOf(values)
  return { min: sorted[0] ?? 0, median: percentile(sorted, 50), max: sorted[sorted.length - 1] ?? 0 }
}

export const sortedOf = (values: number[]): number[] => [...values].sort((a, b) => a - b)

export const median = (values: number[]): number => percentile(sortedOf(values), 50)

export const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / (values.length || 1)

/** Percentile of sorted values. */
export function percentile(sorted: number[], p: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * p) / 100))] ?? 0
}

export const show = ({ min, median, max }: Spread, digits = 2): string =>
  `${median.toFixed(digits)} (${min.toFixed(digits)}–${max.toFixed(digits)})`

/** Percentiles of single measurements, in ms. */
export function showPercentiles(values: number[], digits = 1): string {
  const sorted = sortedOf(values)
  const [p50, p95, p99] = [50, 95, 99].map((p) => percentile(sorted, p).toFixed(digits))
  return `p50 ${p50}  p95 ${p95}  p99 ${p99}  max ${(sorted.at(-1) ?? 0).toFixed(digits)}`
}

/** Ratios of values from the same round, because the machine's speed drifts. */
export const ratios = (own: number[], base: number[]): Spread =>
  spread(own.map((value, at) => value / (base[at] as number)))

export interface Line {
  what: string
  figure: string
  goal: string
  /** Null: no goal. */
  reached: boolean | null
}

export const info = (what: string, figure: string): Line => ({ what, figure, goal: '', reached: null })

export const atLeast = (what: string, goal: number, figures: Spread): Line => ({
  what,
  figure: show(figures),
  goal: `≥ ${goal}`,
  reached: figures.median >= goal,
})

export const atMost = (what: string, goal: number, figures: Spread, digits = 2): Line => ({
  what,
  figure: show(figures, digits),
  goal: `≤ ${goal}`,
  reached: figures.median <= goal,
})

/** Printed tables, for the JSON file. */
export const tables: { title: string; lines: Line[] }[] = []

export function printTable(title: string, lines: Line[]): void {
  tables.push({ title, lines })
  const rows = lines.map(({ what, figure, goal, reached }) => [
    what,
    figure,
    goal,
    reached === null ? '' : reached ? 'yes' : 'NO',
  ])
  const all = [['what', 'median (min–max)', 'goal', 'reached'], ...rows]
  const widths = [0, 1, 2, 3].map((column) => Math.max(...all.map((row) => (row[column] as string).length)))
  console.log(`\n${title}`)
  for (const row of all)
    console.log(`  ${row.map((cell, column) => cell.padEnd(widths[column] as number)).join('  ')}`.trimEnd())
}
