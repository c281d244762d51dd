import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { info, type Line, printTable, ratios, show, showPercentiles } from './figures.ts'
import { noteNoise } from './noise.ts'
import { bigZip, smallSource } from './packages.ts'
import { alternate, type Contestant, type Measured, type RoundOptions, rateLine, rateRatio } from './rounds.ts'
import { handlerFile, invoke, startTaibai, type Taibai, waitUntil } from './taibai.ts'

/** What servers take for the same calls, in turns: one whose workers have a folder, and two whose workers call over TCP and TLS. */
export async function link(options: RoundOptions & { calls: number }): Promise<object> {
  const started: Compared[] = []
  try {
    for (const [name, settings] of Object.entries(links)) {
      started.push({ name, taibai: await startTaibai({ ...settings, GENERIC_WORKERS: generic }) })
    }
    const [folder, ...others] = started as [Compared, ...Compared[]]
    return await compare(others, folder, options)
  } finally {
    for (const { taibai } of started) await taibai.stop()
  }
}

const links = {
  'a folder': { LINK: 'folder' },
  TCP: { LINK: 'tcp', LINK_TLS: 'off' },
  TLS: { LINK: 'tcp', LINK_TLS: 'on' },
}

export interface Compared {
  name: string
  taibai: Taibai
}

/** Number of ready generic workers. */
export const generic = 2

/** Warm calls, then first ones: each of `others` in proportion to `base`. */
export async function compare(
  others: Compared[],
  base: Compared,
  options: RoundOptions & { calls: number },
  sizes: PackageSize[] = ['10 kB', '2,000 files, 20 MB'],
): Promise<object> {
  const warm: Record<string, unknown> = {}
  const all = [base, ...others]
  const content = readFileSync(handlerFile, 'utf8')
  for (const { taibai } of all) await taibai.deploy('one', content, { concurrency: 64 })
  for (const connections of [1, 16]) {
    const rounds = await alternate(all.map(contestantOf), connections, options)
    const of = ({ name }: Compared): Measured[] => rounds.get(name) ?? []
    const p50 = (who: Compared) => of(who).map((round) => round.p50Ms)
    printTable(`warm calls, ${connections} connection${connections > 1 ? 's' : ''}`, [
      ...all.map((who) => rateLine(who.name, of(who))),
      ...others.flatMap((own) => [
        info(`${own.name} ÷ ${base.name}: rate`, show(rateRatio(of(own), of(base)))),
        info(`${own.name} ÷ ${base.name}: p50`, show(ratios(p50(own), p50(base)))),
        info(`${own.name} ÷ ${base.name}: CPU a call`, show(ratios(cpuACall(of(own)), cpuACall(of(base))))),
      ]),
    ])
    warm[connections] = Object.fromEntries(rounds)
  }
  return { warm, first: await firstCalls(others, base, options.calls, sizes) }
}

/** Processor time of a call in all processes: the server and its workers. */
const cpuACall = (rounds: Measured[]): number[] =>
  rounds.map(({ cpuMs, requests }) => Object.values(cpuMs).reduce((sum, ms) => sum + ms, 0) / requests)

const contestantOf = ({ name, taibai }: Compared): Contestant => ({
  name,
  target: {
    url: `${taibai.url}/fn/one`,
    headers: { 'Content-Type': 'application/json', 'X-Auth-Token': taibai.token },
    body: '{"name":"bench"}',
  },
  cpu: taibai.cpu,
})

/** First calls of functions with ready generic workers, all servers in turns. */
async function firstCalls(
  others: Compared[],
  base: Compared,
  calls: number,
  sizes: PackageSize[],
): Promise<Record<string, number[][]>> {
  const results: Record<string, number[][]> = {}
  const lines: Line[] = []
  for (const what of sizes) {
    const deploy = packages[what]
    const took = new Map<Compared, number[]>([base, ...others].map((who) => [who, []]))
    for (let n = -1; n < calls; n++) {
      for (const [{ taibai }, theirs] of took) {
        const ms = await firstCall(taibai, () => deploy(taibai, `${what.length}-${n + 1}`))
        // The first round warms caches and is not counted.
        if (n >= 0) theirs.push(ms)
      }
    }
    const [ofBase = [], ...ofOthers] = took.values()
    lines.push(
      ...[...took].map(([{ name }, ms]) => info(`${what}: ${name}, ms`, showPercentiles(ms))),
      ...others.map((own, at) => info(`${what}: ${own.name} ÷ ${base.name}`, show(ratios(ofOthers[at] ?? [], ofBase)))),
    )
    results[what] = [...took.values()]
  }
  printTable('first calls on a generic worker', lines)
  return results
}

type PackageSize = '10 kB' | '2,000 files, 20 MB'

const packages: Record<PackageSize, (taibai: Taibai, name: string) => Promise<string>> = {
  '10 kB': (taibai, name) => taibai.deploy(`small-${name}`, smallSource('nodejs')),
  '2,000 files, 20 MB': (taibai, name) => taibai.deployZip(`big-${name}`, bigZip('nodejs')),
}

/** A node that others keep busy may be lost, and its ready workers with it: such a call is made again with another function. */
async function firstCall(taibai: Taibai, deploy: () => Promise<string>, tries = 5): Promise<number> {
  const id = await deploy()
  await waitUntil('generic workers are ready', async () => (await taibai.ready('nodejs')) >= generic)
  await pause(300)
  await noteNoise()
  const answer = await invoke(taibai, id)
  await taibai.call('DELETE', `/v1/functions/${id}`)
  const timing = String(answer.headers['server-timing'])
  if (timing.includes('desc="prewarmed')) return answer.tookMs
  if (tries <= 1) throw new Error(`first calls find no worker that is ready: ${timing}`)
  console.log(`  a first call found no worker that was ready, and is made again: ${timing}`)
  return firstCall(taibai, deploy, tries - 1)
}
