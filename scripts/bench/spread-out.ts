import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { atLeast, printTable } from './figures.ts'
import { alternate, type Contestant, type Measured, type RoundOptions, rateLine, rateRatio } from './rounds.ts'
import { handlerFile, invoke, startTaibai, type Taibai, waitUntil } from './taibai.ts'

/**
 * The same calls spread over workers (one call at a time in each) and over functions, compared with one function in one worker.
 */

const workers = 8
const functions = 100
const connections = 16

export async function spreadOut(options: RoundOptions): Promise<object> {
  // 128 MiB each: one worker, eight, a hundred, and generic ones.
  const taibai = await startTaibai({ MEMORY_BUDGET_MB: 128 * 120 })
  try {
    await deployAll(taibai)
    const contestants: Contestant[] = [
      contestant(taibai, 'one function', Array(functions).fill('/fn/one')),
      contestant(taibai, `${workers} workers`, Array(functions).fill('/fn/eight')),
      contestant(
        taibai,
        `${functions} functions`,
        manyNames.map((name) => `/fn/${name}`),
      ),
    ]
    const rounds = await alternate(contestants, connections, options)
    const of = (name: string) => rounds.get(name) as Measured[]
    const [one, eight, many] = contestants.map(({ name }) => of(name)) as [Measured[], Measured[], Measured[]]
    printTable(`the same calls spread out, ${connections} connections`, [
      ...contestants.map(({ name }) => rateLine(name, of(name))),
      atLeast('8 workers of concurrency 1 ÷ one function', 0.8, rateRatio(eight, one)),
      atLeast('100 functions in turn ÷ one function', 0.8, rateRatio(many, one)),
    ])
    return Object.fromEntries(rounds)
  } finally {
    await taibai.stop()
  }
}

const manyNames = Array.from({ length: functions }, (_, n) => `many${n}`)

async function deployAll(taibai: Taibai): Promise<void> {
  const content = readFileSync(handlerFile, 'utf8')
  await taibai.deploy('one', content, { concurrency: 64 })
  await invoke(taibai, 'one')
  await taibai.deploy('eight', content, { concurrency: 1, min_workers: workers, max_workers: workers })
  const eightAreReady = async () => {
    const { text } = await taibai.call('GET', '/metrics')
    return Number(/taibai_workers\{state="idle"\} (\d+)/.exec(text)?.[1] ?? 0) >= workers + 1
  }
  await waitUntil('eight workers are ready', eightAreReady)
  for (const name of manyNames) {
    await taibai.deploy(name, content, { concurrency: 64 })
    await invoke(taibai, name)
  }
  await pause(1000)
}

const contestant = (taibai: Taibai, name: string, paths: string[]): Contestant => ({
  name,
  target: {
    url: taibai.url,
    paths,
    headers: { 'Content-Type': 'application/json', 'X-Auth-Token': taibai.token },
    body: '{"name":"bench"}',
  },
  cpu: taibai.cpu,
})
