import { type ChildProcess, spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { info, printTable, type Spread, show, spread } from './figures.ts'
import { processCpu, statusOfThreads, stopChild, workerPids } from './processes.ts'
import { invoke, startTaibai, type Taibai, waitUntil } from './taibai.ts'

/**
 * CPU cost of a call in the worker's process when it comes alone and wakes it, and with 16 in flight. For comparison: minimal
 * programs that answer a message on a Unix socket, in the same language, woken at the same rate.
 */

const pauseMs = 4
const languages = {
  nodejs: {
    source: 'export const main = (event) => ({ hello: event.name })\n',
    bare: [
      process.execPath,
      '-e',
      "require('net').createServer(s => s.on('data', d => s.write(d))).listen(process.argv[1])",
    ],
  },
  python3: {
    source: 'def main(event, context):\n    return {"hello": "world"}\n',
    bare: [
      'python3',
      '-c',
      `import socket, sys
s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen()
c, _ = s.accept()
while d := c.recv(65536): c.sendall(d)`,
    ],
  },
} as const
type Language = keyof typeof languages

interface Cost {
  /** Microseconds of CPU time, of the whole process. */
  cpuMicros: number
  /** Number of voluntary context switches of its threads. */
  sleeps: number
}

export async function wakeUp({ rounds, calls }: { rounds: number; calls: number }): Promise<object> {
  const results: Record<string, object> = {}
  const taibai = await startTaibai()
  try {
    for (const language of Object.keys(languages) as Language[]) {
      const single = await workerOf(taibai, language, 1)
      const shared = await workerOf(taibai, language, 16)
      const bare = await startBare(language)
      const of = { alone: [] as Cost[], together: [] as Cost[], bare: [] as Cost[] }
      for (let round = 0; round < rounds; round++) {
        of.alone.push(await cost(single.pid, calls, () => oneByOne(calls, single.call)))
        of.bare.push(await cost(bare.pid, calls, () => oneByOne(calls, bare.ask)))
        of.together.push(await cost(shared.pid, calls, () => together(calls, shared.call)))
      }
      await bare.stop()
      printTable(`a call's cost in its worker, ${language}`, [
        line(`alone, after ${pauseMs} ms of sleep`, of.alone),
        line('16 under way', of.together),
        line('the smallest program that answers, alone', of.bare),
      ])
      results[language] = of
    }
    return results
  } finally {
    await taibai.stop()
  }
}

const line = (what: string, costs: Cost[]) =>
  info(`${what}: CPU µs; sleeps`, `${show(column(costs, 'cpuMicros'), 0)}; ${show(column(costs, 'sleeps'), 1)}`)

const column = (costs: Cost[], name: keyof Cost): Spread => spread(costs.map((cost) => cost[name]))

interface BoundProcess {
  pid: number
  call(): Promise<unknown>
}

/** A function in one worker, and the process that sleeps and wakes as the function is called. */
async function workerOf(taibai: Taibai, language: Language, concurrency: number): Promise<BoundProcess> {
  const name = `${language}-${concurrency}`
  const call = () => invoke(taibai, name)
  await taibai.deploy(name, languages[language].source, { runtime: language, concurrency })
  await call()
  await pause(1000) // after a first call, a new generic worker replaces this one
  const before = new Map(workerPids(taibai.dataDir).map((pid) => [pid, sleepsOf(pid)]))
  await oneByOne(50, call)
  const woken = ([pid, sleeps]: [number, number]) => sleepsOf(pid) - sleeps
  const [busiest] = [...before].toSorted((a, b) => woken(b) - woken(a))
  return { pid: (busiest as [number, number])[0], call }
}

async function cost(pid: number, calls: number, run: () => Promise<void>): Promise<Cost> {
  const cpu = processCpu(pid)
  const sleeps = sleepsOf(pid)
  await run()
  return { cpuMicros: ((processCpu(pid) - cpu) * 1000) / calls, sleeps: (sleepsOf(pid) - sleeps) / calls }
}

async function oneByOne(calls: number, one: () => Promise<unknown>): Promise<void> {
  for (let n = 0; n < calls; n++) {
    await one()
    await pause(pauseMs)
  }
}

async function together(calls: number, one: () => Promise<unknown>): Promise<void> {
  let left = calls
  const caller = async () => {
    while (left-- > 0) await one()
  }
  await Promise.all(Array.from({ length: 16 }, caller))
}

/** Voluntary context switches of all its threads. */
function sleepsOf(pid: number): number {
  const count = /^voluntary_ctxt_switches:\s+(\d+)/m
  return statusOfThreads(pid).reduce((sum, status) => sum + Number(count.exec(status)?.[1] ?? 0), 0)
}

async function startBare(language: Language): Promise<{ pid: number; ask(): Promise<unknown>; stop(): Promise<void> }> {
  const path = join(tmpdir(), `taibai-wake-up-${process.pid}.sock`)
  rmSync(path, { force: true })
  const [program, ...args] = languages[language].bare
  const child: ChildProcess = spawn(program, [...args, path], { stdio: 'inherit' })
  let socket: Socket | undefined
  await waitUntil('the smallest program listens', async () => {
    const trial = connect(path)
    const isThere = await new Promise<boolean>((resolve) => {
      trial.once('connect', () => resolve(true)).once('error', () => resolve(false))
    })
    if (isThere) socket = trial
    return isThere
  })
  const answer = () => new Promise((resolve) => socket?.once('data', resolve))
  return {
    pid: child.pid as number,
    ask: async () => {
      const answered = answer()
      socket?.write('{"name":"bench"}')
      return await answered
    },
    stop: async () => {
      socket?.destroy()
      await stopChild(child)
      rmSync(path, { force: true })
    },
  }
}
