import type { ExecutionRow } from '../../client/resources/executions.ts'
import { ms } from '../text.ts'

/** The phases of a run as a waterfall: each bar begins where the previous one ends. */

const says: Record<string, string> = {
  queue: 'waiting in the queue',
  acquire: 'waiting for a worker',
  load: 'of which: loading the code',
  resume: 'of which: resuming the worker',
  run: 'running',
}

interface Bar {
  name: string
  fromMs: number
  forMs: number
}

function barsOf(phases: Record<string, number>): Bar[] {
  const { queue = 0, acquire = 0, load = 0, resume = 0, run = 0 } = phases
  const ready = queue + acquire
  const bars: Bar[] = [
    { name: 'queue', fromMs: 0, forMs: queue },
    { name: 'acquire', fromMs: queue, forMs: acquire },
    { name: 'load', fromMs: ready - load - resume, forMs: load },
    { name: 'resume', fromMs: ready - resume, forMs: resume },
    { name: 'run', fromMs: ready, forMs: run },
  ]
  return bars.filter(({ name, forMs }) => forMs >= 0.05 || name === 'run')
}

export function Phases({ phases }: { phases: ExecutionRow['phases'] }) {
  if (phases === null) return null
  const total = Math.max(phases.total ?? 0, 0.001)
  return (
    <table class="phases">
      <caption class="hidden">Phases of the run</caption>
      <tbody>
        {barsOf(phases).map(({ name, fromMs, forMs }) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td class="number">{ms(forMs)}</td>
            <td class="bar">
              <svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
                <rect
                  class={name}
                  x={(fromMs / total) * 100}
                  y="1"
                  height="8"
                  width={Math.max(0.6, (forMs / total) * 100)}
                />
              </svg>
            </td>
            <td class="says">{says[name]}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
