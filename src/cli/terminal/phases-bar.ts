import type { ExecutionRow } from '../../client/resources/executions.ts'
import type { Output } from './output.ts'
import { milliseconds } from './table-columns.ts'

/** Consecutive phases; `load` and `resume` are parts of `acquire`. */
const inOrder = ['queue', 'acquire', 'run'] as const
const parts = ['load', 'resume'] as const
const explanations: Record<string, string> = {
  queue: 'waited for its turn',
  acquire: 'waited for a worker',
  load: 'of which: loading the code',
  resume: 'of which: resuming the worker',
  run: 'ran',
}
const barWidth = 40

/** Draws a bar for each phase, starting at its begin. */
export function showPhases(out: Output, phases: ExecutionRow['phases'], start: string | null): void {
  if (phases === null) return
  const total = Math.max(phases.total ?? 0, 0.001)
  let from = 0
  for (const name of inOrder) {
    const ms = phases[name] ?? 0
    if (name !== 'queue' || ms >= 0.05) showBar(out, name, from, ms, total)
    if (name === 'acquire') {
      let begun = from + Math.max(0, ms - sumOf(phases))
      for (const part of parts) {
        if ((phases[part] ?? 0) < 0.05) continue
        showBar(out, part, begun, phases[part] ?? 0, total)
        begun += phases[part] ?? 0
      }
    }
    from += ms
  }
  out.line(`${'total'.padEnd(8)}${(milliseconds(phases.total) ?? '').padStart(10)}  ${start ?? ''}`.trimEnd())
}

const sumOf = (phases: Record<string, number>): number => parts.reduce((sum, part) => sum + (phases[part] ?? 0), 0)

function showBar(out: Output, name: string, from: number, ms: number, total: number): void {
  const begin = Math.min(barWidth - 1, Math.round((from / total) * barWidth))
  const length = Math.max(1, Math.min(barWidth - begin, Math.round((ms / total) * barWidth)))
  const bar = ' '.repeat(begin) + out.style(name === 'run' ? 'green' : 'yellow', '█'.repeat(length))
  const end = ' '.repeat(barWidth - begin - length)
  out.line(`${name.padEnd(8)}${(milliseconds(ms) ?? '').padStart(10)}  ${bar}${end}  ${explanations[name]}`)
}
