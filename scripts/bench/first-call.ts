import { setTimeout as pause } from 'node:timers/promises'
import { containersOf, engineStart, networkOf } from './engine.ts'
import {
  atMost,
  info,
  type Line,
  median,
  percentile,
  printTable,
  ratios,
  showPercentiles,
  sortedOf,
} from './figures.ts'
import { type Isolation, isolateProcesses } from './isolation.ts'
import { run } from './load.ts'
import { noteNoise } from './noise.ts'
import { bigZip, type Language, smallSource } from './packages.ts'
import { invoke, startTaibai, type Taibai, waitUntil } from './taibai.ts'

/** First calls of a small and a big package, with a ready generic worker and without; compared with the engine's cost. */

interface Times {
  small: number[]
  big: number[]
  cold: number[]
  engine: number[]
  onOwnNetwork: number[]
  dockerRun: number[]
}

const generic = 2
/** Memory of a worker. */
const memoryMb: Record<Language, number> = { nodejs: 128, python3: 64 }

export async function firstCall({ calls }: { calls: number }): Promise<object> {
  const results: Record<string, unknown> = {}
  const apart = isolateProcesses()
  try {
    for (const language of ['nodejs', 'python3'] as const) results[language] = await ofLanguage(language, calls, apart)
  } finally {
    apart.remove()
  }
  return results
}

async function ofLanguage(language: Language, calls: number, apart: Isolation): Promise<Times> {
  const ready = await startTaibai({ GENERIC_WORKERS: generic, ...apart.settings })
  // With memory for one worker none is kept ready, however many were wanted before.
  const none = await startTaibai({ GENERIC_WORKERS: 0, MEMORY_BUDGET_MB: memoryMb[language], ...apart.settings })
  try {
    const times: Times = { small: [], big: [], cold: [], engine: [], onOwnNetwork: [], dockerRun: [] }
    for (let n = -1; n < calls; n++) {
      const round = await oneRound(ready, none, language, n, apart.parent)
      // The first round finds caches empty that later ones find full.
      if (n >= 0) for (const [name, ms] of Object.entries(round)) times[name as keyof Times].push(ms)
    }
    printTable(`first calls, ${language} (${apart.how})`, lines(times))
    return times
  } finally {
    await ready.stop()
    await none.stop()
  }
}

async function oneRound(
  ready: Taibai,
  none: Taibai,
  language: Language,
  n: number,
  parent: string | undefined,
): Promise<Record<keyof Times, number>> {
  const small = await onGeneric(ready, language, () =>
    ready.deploy(`small${n}`, smallSource(language), { runtime: language }),
  )
  const big = await onGeneric(ready, language, () => ready.deployZip(`big${n}`, bigZip(language), language))
  await quiet(ready, none, language)
  // They alternate in going first, because work of the previous one slows the next.
  const cold = () => firstCold(none, language)
  const engine = () => engineStart(language, undefined, parent)
  const network = networkOf(none.dataDir)
  const onOwnNetwork = () => engineStart(language, network, parent)
  const took =
    n % 2 === 0
      ? { cold: await cold(), onOwnNetwork: await onOwnNetwork(), engine: await engine() }
      : { engine: await engine(), onOwnNetwork: await onOwnNetwork(), cold: await cold() }
  await quiet(ready, none, language)
  const from = performance.now()
  const group = parent === undefined ? [] : ['--cgroup-parent', parent]
  await run('docker', ['run', '--rm', ...group, `taibai/${language}`, ...printsOne[language]])
  return { small, big, ...took, dockerRun: performance.now() - from }
}

const printsOne: Record<Language, string[]> = {
  nodejs: ['node', '-e', 'console.log(1)'],
  python3: ['python3', '-c', 'print(1)'],
}

async function firstCold(none: Taibai, language: Language): Promise<number> {
  const id = await none.deploy('cold', smallSource(language), { runtime: language })
  await noteNoise()
  const { tookMs } = await invoke(none, id, 'cold')
  await none.call('DELETE', `/v1/functions/${id}`)
  await waitUntil('its worker is gone', async () => (await containersOf(none.dataDir)) === 0)
  return tookMs
}

/** Deployed some time before the call, as is usual; the replacement of the worker does not affect the next figure. */
async function onGeneric(taibai: Taibai, language: Language, deploy: () => Promise<string>): Promise<number> {
  const id = await deploy()
  await refilled(taibai, language)
  await noteNoise()
  const { tookMs } = await invoke(taibai, id, 'prewarmed')
  await taibai.call('DELETE', `/v1/functions/${id}`)
  return tookMs
}

/** Waits until no worker of ours starts or ends. */
async function quiet(ready: Taibai, none: Taibai, language: Language): Promise<void> {
  await refilled(ready, language)
  await waitUntil('no worker is left', async () => (await containersOf(none.dataDir)) === 0)
  await noteNoise()
}

async function refilled(taibai: Taibai, language: Language): Promise<void> {
  await waitUntil('generic workers are ready', async () => (await taibai.ready(language)) >= generic)
  await pause(300)
}

function lines(times: Times): Line[] {
  return [
    onGenericLine('10 kB on a generic worker, ms', times.small, { p50: 12, p95: 30 }),
    onGenericLine('2,000 files, 20 MB, ms', times.big, { p50: 60 }),
    info('none ready, ms', showPercentiles(times.cold)),
    info('engine: create + start + language, ms', showPercentiles(times.engine)),
    atMost('none ready ÷ engine', 1.1, ratios(times.cold, times.engine)),
    info("engine on the functions' own network, ms", showPercentiles(times.onOwnNetwork)),
    atMost("none ready ÷ engine on the functions' own network", 1.1, ratios(times.cold, times.onOwnNetwork)),
    info('docker run --rm, ms', showPercentiles(times.dockerRun)),
    atMost('10 kB on a generic worker ÷ docker run', 0.1, ratios(times.small, times.dockerRun), 3),
  ]
}

function onGenericLine(what: string, times: number[], goal: { p50: number; p95?: number }): Line {
  const p95 = percentile(sortedOf(times), 95)
  return {
    what,
    figure: showPercentiles(times),
    goal: `p50 ≤ ${goal.p50}${goal.p95 === undefined ? '' : `, p95 ≤ ${goal.p95}`}`,
    reached: median(times) <= goal.p50 && p95 <= (goal.p95 ?? Number.POSITIVE_INFINITY),
  }
}
