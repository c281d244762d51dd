import { atMost, info, type Line, printTable, ratios, show, spread } from './figures.ts'
import { alternate, type Contestant, type Measured, type RoundOptions } from './rounds.ts'
import { startTaibai, type Taibai } from './taibai.ts'

/**
 * The cost of other platforms' signatures compared with `event`: CPU time per call of the whole installation and of the worker,
 * for the same input and result, sent as an awaited run.
 */

const goal = 1.1
const connections = 8

const sources: Record<string, Record<string, string>> = {
  nodejs: {
    event: 'export const main = async (event) => ({ hello: event.name })\n',
    lambda: 'export const main = async (event, context) => ({ hello: event.name })\n',
    openwhisk: 'export const main = (params) => ({ hello: params.name })\n',
  },
  python3: {
    event: 'def main(event, context):\n    return {"hello": event["name"]}\n',
    lambda: 'def main(event, context):\n    return {"hello": event["name"]}\n',
    openwhisk: 'def main(params):\n    return {"hello": params["name"]}\n',
  },
}

export async function signatures(options: RoundOptions): Promise<object> {
  const results: Record<string, object> = {}
  const taibai = await startTaibai()
  try {
    for (const [runtime, ofRuntime] of Object.entries(sources)) {
      const contestants: Contestant[] = []
      for (const [signature, content] of Object.entries(ofRuntime)) {
        contestants.push(await contestant(taibai, runtime, signature, content))
      }
      const rounds = await alternate(contestants, connections, options)
      const lines = Object.keys(ofRuntime).flatMap((name) => linesOf(name, rounds))
      printTable(`signatures, ${runtime}, ${connections} connections`, lines)
      results[runtime] = Object.fromEntries(rounds)
    }
    return results
  } finally {
    await taibai.stop()
  }
}

async function contestant(taibai: Taibai, runtime: string, signature: string, content: string): Promise<Contestant> {
  const entry = signature === 'openwhisk' ? 'main' : 'main.main'
  const more = { runtime, signature, entry, concurrency: 16, max_workers: 1 }
  const functionId = await taibai.deploy(`${runtime}-${signature}`, content, more)
  const body = JSON.stringify({ function_id: functionId, input: '{"name":"bench"}' })
  const headers = { 'Content-Type': 'application/json', 'X-Auth-Token': taibai.token }
  return { name: signature, target: { url: `${taibai.url}/v1/executions`, headers, body }, cpu: taibai.cpu }
}

function linesOf(name: string, rounds: Map<string, Measured[]>): Line[] {
  const [own, base] = [rounds.get(name) ?? [], rounds.get('event') ?? []]
  const errors = own.reduce((total, round) => total + round.errors, 0)
  const failed = errors > 0 ? `; ${errors} ERRORS` : ''
  const all = (measured: Measured[]) => measured.map(({ cpuMs, requests }) => (sum(cpuMs) * 1000) / requests)
  const worker = (measured: Measured[]) =>
    measured.map(({ cpuMs, requests }) => ((cpuMs.workers ?? 0) * 1000) / requests)
  const figures = `${show(spread(all(own)), 0)}; ${show(spread(worker(own)), 0)}`
  const line = info(`${name}: CPU µs a call; of the worker${failed}`, figures)
  if (name === 'event') return [line]
  return [
    line,
    atMost(`${name}: CPU a call ÷ event`, goal, ratios(all(own), all(base))),
    atMost(`${name}: CPU of the worker ÷ event`, goal, ratios(worker(own), worker(base))),
  ]
}

const sum = (cpu: object): number => Object.values(cpu).reduce((total: number, ms: number) => total + ms, 0)
