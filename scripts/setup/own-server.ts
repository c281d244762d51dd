import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { ownCommand } from '../../src/assets.ts'
import { type Client, makeClient } from '../../src/client/client.ts'
import { serverEnvironment } from '../../src/host/server-process.ts'

/** A script's own server: own data, free port, removed with the script. */
export interface OwnServer {
  client: Client
  pid: number
  token: string
  dataDir: string
  /** Also deletes the data folder, unless it is kept. */
  stop(keep?: 'keep'): Promise<void>
}

const startLimitMs = 120_000
const pollMs = 50

/** Data folders to delete at the end, and the servers that use them. */
const folders = new Set<string>()
const running = new Set<ChildProcess>()

/** Removes leftovers of a failed script. */
export async function stopAll(): Promise<void> {
  await Promise.all([...running].map(ended))
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
}

export function newDataDir(prefix: string): string {
  const folder = mkdtempSync(join(tmpdir(), prefix))
  folders.add(folder)
  return folder
}

/** `settings`: environment variables; `nodeArgs`: flags of Node.js. */
export async function startOwnServer(
  dataDir: string,
  settings: Record<string, string>,
  nodeArgs: string[] = [],
): Promise<OwnServer> {
  // Below the ephemeral port range.
  const port = 20000 + Math.floor(Math.random() * 12000)
  const own = { TAIBAI_DATA_DIR: dataDir, TAIBAI_PORT: String(port) }
  const [program, ...args] = ownCommand()
  const env = { ...serverEnvironment, ...process.env, ...settings, ...own }
  const child = spawn(program, [...nodeArgs, ...args, 'serve'], {
    env,
    detached: true,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  running.add(child)
  const client = makeClient({ url: `http://127.0.0.1:${port}`, token: () => tokenIn(dataDir) })
  await ready(client, child)
  const stop = async (keep?: 'keep'): Promise<void> => {
    client.close()
    await ended(child)
    running.delete(child)
    if (keep === undefined) rmSync(dataDir, { recursive: true, force: true })
  }
  return { client, pid: child.pid as number, token: tokenIn(dataDir), dataDir, stop }
}

const tokenIn = (dataDir: string): string => readFileSync(join(dataDir, 'admin.token'), 'utf8').trim()

async function ready(client: Client, child: ChildProcess): Promise<void> {
  const end = performance.now() + startLimitMs
  while (!(await client.isReady())) {
    if (child.exitCode !== null) throw new Error('the server ended while it started')
    if (performance.now() > end) throw new Error(`the server was not ready within ${startLimitMs / 1000} s`)
    await pause(pollMs)
  }
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve()
    child.once('exit', () => resolve())
    child.kill('SIGTERM')
  })
}
