// Calls of one function as a table: how each started, what each phase took, what it answered.
import type { Execution } from './api.ts'

const PHASES = ['queue', 'acquire', 'load', 'run', 'total']

/** Columns that line up; pure. */
export function callsTable(name: string, executions: Execution[]): string {
  const header = [name, ...PHASES, 'answer']
  const rows = executions.map((execution) => [
    startOf(execution),
    ...PHASES.map((phase) => execution.phases?.[phase]?.toFixed(1) ?? '-'),
    JSON.stringify(execution.output ?? execution.error?.message ?? null),
  ])
  const widths = header.map((cell, column) => Math.max(cell.length, ...rows.map((row) => row[column]?.length ?? 0)))
  return [header, ...rows]
    .map((row) => `  ${row.map((cell, column) => align(cell, widths[column] ?? 0, column)).join('  ')}`.trimEnd())
    .join('\n')
}

function startOf({ start_kind, cold_reason }: Execution): string {
  return cold_reason ? `${start_kind} (${cold_reason})` : `${start_kind ?? '-'}`
}

/** Numbers to the right, text to the left. */
function align(cell: string, width: number, column: number): string {
  return column >= 1 && column <= PHASES.length ? cell.padStart(width) : cell.padEnd(width)
}
