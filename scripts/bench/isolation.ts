import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Isolates a measurement on a machine that others use too: caller, server and workers get priority over other programs, each in a
 * session or control group of its own, and keep their relative priorities. Needs root, and an engine that creates control groups
 * itself; otherwise nothing changes, and `how` says so.
 */
export interface Isolation {
  how: string
  /** Settings for the server. */
  settings: Record<string, string | number>
  /** The control group of workers, and of containers that are compared with them; undefined: the engine's. */
  parent?: string
  /** Load that is made from here, as from other machines. */
  admit(pid: number): void
  remove(): void
}

const groups = '/sys/fs/cgroup'
const name = 'taibai-bench'
/** Keeps the server's default priority over its workers: each step is a quarter more. */
const nice = { caller: -19, load: -10, server: -19 }
const workerShares = 9548

/** Restarts this program as the leader of a session and returns its exit code; null: it already leads one. */
export function inOwnSession(): Promise<number> | null {
  if (process.env.BENCH_APART !== undefined || process.getuid?.() !== 0) return null
  const env = { ...process.env, BENCH_APART: '1' }
  const again = spawn(process.execPath, process.argv.slice(1), { detached: true, stdio: 'inherit', env })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => again.kill(signal))
  return new Promise((resolve) => again.once('exit', (code) => resolve(code ?? 1)))
}

export function isolateProcesses(): Isolation {
  const wrong = process.getuid?.() !== 0 ? 'only root may' : makeGroup()
  if (wrong !== null) {
    return { how: `beside all other programs: ${wrong}`, settings: {}, admit: () => {}, remove: () => {} }
  }
  sessionNice('self', nice.caller)
  return {
    how: 'caller, server and workers before all other programs',
    settings: { NICE: nice.server, CGROUP_PARENT: `/${name}` },
    parent: `/${name}`,
    admit: (pid) => sessionNice(pid, nice.load),
    remove: removeGroups,
  }
}

/** Null, or the reason of the failure. */
function makeGroup(): string | null {
  try {
    const driver = execFileSync('docker', ['info', '--format', '{{.CgroupDriver}}'], { encoding: 'utf8' }).trim()
    if (driver !== 'cgroupfs') return `the engine has ${driver} make control groups`
    const isFirst = existsSync(join(groups, 'cpu'))
    const folder = join(groups, isFirst ? 'cpu' : '', name)
    mkdirSync(folder, { recursive: true })
    // cgroup v2 counts from 1 to 10,000, v1 from 2 to 262,144.
    if (isFirst) writeFileSync(join(folder, 'cpu.shares'), String(workerShares))
    else writeFileSync(join(folder, 'cpu.weight'), String(Math.round(1 + ((workerShares - 2) * 9999) / 262_142)))
    return null
  } catch (error) {
    return (error as Error).message
  }
}

/** The engine creates the groups in every hierarchy and leaves them. */
function removeGroups(): void {
  for (const folder of [groups, ...readdirSync(groups).map((each) => join(groups, each))]) {
    try {
      rmdirSync(join(folder, name))
    } catch {
      // The group does not exist in this hierarchy.
    }
  }
}

function sessionNice(pid: number | 'self', value: number): void {
  const file = `/proc/${pid}/autogroup`
  if (existsSync(file)) writeFileSync(file, String(value))
}
