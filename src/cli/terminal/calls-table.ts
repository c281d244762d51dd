import type { ExecutionRow } from '../../client/resources/executions.ts'

/** The calls of one function as a table: start kind, duration of each phase, and result. */

type ShownCall = Pick<ExecutionRow, 'start_kind' | 'cold_reason' | 'phases' | 'output' | 'error'>

const phases = ['queue', 'acquire', 'load', 'run', 'total']

/** Pads the cells of each column to the same width. */
export function callsTable(name: string, calls: Partial<ShownCall>[]): string {
  const header = [name, ...phases, 'answer']
  const rows = calls.map((call) => [
    startOf(call),
    ...phases.map((phase) => call.phases?.[phase]?.toFixed(1) ?? '-'),
    JSON.stringify(call.output ?? call.error?.message ?? null),
  ])
  const widths = header.map((cell, column) => Math.max(cell.length, ...rows.map((row) => row[column]?.length ?? 0)))
  return [header, ...rows]
    .map((row) => `  ${row.map((cell, column) => align(cell, widths[column] ?? 0, column)).join('  ')}`.trimEnd())
    .join('\n')
}

function startOf({ start_kind, cold_reason }: Partial<ShownCall>): string {
  return cold_reason ? `${start_kind} (${cold_reason})` : `${start_kind ?? '-'}`
}

/** Numbers are aligned to the right, text to the left. */
function align(cell: string, width: number, column: number): string {
  return column >= 1 && column <= phases.length ? cell.padStart(width) : cell.padEnd(width)
}
