import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { EngineApi } from '../../src/engine/api/engine-api.ts'
import { makePipes } from '../../src/engine/worker/pipe-stock.ts'
import { type Line, printTable, ratios, show, spread } from './figures.ts'
import { noteNoise } from './noise.ts'
import type { Language } from './packages.ts'
import { privateMb, processCpu } from './processes.ts'

/**
 * What a generic worker costs before anybody calls it: its processor time from the start until it idles, and the memory that is
 * its own. Against the language alone in the same image. `BENCH_BESIDE=taibai/nodejs:<tag>` measures another image in turn.
 */

/** What is started in an image; absent: its own command, the shim. */
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

/** A worker idles when it has used less than this in the time between two looks. */
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

/** They take turns, there and back, so that what the machine does meanwhile falls on all alike. */
async function compare(language: Language, contestants: Contestant[], starts: number): Promise<Cost[][]> {
  const costs: Cost[][] = contestants.map(() => [])
  for (let round = -1; round < starts; round++) {
    await noteNoise()
    const turns = [...contestants.keys()]
    for (const at of round % 2 === 0 ? turns : turns.reverse()) {
      const cost = await startOnce(contestants[at] as Contestant)
      // The first round finds caches empty that later ones find full.
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

/** A container as the server starts one, as far as the shim sees it. */
async function startOnce({ image, command }: Contestant): Promise<Cost> {
  const folder = mkdtempSync(join(tmpdir(), 'taibai-worker-'))
  const pipes = ['stdout', 'stderr'].map((name) => join(folder, name))
  await makePipes(pipes)
  // For both directions: opening for one waits for the other side.
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

/** The shim has connected, and sent its first frame. */
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
