import { setTimeout as pause } from 'node:timers/promises'
import { atMost, info, mean, percentile, printTable, showPercentiles, sortedOf, spread } from './figures.ts'
import { type Isolation, isolateProcesses } from './isolation.ts'
import { load } from './load.ts'
import { noteNoise } from './noise.ts'
import { invoke, metric, startTaibai, type Taibai, waitUntil } from './taibai.ts'

/**
 * A victim function that is called ten times per second: alone, beside a flood of another function over 64 connections with
 * queued runs, and beside the same flood with a limit of concurrent calls (`max_running`). The three alternate, because the
 * machine's load changes; percentiles are over all calls of a kind.
 */

const connections = 64
const everyMs = 100
/** A limit that an operator would set for the flood. */
const limited = 2
/** A function with a little work, as is typical. */
const content = `export const main = () => { let n = 0; while (n < 200000) n++; return n }`

/** One call of the victim, in ms: the caller's measurement and the server's phases. */
interface Called {
  tookMs: number
  /** Wait for a worker. */
  acquireMs: number
  /** From there to the worker's response. */
  runMs: number
}

interface Kinds {
  alone: Called[]
  beside: Called[]
  besideLimited: Called[]
}

export interface FairnessSize {
  rounds: number
  /** Duration of each kind in each round. */
  seconds: number
  /** Number of queued runs of the flood at the beginning of each round. */
  queued: number
}

export async function fairness(size: FairnessSize): Promise<object> {
  const apart = isolateProcesses()
  const taibai = await startTaibai({ GENERIC_WORKERS: 2, ...apart.settings })
  const kinds: Kinds = { alone: [], beside: [], besideLimited: [] }
  try {
    const victim = await taibai.deploy('victim', content, { min_workers: 1 })
    const flood = await taibai.deploy('flood', content)
    for (let n = 0; n < 20; n++) await invoke(taibai, victim)
    for (let n = 0; n < size.rounds; n++) {
      await noteNoise()
      kinds.alone.push(...(await called(taibai, victim, size.seconds)))
      kinds.beside.push(...(await besideFlood(taibai, victim, flood, size, apart)))
      await taibai.call('PUT', `/v1/functions/${flood}`, { max_running: limited })
      kinds.besideLimited.push(...(await besideFlood(taibai, victim, flood, size, apart)))
      await taibai.call('PUT', `/v1/functions/${flood}`, { max_running: null })
    }
    print(kinds, size, apart.how)
    return kinds
  } finally {
    await taibai.stop()
    apart.remove()
  }
}

function print({ alone, beside, besideLimited }: Kinds, { queued }: FairnessSize, how: string): void {
  const took = (calls: Called[]) => calls.map(({ tookMs }) => tookMs)
  const ratio = (calls: Called[], at: number) => {
    const of = (kind: Called[]) => percentile(sortedOf(took(kind)), at)
    return spread([of(calls) / of(alone)])
  }
  printTable(
    `A victim called ten times a second beside ${connections} connections and ${queued} queued runs of another (${how})`,
    [
      info('alone, ms', showPercentiles(took(alone), 1)),
      info('beside the flood, ms', showPercentiles(took(beside), 1)),
      info(`beside the flood with max_running ${limited}, ms`, showPercentiles(took(besideLimited), 1)),
      info('of the slowest 5 %: alone', slowest(alone)),
      info('of the slowest 5 %: beside the flood', slowest(beside)),
      info(`of the slowest 5 %: beside, max_running ${limited}`, slowest(besideLimited)),
      atMost('p50 beside ÷ alone', 2, ratio(beside, 50)),
      atMost('p99 beside ÷ alone', 3, ratio(beside, 99)),
      atMost(`p50 beside ÷ alone, max_running ${limited}`, 2, ratio(besideLimited, 50)),
      atMost(`p99 beside ÷ alone, max_running ${limited}`, 3, ratio(besideLimited, 99)),
    ],
  )
}

/** Where slow calls spend their time: in the queue for a worker, in the worker, or around both. */
function slowest(calls: Called[]): string {
  const slow = calls.toSorted((a, b) => b.tookMs - a.tookMs).slice(0, Math.ceil(calls.length / 20))
  const of = (value: (call: Called) => number) => mean(slow.map(value)).toFixed(1)
  const around = of(({ tookMs, acquireMs, runMs }) => tookMs - acquireMs - runMs)
  return `line ${of((call) => call.acquireMs)}  worker ${of((call) => call.runMs)}  around ${around} ms`
}

/** Throws when a call fails. */
async function called(taibai: Taibai, id: string, seconds: number): Promise<Called[]> {
  const calls: Promise<Called>[] = []
  for (const end = performance.now() + seconds * 1000; performance.now() < end; await pause(everyMs)) {
    calls.push(invoke(taibai, id).then(calledOf))
  }
  return Promise.all(calls)
}

function calledOf({ tookMs, headers }: { tookMs: number; headers: object }): Called {
  const timing = String((headers as Record<string, unknown>)['server-timing'])
  const ms = (phase: string) => Number(new RegExp(`${phase};dur=([\\d.]+)`).exec(timing)?.[1])
  return { tookMs, acquireMs: ms('acquire'), runMs: ms('run') }
}

async function besideFlood(
  taibai: Taibai,
  victim: string,
  flood: string,
  { seconds, queued }: FairnessSize,
  apart: Isolation,
): Promise<Called[]> {
  const accept = () => taibai.call('POST', '/v1/executions', { function_id: flood, sync: false })
  for (let left = queued; left > 0; left -= 100) await Promise.all(Array.from({ length: Math.min(left, 100) }, accept))
  const headers = { 'X-Auth-Token': taibai.token }
  const target = { url: `${taibai.url}/fn/${flood}`, headers }
  const flooding = load(target, connections, seconds + 3, taibai.dataDir, apart.admit)
  // Start-up costs of the flood, mainly its workers, are not measured.
  await pause(2000)
  const calls = await called(taibai, victim, seconds)
  await flooding
  await waitUntil('the queue is empty', async () => (await metric(taibai, 'taibai_queued')) === 0)
  return calls
}
