import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { info, percentile, printTable } from './figures.ts'
import { noteNoise } from './noise.ts'
import { cpuSince, rssMb } from './processes.ts'
import { handlerFile, invoke, startTaibai, type Taibai } from './taibai.ts'

/** The cost of idle workers, paused and not, and of resuming one: whether pausing pays. */

const python = 'def main(event, context):\n    return {"hello": "world"}\n'
/** A function that leaves a timer running, as a client library may. */
const ticking = `setInterval(() => {}, 10)\n${readFileSync(handlerFile, 'utf8')}`
const kinds = {
  nodejs: { runtime: 'nodejs', content: readFileSync(handlerFile, 'utf8') },
  python3: { runtime: 'python3', content: python },
  'nodejs with a timer of 10 ms': { runtime: 'nodejs', content: ticking },
}

interface IdleOptions {
  workers: number
  seconds: number
}

export async function idle(options: IdleOptions): Promise<object> {
  const results: Record<string, unknown> = {}
  for (const [name, kind] of Object.entries(kinds)) results[name] = await ofKind(name, kind, options)
  return results
}

async function ofKind(
  name: string,
  { runtime, content }: { runtime: string; content: string },
  { workers, seconds }: IdleOptions,
): Promise<object> {
  const graceMs = (seconds + 10) * 1000
  const taibai = await startTaibai({ MEMORY_BUDGET_MB: 128 * (workers + 8), PAUSE_AFTER_MS: graceMs })
  try {
    for (let n = 0; n < workers; n++) {
      await taibai.deploy(`f${n}`, content, { runtime })
      await invoke(taibai, `f${n}`)
    }
    await pause(5000)
    const running = await cost(taibai, seconds)
    // The pool pauses four per second; resuming shows whether all were paused.
    await pause(graceMs - seconds * 1000 + (workers / 4) * 1000 + 10_000)
    const paused = await cost(taibai, seconds)
    const wokenMs: number[] = []
    for (let n = 0; n < Math.min(workers, 20); n++) wokenMs.push(resumeOf(await invoke(taibai, `f${n}`)))
    wokenMs.sort((a, b) => a - b)
    const share = (each: typeof running) => `workers ${each.workers.toFixed(3)}, server ${each.server.toFixed(3)}`
    printTable(`${workers} idle workers: ${name}`, [
      info('% of a core, not paused', share(running)),
      info('% of a core, paused', share(paused)),
      info('memory of the server, MB', `${running.rss.toFixed(0)}, paused ${paused.rss.toFixed(0)}`),
      info(
        'waking one, ms',
        `p50 ${percentile(wokenMs, 50).toFixed(1)}, p95 ${percentile(wokenMs, 95).toFixed(1)} (goal 20)`,
      ),
    ])
    return { running, paused, wokenMs }
  } finally {
    await taibai.stop()
  }
}

/** CPU shares of a core in %, measured over `seconds`. */
async function cost(taibai: Taibai, seconds: number): Promise<{ workers: number; server: number; rss: number }> {
  await noteNoise()
  const before = taibai.cpu()
  await pause(seconds * 1000)
  const { workers = 0, ...server } = cpuSince(before, taibai.cpu())
  const percent = (ms: number) => ms / (seconds * 10)
  return {
    workers: percent(workers),
    server: percent(Object.values(server).reduce((total, ms) => total + ms, 0)),
    rss: rssMb(taibai.pid),
  }
}

function resumeOf(answer: { headers: Record<string, unknown> }): number {
  const [, ms] = /resume;dur=([\d.]+)/.exec(String(answer.headers['server-timing'])) ?? []
  if (ms === undefined) throw new Error(`the worker was not paused: ${answer.headers['server-timing']}`)
  return Number(ms)
}
