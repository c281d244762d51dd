import { setTimeout as pause } from 'node:timers/promises'
import { atMost, info, percentile, printTable, showPercentiles, sortedOf, spread } from './figures.ts'
import { load } from './load.ts'
import { noteNoise } from './noise.ts'
import { invoke, startTaibai, type Taibai } from './taibai.ts'

/**
 * A victim that is called ten times a second: alone, beside a flood of another function over 64 connections with queued runs of
 * it, and beside the same flood when that function has a limit of calls at once (`max_running`).
 */

const connections = 64
const everyMs = 100
/** What an operator would give the flood. */
const limited = 2
/** A function that works a little, as functions do. */
const content = `export const main = () => { let n = 0; while (n < 200000) n++; return n }`

export async function fairness({ seconds, queued }: { seconds: number; queued: number }): Promise<object> {
  const taibai = await startTaibai({ GENERIC_WORKERS: 2 })
  try {
    const victim = await taibai.deploy('victim', content, { min_workers: 1 })
    const flood = await taibai.deploy('flood', content)
    for (let n = 0; n < 20; n++) await invoke(taibai, victim)
    await noteNoise()
    const alone = await called(taibai, victim, seconds)
    const beside = await besideFlood(taibai, victim, flood, seconds, queued)
    await taibai.call('PUT', `/v1/functions/${flood}`, { max_running: limited })
    const besideLimited = await besideFlood(taibai, victim, flood, seconds, queued)
    print({ alone, beside, besideLimited }, queued)
    return { alone, beside, besideLimited }
  } finally {
    await taibai.stop()
  }
}

function print(
  { alone, beside, besideLimited }: Record<'alone' | 'beside' | 'besideLimited', number[]>,
  queued: number,
): void {
  const ratio = (values: number[], at: number) =>
    spread([percentile(sortedOf(values), at) / percentile(sortedOf(alone), at)])
  printTable(
    `A victim called ten times a second beside ${connections} connections and ${queued} queued runs of another`,
    [
      info('alone, ms', showPercentiles(alone, 1)),
      info('beside the flood, ms', showPercentiles(beside, 1)),
      info(`beside the flood with max_running ${limited}, ms`, showPercentiles(besideLimited, 1)),
      atMost('p50 beside ÷ alone', 2, ratio(beside, 50)),
      atMost('p99 beside ÷ alone', 3, ratio(beside, 99)),
      atMost(`p50 beside ÷ alone, max_running ${limited}`, 2, ratio(besideLimited, 50)),
      atMost(`p99 beside ÷ alone, max_running ${limited}`, 3, ratio(besideLimited, 99)),
    ],
  )
}

/** How long each call took, in ms. Throws when one fails. */
async function called(taibai: Taibai, id: string, seconds: number): Promise<number[]> {
  const calls: Promise<number>[] = []
  for (const until = performance.now() + seconds * 1000; performance.now() < until; await pause(everyMs)) {
    calls.push(invoke(taibai, id).then(({ tookMs }) => tookMs))
  }
  return Promise.all(calls)
}

async function besideFlood(taibai: Taibai, victim: string, flood: string, seconds: number, queued: number) {
  const accept = () => taibai.call('POST', '/v1/executions', { function_id: flood, sync: false })
  for (let left = queued; left > 0; left -= 100) await Promise.all(Array.from({ length: Math.min(left, 100) }, accept))
  const headers = { 'X-Auth-Token': taibai.token }
  const target = { url: `${taibai.url}/fn/${flood}`, headers }
  const flooding = load(target, connections, seconds + 3, taibai.dataDir)
  // What the flood takes at its beginning, its workers above all, is not what is asked here.
  await pause(2000)
  const took = await called(taibai, victim, seconds)
  await flooding
  return took
}
