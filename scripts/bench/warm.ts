import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { atLeast, atMost, info, type Line, printTable, ratios, show } from './figures.ts'
import { isolateProcesses } from './isolation.ts'
import { processCpu, startChild, stopChild } from './processes.ts'
import {
  alternate,
  type Contestant,
  difference,
  type Measured,
  type RoundOptions,
  rateLine,
  rateRatio,
} from './rounds.ts'
import { handlerFile, startTaibai, type Taibai } from './taibai.ts'

/**
 * Warm sync calls through the whole path (authentication on, every execution recorded) compared with the same handler alone, and
 * behind a proxy without either.
 */

const event = '{"name":"bench"}'
const json = { 'Content-Type': 'application/json' }

export async function warm(options: RoundOptions): Promise<object> {
  const folder = mkdtempSync(join(tmpdir(), 'taibai-proxy-'))
  const socket = join(folder, 'worker.sock')
  const file = (name: string) => join(import.meta.dirname, name)
  const apart = isolateProcesses()
  const children = [
    await startChild([file('bare.ts'), handlerFile]),
    await startChild([file('bare.ts'), handlerFile, socket]),
    await startChild([file('proxy.ts'), socket, 'request']),
    await startChild([file('proxy.ts'), socket, 'dispatch']),
  ] as const
  const [bare, behind, byRequest, byDispatch] = children
  const taibai = await startTaibai(apart.settings)
  try {
    const of = (name: string, front: { port: number; pid: number }, workerPid?: number): Contestant => ({
      name,
      target: { url: `http://127.0.0.1:${front.port}/`, headers: json, body: event },
      cpu: () => ({
        main: processCpu(front.pid),
        ...(workerPid !== undefined && { workers: processCpu(workerPid) }),
      }),
    })
    const contestants = [
      of('bare', bare),
      of('undici proxy', byRequest, behind.pid),
      of('undici proxy by dispatch', byDispatch, behind.pid),
      ...(await ours(taibai)),
    ]
    const results: Record<string, unknown> = {}
    for (const connections of [1, 16, 64]) {
      const rounds = await alternate(contestants, connections, options, apart.admit)
      const lines = contestants.flatMap(({ name }) => linesOf(name, connections, rounds))
      printTable(`warm, ${connections} connection${connections > 1 ? 's' : ''} (${apart.how})`, lines)
      results[connections] = Object.fromEntries(rounds)
    }
    return results
  } finally {
    await taibai.stop()
    for (const { child } of children) await stopChild(child)
    rmSync(folder, { recursive: true, force: true })
    apart.remove()
  }
}

async function ours(taibai: Taibai): Promise<Contestant[]> {
  const content = readFileSync(handlerFile, 'utf8')
  await taibai.deploy('one', content, { concurrency: 64 })
  const functionId = await taibai.deploy('post', content, { concurrency: 64 })
  const headers = { ...json, 'X-Auth-Token': taibai.token }
  const posted = JSON.stringify({ function_id: functionId, input: event })
  return [
    { name: '/fn/{name}', target: { url: `${taibai.url}/fn/one`, headers, body: event }, cpu: taibai.cpu },
    {
      name: 'POST /v1/executions',
      target: { url: `${taibai.url}/v1/executions`, headers, body: posted },
      cpu: taibai.cpu,
    },
  ]
}

const goals: Record<string, Record<number, number>> = {
  '/fn/{name}': { 16: 0.7, 64: 0.8 },
  'POST /v1/executions': { 16: 0.5, 64: 0.5 },
}
const goalOverProxy = 1.8
/** The event loop's CPU a call ÷ the bare handler's. */
const cpuGoals: Record<number, number> = { 16: 1.3, 64: 1.15 }
const loopMicros = ({ cpuMs, requests }: Measured): number => ((cpuMs.main as number) * 1000) / requests

function linesOf(name: string, connections: number, rounds: Map<string, Measured[]>): Line[] {
  const all = (who: string) => rounds.get(who) ?? []
  const [own, bare] = [all(name), all('bare')]
  const lines = [rateLine(name, own)]
  if (name === 'bare') return lines
  const goal = goals[name]?.[connections]
  const ratio = rateRatio(own, bare)
  const what = `${name}: rate ÷ bare`
  lines.push(goal === undefined ? info(what, show(ratio)) : atLeast(what, goal, ratio))
  if (name !== '/fn/{name}') return lines
  if (connections > 1) {
    lines.push(atLeast(`${name}: rate ÷ undici proxy`, goalOverProxy, rateRatio(own, all('undici proxy'))))
    const byDispatch = rateRatio(own, all('undici proxy by dispatch'))
    lines.push(info(`${name}: rate ÷ undici proxy by dispatch`, show(byDispatch)))
    const cpu = ratios(own.map(loopMicros), bare.map(loopMicros))
    lines.push(atMost(`${name}: event loop's CPU a call ÷ bare`, cpuGoals[connections] ?? 1, cpu))
    return lines
  }
  lines.push(
    atMost(
      `${name}: added p50, ms`,
      0.25,
      difference(own, bare, (round) => round.p50Ms),
      3,
    ),
  )
  lines.push(
    atMost(
      `${name}: added p99, ms`,
      2,
      difference(own, bare, (round) => round.p99Ms),
      3,
    ),
  )
  return lines
}
