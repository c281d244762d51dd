/** Figures of several rounds, and how they are shown. */

export interface Spread {
  min: number
  median: number
  max: number
}

export function spread(values: number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b)
  return { min: sorted[0] ?? 0, median: percentile(sorted, 50), max: sorted[sorted.length - 1] ?? 0 }
}

/** Of sorted values. */
export function percentile(sorted: number[], p: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * p) / 100))] ?? 0
}

export const show = ({ min, median, max }: Spread, digits = 2): string =>
  `${median.toFixed(digits)} (${min.toFixed(digits)}–${max.toFixed(digits)})`

export interface Line {
  what: string
  figure: string
  goal: string
  /** Null: no goal. */
  reached: boolean | null
}

export function printTable(title: string, lines: Line[]): void {
  const rows = lines.map(({ what, figure, goal, reached }) => [
    what,
    figure,
    goal,
    reached === null ? '' : reached ? 'yes' : 'NO',
  ])
  const all = [['what', 'median (min–max)', 'goal', 'reached'], ...rows]
  const widths = [0, 1, 2, 3].map((column) => Math.max(...all.map((row) => (row[column] as string).length)))
  console.log(`\n${title}`)
  for (const row of all) console.log(`  ${row.map((cell, column) => cell.padEnd(widths[column] as number)).join('  ')}`)
}
