import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Line, printTable, type Spread, show, spread } from './figures.ts'
import { load, type Round, type Target } from './load.ts'
import { cpuMs, pidsOf, startChild, stopChild } from './processes.ts'
import { startTaibai } from './taibai.ts'

/**
 * Warm sync calls through the whole path (authentication on, every execution recorded) against the same handler served
 * bare, in turns of one second, so that noise falls on all alike.
 */

interface Contestant {
  name: string
  target: Target
  /** Processes whose processor time counts. */
  pids(): number[]
}

type Measured = Round & { cpuMsPerCall: number }

const event = '{"name":"bench"}'

export async function warm(options: { rounds: number; seconds: number }): Promise<object> {
  const folder = mkdtempSync(join(tmpdir(), 'taibai-load-'))
  const handler = join(import.meta.dirname, 'handler.mjs')
  const bare = await startChild([join(import.meta.dirname, 'bare.ts'), handler])
  const taibai = await startTaibai()
  try {
    const content = readFileSync(handler, 'utf8')
    await taibai.deploy('one', content, { concurrency: 64 })
    const functionId = await taibai.deploy('post', content, { concurrency: 64 })
    const headers = { 'Content-Type': 'application/json' }
    const ours = { ...headers, 'X-Auth-Token': taibai.token }
    const workers = () => [taibai.pid, ...pidsOf('/opt/taibai/shim')]
    const posted = JSON.stringify({ function_id: functionId, input: event })
    const contestants: Contestant[] = [
      {
        name: 'bare',
        target: { url: `http://127.0.0.1:${bare.said.port}/`, headers, body: event },
        pids: () => [bare.child.pid as number],
      },
      { name: '/fn/{name}', target: { url: `${taibai.url}/fn/one`, headers: ours, body: event }, pids: workers },
      {
        name: 'POST /v1/executions',
        target: { url: `${taibai.url}/v1/executions`, headers: ours, body: posted },
        pids: workers,
      },
    ]
    return await compare(contestants, options, folder)
  } finally {
    await taibai.stop()
    await stopChild(bare.child)
    rmSync(folder, { recursive: true, force: true })
  }
}

async function compare(
  contestants: Contestant[],
  options: { rounds: number; seconds: number },
  folder: string,
): Promise<object> {
  const results: Record<string, unknown> = {}
  for (const connections of [1, 16, 64]) {
    const rounds = await takeTurns(contestants, connections, options, folder)
    const lines = contestants.map(({ name }) => line(name, connections, rounds))
    printTable(`warm, ${connections} connection${connections > 1 ? 's' : ''}`, lines.flat())
    results[connections] = Object.fromEntries(rounds)
  }
  return results
}

async function takeTurns(
  contestants: Contestant[],
  connections: number,
  options: { rounds: number; seconds: number },
  folder: string,
): Promise<Map<string, Measured[]>> {
  const rounds = new Map<string, Measured[]>(contestants.map(({ name }) => [name, []]))
  for (const { target } of contestants) await load(target, connections, 1, folder)
  for (let round = 0; round < options.rounds; round++) {
    for (const contestant of contestants)
      rounds.get(contestant.name)?.push(await measure(contestant, connections, options.seconds, folder))
  }
  return rounds
}

async function measure(
  { target, pids }: Contestant,
  connections: number,
  seconds: number,
  folder: string,
): Promise<Measured> {
  const watched = pids()
  const used = () => watched.reduce((sum, pid) => sum + cpuMs(pid), 0)
  const before = used()
  const round = await load(target, connections, seconds, folder)
  return { ...round, cpuMsPerCall: (used() - before) / round.requests }
}

const goals: Record<string, Record<number, number>> = {
  '/fn/{name}': { 16: 0.7, 64: 0.8 },
  'POST /v1/executions': { 16: 0.5, 64: 0.5 },
}

/** Ratios of the same round: the machine's speed drifts. */
function line(name: string, connections: number, rounds: Map<string, Measured[]>): Line[] {
  const own = rounds.get(name) ?? []
  const bare = rounds.get('bare') ?? []
  const rps = spread(own.map((round) => round.requestsPerSecond))
  const cpu = spread(own.map((round) => round.cpuMsPerCall * 1000))
  const errors = own.reduce((sum, round) => sum + round.errors, 0)
  const shown: Line[] = [
    {
      what: `${name}: calls/s; CPU µs a call${errors > 0 ? `; ${errors} ERRORS` : ''}`,
      figure: `${show(rps, 0)}; ${show(cpu, 0)}`,
      goal: '',
      reached: null,
    },
  ]
  if (name === 'bare') return shown
  const ratio = ratios(own, bare, (a, b) => a.requestsPerSecond / b.requestsPerSecond)
  const goal = goals[name]?.[connections]
  shown.push({
    what: `${name}: rate ÷ bare`,
    figure: show(ratio),
    goal: goal === undefined ? '' : `≥ ${goal}`,
    reached: goal === undefined ? null : ratio.median >= goal,
  })
  if (connections > 1) return shown
  const p50 = ratios(own, bare, (a, b) => a.p50Ms - b.p50Ms)
  const p99 = ratios(own, bare, (a, b) => a.p99Ms - b.p99Ms)
  const hot = name === '/fn/{name}'
  shown.push({
    what: `${name}: added p50, ms`,
    figure: show(p50, 3),
    goal: hot ? '≤ 0.25' : '',
    reached: hot ? p50.median <= 0.25 : null,
  })
  shown.push({
    what: `${name}: added p99, ms`,
    figure: show(p99, 3),
    goal: hot ? '≤ 2' : '',
    reached: hot ? p99.median <= 2 : null,
  })
  return shown
}

const ratios = (own: Measured[], bare: Measured[], of: (a: Measured, b: Measured) => number): Spread =>
  spread(own.map((round, at) => of(round, bare[at] as Measured)))
