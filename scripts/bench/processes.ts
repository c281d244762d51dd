import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

/** Processor time in ms, by consumer. */
export type Cpu = Record<string, number>

/** CPU time of a process, including all threads. */
export const processCpu = (pid: number): number => sum(Object.values(threadCpu(pid)))

/** CPU time of a server: its event loop, the ledger's thread, and the rest (garbage collection, file I/O). */
export function serverCpu(pid: number): Cpu {
  const { MainThread: main = 0, WorkerThread: ledger = 0, ...rest } = threadCpu(pid)
  return { main, ledger, rest: sum(Object.values(rest)) }
}

export const cpuSince = (before: Cpu, now: Cpu): Cpu =>
  Object.fromEntries(Object.entries(now).map(([name, ms]) => [name, ms - (before[name] ?? 0)]))

function threadCpu(pid: number): Cpu {
  const cpu: Cpu = {}
  for (const thread of namesIn(`/proc/${pid}/task`)) {
    const folder = `/proc/${pid}/task/${thread}`
    const name = text(`${folder}/comm`).trim()
    cpu[name] = (cpu[name] ?? 0) + Number(text(`${folder}/schedstat`).split(' ')[0]) / 1e6
  }
  return cpu
}

/** `/proc/…/status` of each thread. */
export const statusOfThreads = (pid: number): string[] =>
  namesIn(`/proc/${pid}/task`).map((thread) => text(`/proc/${pid}/task/${thread}/status`))

export function rssMb(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(text(`/proc/${pid}/status`))?.[1] ?? 0) / 1024
}

/** Memory that the process has written to and does not share. */
export function privateMb(pid: number): number {
  const [, kib = '0'] = /Private_Dirty:\s+(\d+)/.exec(text(`/proc/${pid}/smaps_rollup`)) ?? []
  return Number(kib) / 1024
}

export const openFiles = (pid: number): number => namesIn(`/proc/${pid}/fd`).length

/**
 * Processes that see a folder below this one: the workers of the server with this data folder. Docker's own helper processes do
 * not see it.
 */
export function workerPids(dataDir: string): number[] {
  const within = `${dataDir}/workers/`
  return namesIn('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && text(`/proc/${pid}/mountinfo`).includes(within))
}

const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0)

/** Empty for a process that has ended. */
function text(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

/** Starts a child that prints a line of JSON when it is ready. */
export async function startChild(args: string[]): Promise<{ child: ChildProcess; pid: number; port: number }> {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const { port } = await new Promise<{ port: number }>((resolve, reject) => {
    child.stdout.once('data', (chunk) => resolve(JSON.parse(String(chunk).split('\n')[0] as string)))
    child.once('exit', (code) => reject(new Error(`${args[0]} ended with ${code}`)))
  })
  return { child, pid: child.pid as number, port }
}

export const stopChild = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null) return resolve()
    child.once('exit', () => resolve())
    child.kill('SIGTERM')
  })
