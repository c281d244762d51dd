import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { type Line, percentile, printTable, spread } from './figures.ts'
import { run } from './load.ts'
import { startTaibai, type Taibai } from './taibai.ts'

/**
 * First calls: on a generic worker that is ready, and with none; each against `docker run --rm` of the same image printing
 * one line, in turns.
 */
export async function cold(options: { calls: number }): Promise<object> {
  const results: Record<string, unknown> = {}
  for (const runtime of ['nodejs', 'python3'] as const) results[runtime] = await ofRuntime(runtime, options.calls)
  return results
}

const images = {
  nodejs: ['taibai/nodejs', 'node', '-e', 'console.log(1)'],
  python3: ['taibai/python3', 'python3', '-c', 'print(1)'],
}
const python = 'def main(event, context):\n    return {"hello": "world"}\n'

async function ofRuntime(runtime: 'nodejs' | 'python3', calls: number): Promise<object> {
  const content = runtime === 'python3' ? python : readFileSync(join(import.meta.dirname, 'handler.mjs'), 'utf8')
  const withGeneric = await startTaibai({ TAIBAI_GENERIC_WORKERS: '3' })
  const without = await startTaibai({ TAIBAI_GENERIC_WORKERS: '0' })
  try {
    const times = { prewarmed: [] as number[], cold: [] as number[], dockerRun: [] as number[] }
    for (let n = 0; n < calls; n++) {
      times.prewarmed.push(await firstCall(withGeneric, `f${n}`, content, runtime, 'prewarmed'))
      times.cold.push(await firstCall(without, `f${n}`, content, runtime, 'cold'))
      times.dockerRun.push(await timed(() => run('docker', ['run', '--rm', ...images[runtime]])))
      await pause(1500)
    }
    printTable(`first calls, ${runtime}`, lines(times))
    return times
  } finally {
    await withGeneric.stop()
    await without.stop()
  }
}

async function firstCall(
  taibai: Taibai,
  name: string,
  content: string,
  runtime: string,
  expected: string,
): Promise<number> {
  const id = await taibai.deploy(name, content, { runtime })
  const headers = { 'X-Auth-Token': taibai.token }
  const tookMs = await timed(async () => {
    const answer = await fetch(`${taibai.url}/fn/${name}`, { method: 'POST', headers, body: '{}' })
    await answer.text()
    const timing = answer.headers.get('server-timing') ?? ''
    if (!answer.ok || !timing.includes(`desc="${expected}`))
      throw new Error(`the first call was not ${expected}: ${answer.status} ${timing}`)
  })
  await taibai.call('DELETE', `/v1/functions/${id}`)
  return tookMs
}

async function timed(act: () => Promise<unknown>): Promise<number> {
  const from = performance.now()
  await act()
  return performance.now() - from
}

function lines(times: { prewarmed: number[]; cold: number[]; dockerRun: number[] }): Line[] {
  const sorted = Object.fromEntries(
    Object.entries(times).map(([key, values]) => [key, [...values].sort((a, b) => a - b)]),
  ) as typeof times
  const shown = (values: number[]) =>
    `p50 ${percentile(values, 50).toFixed(1)}  p95 ${percentile(values, 95).toFixed(1)}`
  const ratio = spread(times.prewarmed.map((ms, at) => ms / (times.dockerRun[at] as number)))
  const coldRatio = spread(times.cold.map((ms, at) => ms / (times.dockerRun[at] as number)))
  const p50 = percentile(sorted.prewarmed, 50)
  const p95 = percentile(sorted.prewarmed, 95)
  return [
    { what: 'docker run --rm, ms', figure: shown(sorted.dockerRun), goal: '', reached: null },
    {
      what: 'on a generic worker, ms',
      figure: shown(sorted.prewarmed),
      goal: 'p50 ≤ 12, p95 ≤ 30',
      reached: p50 <= 12 && p95 <= 30,
    },
    {
      what: 'on a generic worker ÷ docker run',
      figure: ratio.median.toFixed(3),
      goal: '≤ 0.1',
      reached: ratio.median <= 0.1,
    },
    { what: 'with none ready, ms', figure: shown(sorted.cold), goal: '', reached: null },
    {
      what: 'with none ready ÷ docker run',
      figure: coldRatio.median.toFixed(2),
      goal: '≤ 1.1',
      reached: coldRatio.median <= 1.1,
    },
  ]
}
