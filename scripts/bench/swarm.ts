import { cpus } from 'node:os'
import { join } from 'node:path'
import { readRuntimes } from '../../src/engine/worker/runtime-catalog.ts'
import { groupCpu, makeGroup, removeGroup } from './control-groups.ts'
import { info, type Line, printTable, ratios, show, showPercentiles } from './figures.ts'
import { type Compared, compare, generic } from './link.ts'
import { noteNoise } from './noise.ts'
import { smallSource } from './packages.ts'
import { serverCpu } from './processes.ts'
import { alternate, type Contestant, type Measured, type RoundOptions, rateLine, rateRatio } from './rounds.ts'
import { Swarm } from './swarm-nodes.ts'
import { invoke, startTaibai, type Taibai, waitUntil } from './taibai.ts'

/**
 * Workers on a swarm of two nodes beside workers of one engine, in one run: two engines of this machine, each with a network of its own,
 * and with its containers on one processor of its own, so that a second node adds what a second machine would. Needs root.
 */
export async function swarm(options: RoundOptions & { calls: number }): Promise<object> {
  const groups = nodeGroups.map((name, at) => makeGroup(name, String(at % cpus().length)))
  const folderGroup = makeGroup('taibai-bench-folder')
  const tcpGroup = makeGroup('taibai-bench-tcp')
  const nodes = await Swarm.startIn(groups, ...imagesOfRuntimes())
  const servers: Taibai[] = []
  const start = async (settings: Record<string, string | number>, ...of: string[]): Promise<Taibai> => {
    const taibai = await startTaibai({ GENERIC_WORKERS: generic, ...settings })
    servers.push(taibai)
    const workers = () => of.reduce((sum, group) => sum + groupCpu(group), 0)
    return { ...taibai, cpu: () => ({ ...serverCpu(taibai.pid), workers: workers() }) }
  }
  const onSwarm = {
    ENGINE: 'swarm',
    DOCKER_HOST: `unix://${nodes.manager.socket}`,
    LINK_ADDRESS: nodes.manager.ourAddress,
  }
  try {
    const folder: Compared = {
      name: 'a folder',
      taibai: await start({ LINK: 'folder', CGROUP_PARENT: folderGroup }, folderGroup),
    }
    const tcp: Compared = {
      name: 'TCP on one host',
      taibai: await start({ LINK: 'tcp', CGROUP_PARENT: tcpGroup }, tcpGroup),
    }
    const own: Compared = { name: 'a swarm', taibai: await start(onSwarm, ...groups) }
    return {
      links: await compare([tcp, own], folder, options, ['10 kB']),
      cold: await coldCalls(own.taibai, folder.taibai, options.calls),
      nodes: await oneAndTwo(own.taibai, nodes, options),
    }
  } finally {
    for (const taibai of servers) await taibai.stop()
    await nodes[Symbol.asyncDispose]()
    for (const group of [...groups, folderGroup, tcpGroup]) removeGroup(group)
  }
}

const runtimesFolder = join(import.meta.dirname, '../../runtimes')
const nodeGroups = ['taibai-bench-node-a', 'taibai-bench-node-b']
/** By their whole names: one without a tag would be copied with all tags that it has. */
const imagesOfRuntimes = () => [...new Set(readRuntimes(runtimesFolder, []).map(({ image }) => image))]

/** First calls of functions whose limits no worker that is ready has: a task is started, or a container. */
async function coldCalls(own: Taibai, base: Taibai, calls: number): Promise<number[][]> {
  const took: [number[], number[]] = [[], []]
  for (let n = -1; n < calls; n++) {
    for (const [at, taibai] of [own, base].entries()) {
      await noteNoise()
      const more = { tmp_size: 8 * 1024 * 1024 }
      const id = await taibai.deploy(`cold-${n + 1}`, sourceOf('nodejs'), more)
      const { tookMs } = await invoke(taibai, id, 'cold')
      await taibai.call('DELETE', `/v1/functions/${id}`)
      if (n >= 0) took[at as 0 | 1].push(tookMs)
    }
  }
  const [tasks, containers] = took
  printTable('first calls that a worker is started for', [
    info('a task, ms', showPercentiles(tasks)),
    info('a container, ms', showPercentiles(containers)),
    info('a task ÷ a container', show(ratios(tasks, containers))),
  ])
  return took
}

const sourceOf = smallSource

/** A handler that computes for some 10 ms: workers on one node, and the same on two. */
async function oneAndTwo(taibai: Taibai, nodes: Swarm, options: RoundOptions): Promise<Record<string, Measured[]>> {
  const node = await nodes.nodeOf(nodes.manager)
  await nodes.manager.docker('node', 'update', '--label-add', 'bench=one', node)
  const limits = { concurrency: 1, cpu: 100 }
  await taibai.deploy('two-nodes', computing, { ...limits, max_workers: 4 })
  await taibai.deploy('one-node', computing, { ...limits, max_workers: 2, placement: { bench: 'one' } })
  await waitUntil('the label is known', async () => (await taibai.call('POST', '/fn/one-node', {})).status === 200)
  const names = ['one-node', 'two-nodes']
  const contestants = names.map((name) => contestantOf(taibai, name))
  const rounds = await alternate(contestants, 8, options)
  const [one, two] = names.map((name) => rounds.get(name) ?? []) as [Measured[], Measured[]]
  const lines: Line[] = [
    rateLine('workers on one node', one),
    rateLine('workers on two nodes', two),
    info('two nodes ÷ one: rate', show(rateRatio(two, one))),
  ]
  printTable('a handler that computes, 8 connections, a processor for each node', lines)
  return { one, two }
}

const contestantOf = (taibai: Taibai, name: string): Contestant => ({
  name,
  target: {
    url: `${taibai.url}/fn/${name}`,
    headers: { 'Content-Type': 'application/json', 'X-Auth-Token': taibai.token },
    body: '{}',
  },
  cpu: taibai.cpu,
})

const computing = `import { pbkdf2Sync } from 'node:crypto'
export const main = () => pbkdf2Sync('a', 'b', 20000, 32, 'sha256').length
`
