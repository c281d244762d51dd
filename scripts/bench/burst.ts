import { engineStart } from './engine.ts'
import { atMost, info, median, percentile, printTable, showPercentiles, sortedOf, spread } from './figures.ts'
import { noteNoise } from './noise.ts'
import { smallSource } from './packages.ts'
import { invoke, startTaibai, type Taibai } from './taibai.ts'

/** Calls many new functions at once, compared with the engine starting as many containers. */

const functions = 50
/** The server's default. */
const parallelStarts = 4

interface Burst {
  calls: number[]
  /** Start of a single container. */
  oneStart: number
  /** Starts of as many containers as functions, with the server's parallelism: ms from the first request to each start. */
  engine: number[]
}

export async function burst({ rounds }: { rounds: number }): Promise<object> {
  const bursts: Burst[] = []
  for (let round = 0; round < rounds; round++) {
    await noteNoise()
    const oneStart = median([await engineStart('nodejs'), await engineStart('nodejs'), await engineStart('nodejs')])
    await noteNoise()
    const engine = await engineBurst()
    await noteNoise()
    const calls = await serverBurst()
    bursts.push({ calls, oneStart, engine })
  }
  const p95 = (values: number[]) => percentile(sortedOf(values), 95)
  const formula = ({ oneStart }: Burst) => (functions / parallelStarts) * oneStart
  printTable(`${functions} first calls of ${functions} functions at once`, [
    info(
      'calls, ms',
      showPercentiles(
        bursts.flatMap(({ calls }) => calls),
        0,
      ),
    ),
    info(
      'one start of the engine, ms',
      showPercentiles(
        bursts.map(({ oneStart }) => oneStart),
        0,
      ),
    ),
    info(
      `${functions} starts of the engine, ${parallelStarts} at once, ms`,
      showPercentiles(
        bursts.flatMap(({ engine }) => engine),
        0,
      ),
    ),
    atMost(
      'p95 ÷ (50 ÷ parallel starts × one start)',
      1.2,
      spread(bursts.map((each) => p95(each.calls) / formula(each))),
    ),
    atMost("p95 ÷ the engine's own p95", 1.2, spread(bursts.map(({ calls, engine }) => p95(calls) / p95(engine)))),
  ])
  return bursts
}

async function engineBurst(): Promise<number[]> {
  const from = performance.now()
  const took: number[] = []
  let left = functions
  const line = async () => {
    while (left-- > 0) {
      await engineStart('nodejs')
      took.push(performance.now() - from)
    }
  }
  await Promise.all(Array.from({ length: parallelStarts }, line))
  return took
}

/** Throws when a call fails. */
async function serverBurst(): Promise<number[]> {
  const taibai = await startTaibai({ MAX_PARALLEL_STARTS: parallelStarts })
  try {
    const ids = await deployAll(taibai)
    await noteNoise()
    const answers = await Promise.all(ids.map((id) => invoke(taibai, id)))
    return answers.map(({ tookMs }) => tookMs)
  } finally {
    await taibai.stop()
  }
}

async function deployAll(taibai: Taibai): Promise<string[]> {
  const ids: string[] = []
  for (let n = 0; n < functions; n++) ids.push(await taibai.deploy(`f${n}`, smallSource('nodejs')))
  return ids
}
