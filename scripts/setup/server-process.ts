// The server as a process of its own: started detached, found again by its pid file, stopped gracefully.
import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { lastLines } from './command.ts'
import { SetupProblem } from './problem.ts'
import { PROJECT_FOLDER, SERVER_ENVIRONMENT } from './project.ts'

export const SERVER_PROGRAM = join(PROJECT_FOLDER, 'src', 'main.ts')

const START_LIMIT_MS = 60_000
const POLL_MS = 50
/** After the time that running calls get, the server removes its workers. */
const REMOVAL_LIMIT_MS = 30_000

export interface ServerFiles {
  pid: string
  log: string
  /** The version that was started, as server-version.ts tells it. */
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
  const files = serverFiles(options.dataDir)
  mkdirSync(options.dataDir, { recursive: true, mode: 0o700 })
  const log = openSync(files.log, 'a', 0o600)
  const logStart = statSync(files.log).size
  const server = spawn(process.execPath, [SERVER_PROGRAM], {
    cwd: PROJECT_FOLDER,
    env: serverEnvironment(options.env),
    detached: true,
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  server.unref()
  const ownLog = () => lastLines(readFileSync(files.log).subarray(logStart).toString(), 15)
  await waitUntilReady(server, options.isReady, ownLog)
  writeFileSync(files.pid, `${server.pid}\n`)
  writeFileSync(files.version, options.version)
  return server.pid as number
}

/** The pid of the running server of this data folder; a stale pid file or somebody else's process is not it. */
export function findServer(dataDir: string): number | undefined {
  const pid = Number(readText(serverFiles(dataDir).pid))
  return pid > 0 && commandLine(pid).includes(SERVER_PROGRAM) ? pid : undefined
}

/** The version that was started last; the empty text when none was. */
export function startedVersion(dataDir: string): string {
  return readText(serverFiles(dataDir).version)
}

export const stopLimitMs = ({ drainMs }: { drainMs: number }): number => drainMs + REMOVAL_LIMIT_MS

/** Asks the server to stop and waits; says whether it ended in time. */
export async function stopServer(dataDir: string, pid: number, limitMs: number): Promise<boolean> {
  process.kill(pid, 'SIGTERM')
  const deadline = performance.now() + limitMs
  while (findServer(dataDir) === pid) {
    if (performance.now() > deadline) return false
    await sleep(POLL_MS)
  }
  rmSync(serverFiles(dataDir).pid, { force: true })
  return true
}

async function waitUntilReady(
  server: ReturnType<typeof spawn>,
  isReady: () => Promise<boolean>,
  ownLog: () => string,
): Promise<void> {
  const deadline = performance.now() + START_LIMIT_MS
  while (performance.now() < deadline) {
    if (server.exitCode !== null || server.signalCode !== null) {
      throw new SetupProblem(`The server ended while starting. The end of its log:\n${ownLog()}`)
    }
    if (await isReady()) return
    await sleep(POLL_MS)
  }
  server.kill()
  throw new SetupProblem(
    `The server was not ready within ${START_LIMIT_MS / 1000} s and was stopped. The end of its log:\n${ownLog()}`,
  )
}

/** npm's own variables would only clutter the server's environment. */
function serverEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries({ ...SERVER_ENVIRONMENT, ...process.env, ...env }).filter(
    ([name]) => !/^(npm_|PACKAGES_INSTALLED_NOW$)/.test(name),
  )
  return Object.fromEntries(kept)
}

function commandLine(pid: number): string[] {
  return readText(`/proc/${pid}/cmdline`).split('\0')
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
