import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { projectFolder } from '../../src/assets.ts'
import { runCommand } from '../../src/host/command.ts'
import type { Progress } from '../../src/host/progress.ts'

/** Measures the cost of the program's start. */

/** Cost of one start, up to the line that says it is ready. */
export interface Start {
  /** CPU time of all its threads, in ms. */
  cpuMs: number
  memoryMb: number
}

const versionRounds = 10
const startRounds = 5

/** Always measures `--version`; `withStarts` also measures starts, alternating with the sources. */
export async function showFigures(executable: string, progress: Progress, withStarts: boolean): Promise<void> {
  progress.done(`taibai --version: ${(await versionMs(executable)).toFixed(0)} ms (least of ${versionRounds})`)
  progress.done(
    `the first answer of a command: ${(await answerMs(executable)).toFixed(0)} ms (least of ${versionRounds})`,
  )
  if (!withStarts) return
  const sources = [process.execPath, join(projectFolder, 'src/main.ts')]
  const [own, other] = await inTurn(executable, sources)
  progress.done(
    `until ready: ${own.cpuMs} ms of a processor, ${own.memoryMb} MB of memory then (least of ${startRounds})`,
  )
  progress.done(`the sources: ${other.cpuMs} ms, ${other.memoryMb} MB; ratio ${(own.cpuMs / other.cpuMs).toFixed(2)}`)
}

/** Milliseconds of a command that asks a server; the server responds at once. */
const answerMs = (executable: string): Promise<number> =>
  withAnswers((url) => leastMs(executable, ['list', '--url', url]))

/** Runs `work` with a server that responds at once. */
export async function withAnswers<T>(work: (url: string) => Promise<T>): Promise<T> {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'Content-Type': 'application/json' }).end('{"functions": [], "runtimes": []}')
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  try {
    return await work(`http://127.0.0.1:${port}`)
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

/** Minimum milliseconds from the start of the process to its end. */
export const versionMs = (executable: string): Promise<number> => leastMs(executable, ['--version'])

async function leastMs(executable: string, args: string[]): Promise<number> {
  const took: number[] = []
  for (let round = 0; round < versionRounds; round++) {
    const from = performance.now()
    await runCommand(executable, args)
    took.push(performance.now() - from)
  }
  return Math.min(...took)
}

/**
 * Starts of the executable and of another command: the least of some rounds of each, or of those until it `suffices`; what else
 * the machine does falls on both alike. The executable is measured as people have it, copied: of a file that was just built, the
 * kernel maps larger pieces into the process, 18 MB in all, and counts them as its memory.
 */
export async function inTurn(
  executable: string,
  command: string[],
  suffices: (own: Start, other: Start) => boolean = () => false,
): Promise<[own: Start, other: Start]> {
  const folder = mkdtempSync(join(tmpdir(), 'taibai-copied-'))
  const copy = join(folder, 'taibai')
  copyFileSync(executable, copy)
  const starts: [Start[], Start[]] = [[], []]
  try {
    for (let round = 1; ; round++) {
      starts[0].push(await startOnce(folder, [copy]))
      starts[1].push(await startOnce(folder, command))
      const [own, other] = [least(starts[0]), least(starts[1])]
      if (round === startRounds || suffices(own, other)) return [own, other]
    }
  } finally {
    // Not after each start: where many files have just been removed, ext4 takes long to make new ones.
    rmSync(folder, { recursive: true, force: true })
  }
}

const least = (starts: Start[]): Start => ({
  cpuMs: Math.min(...starts.map(({ cpuMs }) => cpuMs)),
  memoryMb: Math.min(...starts.map(({ memoryMb }) => memoryMb)),
})

/**
 * A server without workers, so that only the program is measured. Its data stay in `folder`, and so do the files that the
 * executable unpacks at its first start on a machine: the kernel's work for new files, 0.1 to 0.5 s, depends on the disk's state.
 */
async function startOnce(folder: string, [program = '', ...args]: string[]): Promise<Start> {
  const dataDir = mkdtempSync(join(folder, 'data-'))
  const place = { TAIBAI_DATA_DIR: dataDir, TAIBAI_CACHE_DIR: join(folder, 'unpacked'), TAIBAI_PORT: '0' }
  const settings = { ...place, TAIBAI_ENGINE: 'process', TAIBAI_GENERIC_WORKERS: '0' }
  const env = { PATH: process.env.PATH, MALLOC_ARENA_MAX: '2', ...settings }
  const server = spawn(program, [...args, 'serve'], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    const url = await ready(server)
    const cpu = cpuMs(server.pid as number)
    // The server drops the garbage of its start in the turn in which it says that it is ready, and answers after it.
    await fetch(`${url}/healthz`)
    return { cpuMs: cpu, memoryMb: memoryMb(server.pid as number) }
  } finally {
    server.kill('SIGTERM')
    await once(server, 'exit')
  }
}

async function ready(server: ChildProcess): Promise<string> {
  for await (const line of createInterface({ input: server.stdout as NodeJS.ReadableStream })) {
    if (line.includes('"taibai is ready"')) return JSON.parse(line).url
  }
  throw new Error('The server ended while it started.')
}

/** User and system time from the kernel, in ticks of 10 ms. */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) * 10
}

function memoryMb(pid: number): number {
  const [, kib] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Math.round(Number(kib) / 1024)
}
