import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { info, type Line, printTable, ratios, show, showPercentiles } from './figures.ts'
import { noteNoise } from './noise.ts'
import { bigZip, smallSource } from './packages.ts'
import { type Contestant, type Measured, type RoundOptions, rateLine, rateRatio, takeTurns } from './rounds.ts'
import { handlerFile, invoke, startTaibai, type Taibai, until } from './taibai.ts'

/** What two servers take for the same calls, in turns: one whose workers have a folder, and one whose workers call over TCP. */
export async function link(options: RoundOptions & { calls: number }): Promise<object> {
  const folder = await startTaibai({ LINK: 'folder', GENERIC_WORKERS: generic })
  const tcp = await startTaibai({ LINK: 'tcp', GENERIC_WORKERS: generic })
  try {
    return await compare({ name: 'TCP', taibai: tcp }, { name: 'a folder', taibai: folder }, options)
  } finally {
    await tcp.stop()
    await folder.stop()
  }
}

export interface Compared {
  name: string
  taibai: Taibai
}

/** Number of generic workers that are ready. */
export const generic = 2

/** Warm calls, then first ones: `own` in proportion to `base`. */
export async function compare(
  own: Compared,
  base: Compared,
  options: RoundOptions & { calls: number },
): Promise<object> {
  const warm: Record<string, unknown> = {}
  const both = [own, base]
  const content = readFileSync(handlerFile, 'utf8')
  for (const { taibai } of both) await taibai.deploy('one', content, { concurrency: 64 })
  for (const connections of [1, 16]) {
    const rounds = await takeTurns(both.map(contestantOf), connections, options)
    const [ours, theirs] = both.map(({ name }) => rounds.get(name) ?? []) as [Measured[], Measured[]]
    const p50 = (all: Measured[]) => all.map((round) => round.p50Ms)
    printTable(`warm calls, ${connections} connection${connections > 1 ? 's' : ''}`, [
      ...both.map(({ name }) => rateLine(name, rounds.get(name) ?? [])),
      info(`${own.name} ÷ ${base.name}: rate`, show(rateRatio(ours, theirs))),
      info(`${own.name} ÷ ${base.name}: p50`, show(ratios(p50(ours), p50(theirs)))),
    ])
    warm[connections] = Object.fromEntries(rounds)
  }
  return { warm, first: await firstCalls(own, base, options.calls) }
}

const contestantOf = ({ name, taibai }: Compared): Contestant => ({
  name,
  target: {
    url: `${taibai.url}/fn/one`,
    headers: { 'Content-Type': 'application/json', 'X-Auth-Token': taibai.token },
    body: '{"name":"bench"}',
  },
  cpu: taibai.cpu,
})

/** First calls of functions on generic workers that are ready. */
async function firstCalls(own: Compared, base: Compared, calls: number): Promise<Record<string, number[][]>> {
  const results: Record<string, number[][]> = {}
  const lines: Line[] = []
  for (const [what, deploy] of Object.entries(packages)) {
    const took: [number[], number[]] = [[], []]
    for (let n = -1; n < calls; n++) {
      for (const [at, { taibai }] of [own, base].entries()) {
        const ms = await firstCall(taibai, await deploy(taibai, `${what.length}-${n + 1}`))
        // The first round finds caches empty that later ones find full.
        if (n >= 0) took[at as 0 | 1].push(ms)
      }
    }
    const [ours, theirs] = took
    lines.push(
      info(`${what}: ${own.name}, ${base.name}, ms`, `${showPercentiles(ours)}; ${showPercentiles(theirs)}`),
      info(`${what}: ${own.name} ÷ ${base.name}`, show(ratios(ours, theirs))),
    )
    results[what] = took
  }
  printTable('first calls on a generic worker', lines)
  return results
}

const packages: Record<string, (taibai: Taibai, name: string) => Promise<string>> = {
  '10 kB': (taibai, name) => taibai.deploy(`small-${name}`, smallSource('nodejs')),
  '2,000 files, 20 MB': (taibai, name) => taibai.deployZip(`big-${name}`, bigZip('nodejs')),
}

async function firstCall(taibai: Taibai, id: string): Promise<number> {
  await until('generic workers are ready', async () => (await taibai.ready('nodejs')) >= generic)
  await pause(300)
  await noteNoise()
  const { tookMs } = await invoke(taibai, id, 'prewarmed')
  await taibai.call('DELETE', `/v1/functions/${id}`)
  return tookMs
}
