import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { EngineApi } from '../../src/engine/api/engine-api.ts'
import { makePipes } from '../../src/engine/worker/named-pipes.ts'
import { type Line, printTable, ratios, show, spread } from './figures.ts'
import { noteNoise } from './noise.ts'
import type { Language } from './packages.ts'
import { privateMb, processCpu } from './processes.ts'

/**
 * The cost of a generic worker before any call: CPU time from the start until it idles, and private memory. It is compared with
 * the language alone in the same image. `BENCH_BESIDE=taibai/nodejs:<tag>` also measures another image, alternating.
 */

/** A command in an image; absent: the image's own command, the shim. */
interface Contestant {
  image: string
  command?: string[]
}

interface Cost {
  cpuMs: number
  privateMb: number
}

const idleAlone: Record<Language, string[]> = {
  nodejs: ['node', '-e', 'setInterval(() => {}, 1e8)'],
  python3: ['python3', '-I', '-S', '-c', 'import posix; posix.read(posix.pipe()[0], 1)'],
}

/** A worker that uses less than this between two checks counts as idle. */
const idleCpuMs = 0.5
const lookMs = 250

const engine = new EngineApi(process.env.DOCKER_HOST)

export async function workerStart({ starts }: { starts: number }): Promise<object> {
  const beside = (process.env.BENCH_BESIDE ?? '').split(',').filter((image) => image !== '')
  const results: Record<string, unknown> = {}
  for (const language of ['nodejs', 'python3'] as const) {
    const image = `taibai/${language}`
    const others = beside.filter((name) => name.startsWith(`${image}:`)).map((name) => ({ image: name }))
    results[language] = await compare(language, [{ image }, { image, command: idleAlone[language] }, ...others], starts)
  }
  return results
}

/** They alternate, so that the machine's load affects all alike. */
async function compare(language: Language, contestants: Contestant[], starts: number): Promise<Cost[][]> {
  const costs: Cost[][] = contestants.map(() => [])
  for (let round = -1; round < starts; round++) {
    await noteNoise()
    const turns = [...contestants.keys()]
    for (const at of round % 2 === 0 ? turns : turns.reverse()) {
      const cost = await startOnce(contestants[at] as Contestant)
      // The first round warms caches and is not counted.
      if (round >= 0) costs[at]?.push(cost)
    }
  }
  printTable(`start of a generic worker, ${language}`, lines(contestants, costs))
  return costs
}

function lines(contestants: Contestant[], costs: Cost[][]): Line[] {
  const [own = []] = costs
  return contestants.flatMap(({ image, command }, at) => {
    const these = costs[at] ?? []
    const name = at === 0 ? 'generic worker' : command ? 'the language alone' : image
    const line = (what: string, of: (cost: Cost) => number): Line[] => {
      const figure = show(spread(these.map(of)))
      const ratio = show(ratios(own.map(of), these.map(of)))
      const compared = { what: `  generic worker ÷ ${name}`, figure: ratio, goal: '', reached: null }
      return [{ what: `${name}: ${what}`, figure, goal: '', reached: null }, ...(at === 0 ? [] : [compared])]
    }
    return [
      ...line('CPU until it idles, ms', ({ cpuMs }) => cpuMs),
      ...line('memory of its own, MB', (c) => c.privateMb),
    ]
  })
}

/** A container as the server starts it, as far as the shim is concerned. */
async function startOnce({ image, command }: Contestant): Promise<Cost> {
  const folder = mkdtempSync(join(tmpdir(), 'taibai-worker-'))
  const pipes = ['stdout', 'stderr'].map((name) => join(folder, name))
  await makePipes(pipes)
  // Opened for both directions, because opening for one blocks until the other side is open.
  const readers = pipes.map((path) => openSync(path, 'r+'))
  const server = createServer().listen(join(folder, 'worker.sock'))
  const hello = command === undefined ? greeted(server) : Promise.resolve()
  const id = await create(image, command, folder)
  try {
    await engine.ask('POST', `/containers/${id}/start`)
    await hello
    const { State } = await engine.ask<{ State: { Pid: number } }>('GET', `/containers/${id}/json`)
    return await idleCost(State.Pid)
  } finally {
    await engine.ask('DELETE', `/containers/${id}`, { force: '1' })
    server.close()
    for (const reader of readers) closeSync(reader)
    rmSync(folder, { recursive: true })
  }
}

async function create(image: string, command: string[] | undefined, folder: string): Promise<string> {
  const { Id } = await engine.ask<{ Id: string }>(
    'POST',
    '/containers/create',
    {},
    {
      Image: image,
      Cmd: command,
      Env: ['TAIBAI_SOCKET=/taibai/worker.sock'],
      HostConfig: { NetworkMode: 'none', Binds: [`${folder}:/taibai:ro`] },
    },
  )
  return Id
}

/** The shim has connected and sent its first frame. */
async function greeted(server: ReturnType<typeof createServer>): Promise<void> {
  const [socket] = (await once(server, 'connection')) as [Socket]
  socket.on('error', () => {})
  await once(socket, 'data')
}

async function idleCost(pid: number): Promise<Cost> {
  let cpuMs = processCpu(pid)
  for (;;) {
    await pause(lookMs)
    const now = processCpu(pid)
    if (now - cpuMs < idleCpuMs) return { cpuMs: now, privateMb: privateMb(pid) }
    cpuMs = now
  }
}
