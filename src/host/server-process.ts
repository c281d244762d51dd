import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isExecutable, ownCommand, projectFolder } from '../assets.ts'
import { makeFolder } from '../folder.ts'
import { childEnvironment, lastLines } from './command.ts'
import { SetupProblem } from './problem.ts'

/** Runs the server as a detached process, which is found again by its pid file and stopped gracefully. */

const startLimitMs = 60_000
const pollMs = 50
/** After the drain time for running calls, the server removes its workers. */
const removalLimitMs = 30_000

/**
 * The server's environment wherever nothing else is set, the same as in package.json's `start`. From the sources, Node.js caches
 * its compiled modules: the start takes two thirds of the time, and 30 MB less, because the compiler that strips types is not
 * needed in each thread. Two malloc arenas instead of sixteen for a dozen threads save 2 MB.
 */
export const serverEnvironment: Record<string, string> = {
  ...(!isExecutable && { NODE_COMPILE_CACHE: join(projectFolder, 'node_modules', '.cache', 'node') }),
  MALLOC_ARENA_MAX: '2',
}

export interface ServerFiles {
  pid: string
  log: string
  /** The started version, from server-version.ts. */
  version: string
}

export const serverFiles = (dataDir: string): ServerFiles => ({
  pid: join(dataDir, 'server.pid'),
  log: join(dataDir, 'server.log'),
  version: join(dataDir, 'server.version'),
})

/** Starts the server in a session of its own and waits until `isReady`; it outlives this process and its terminal. */
export async function startServer(options: {
  dataDir: string
  version: string
  env: NodeJS.ProcessEnv
  isReady: () => Promise<boolean>
}): Promise<number> {
  const { dataDir } = options
  const files = serverFiles(dataDir)
  makeFolder(dataDir, 0o700)
  const log = openSync(files.log, 'a', 0o600)
  const logStart = statSync(files.log).size
  const [program, ...args] = ownCommand()
  const env = childEnvironment({ ...serverEnvironment, ...options.env, TAIBAI_DATA_DIR: dataDir })
  const server = spawn(program, [...args, 'serve'], { env, detached: true, stdio: ['ignore', log, log] })
  closeSync(log)
  server.unref()
  const ownLog = () => lastLines(readFileSync(files.log).subarray(logStart).toString(), 15)
  await waitUntilReady(server, options.isReady, ownLog)
  writeFileSync(files.pid, `${server.pid}\n`)
  writeFileSync(files.version, options.version)
  return server.pid as number
}

/** The pid of this data folder's running server; a stale pid file or another program's process does not count. */
export function findServer(dataDir: string): number | undefined {
  const pid = Number(readText(serverFiles(dataDir).pid))
  const isOurs =
    pid > 0 &&
    linesOf(`/proc/${pid}/cmdline`).includes('serve') &&
    linesOf(`/proc/${pid}/environ`).includes(`TAIBAI_DATA_DIR=${dataDir}`)
  return isOurs ? pid : undefined
}

/** The version that was started last; empty: none. */
export function startedVersion(dataDir: string): string {
  return readText(serverFiles(dataDir).version)
}

export const stopLimitMs = ({ drainMs }: { drainMs: number }): number => drainMs + removalLimitMs

/** Asks the server to stop and waits; returns whether it ended in time. */
export async function stopServer(dataDir: string, pid: number, limitMs: number): Promise<boolean> {
  process.kill(pid, 'SIGTERM')
  const deadline = performance.now() + limitMs
  while (findServer(dataDir) === pid) {
    if (performance.now() > deadline) return false
    await sleep(pollMs)
  }
  rmSync(serverFiles(dataDir).pid, { force: true })
  return true
}

async function waitUntilReady(
  server: ReturnType<typeof spawn>,
  isReady: () => Promise<boolean>,
  ownLog: () => string,
): Promise<void> {
  const deadline = performance.now() + startLimitMs
  while (performance.now() < deadline) {
    if (server.exitCode !== null || server.signalCode !== null) {
      throw new SetupProblem(`The server ended while starting. The end of its log:\n${ownLog()}`)
    }
    if (await isReady()) return
    await sleep(pollMs)
  }
  server.kill()
  throw new SetupProblem(
    `The server was not ready within ${startLimitMs / 1000} s and was stopped. The end of its log:\n${ownLog()}`,
  )
}

/** Splits a /proc file at its NUL bytes. */
const linesOf = (path: string): string[] => readText(path).split('\0')

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
