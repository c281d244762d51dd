import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { type Clock, systemClock } from '../../src/domain/clock.ts'
import type { RuntimeManifest } from '../../src/domain/functions/runtime.ts'
import { silentLog } from '../../src/domain/runs/log.ts'
import { ProcessEngine } from '../../src/engine/sandbox/process/process-engine.ts'
import type { SandboxEngine } from '../../src/engine/sandbox/sandbox.ts'
import { FolderLinks } from '../../src/engine/worker/folder-links.ts'
import { readRuntimes } from '../../src/engine/worker/runtime-catalog.ts'
import { SandboxWorkers } from '../../src/engine/worker/worker-factory.ts'
import { WorkerFolder } from '../../src/engine/worker/worker-folder.ts'
import type { WorkersUnderTest } from './contracts/engine-workers.ts'
import type { EngineUnderTest } from './contracts/sandbox-engine.ts'
import { noSecrets } from './no-secrets.ts'
import { waitUntil } from './wait-until.ts'

const runtimes = resolve(import.meta.dirname, '../../runtimes')

/** The real clock, which also counts the armed timers. */
export class CountedClock implements Clock {
  armed = 0
  now = systemClock.now
  elapsed = systemClock.elapsed

  after(ms: number, fn: () => void): () => void {
    let isArmed = true
    this.armed++
    const disarm = () => {
      if (isArmed) this.armed--
      isArmed = false
    }
    const stop = systemClock.after(ms, () => {
      disarm()
      fn()
    })
    return () => {
      disarm()
      stop()
    }
  }
}

/** Workers as processes of this machine, set up as the server does it; no process may be left. */
export class ProcessWorkers implements EngineUnderTest, WorkersUnderTest {
  readonly path = realpathSync(mkdtempSync(join(tmpdir(), 'taibai-proc-')))
  readonly workersDir = join(this.path, 'workers')
  readonly manifests = readRuntimes(runtimes)
  readonly clock = new CountedClock()
  readonly loadTimeoutMs = 1500
  readonly packageHash = 'nodejs'
  readonly engine: ProcessEngine
  readonly factory: SandboxWorkers
  #lastName = 0

  constructor() {
    mkdirSync(this.workersDir)
    this.storeCode(this.packageHash, {})
    this.engine = this.newEngine()
    this.factory = new SandboxWorkers({
      engine: this.engine,
      clock: this.clock,
      log: silentLog,
      manifests: this.manifests,
      languageVersions: new Map(),
      secrets: noSecrets,
      links: new FolderLinks(this.engine, this.workersDir),
      codeFolder: (hash) => join(this.path, 'code', hash),
      loadTimeoutMs: this.loadTimeoutMs,
      stopGraceMs: 0,
      maxResultBytes: 8 * 1024 * 1024,
      streamIdleMs: 2000,
      newName: () => this.newName(),
      startTimeoutMs: 10_000,
      cpuDefaultMillicpu: 100,
    })
  }

  get manifest(): RuntimeManifest {
    return this.manifests.find(({ name }) => name === 'nodejs') as RuntimeManifest
  }

  get image(): string {
    return this.manifest.image
  }

  newName(): string {
    return `w${++this.#lastName}`
  }

  newEngine(): ProcessEngine {
    const { manifests, workersDir } = this
    return new ProcessEngine({ manifests, workersDir, openFilesLimit: 256, nodeCommand: [process.execPath] })
  }

  async again(): Promise<SandboxEngine> {
    return this.newEngine()
  }

  storeCode(hash: string, files: Record<string, string>): string {
    const folder = join(this.path, 'code', hash)
    cpSync(join(runtimes, 'nodejs', 'conformance'), folder, { recursive: true })
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
    return hash
  }

  async start(engine: SandboxEngine = this.engine) {
    const name = this.newName()
    const folder = await WorkerFolder.make(this.workersDir, name)
    const { image, command } = this.manifest
    const limits = { memoryBytes: 256 * 1024 * 1024, cpuMillicpu: 100, cpuMaxMillicpu: null }
    const env = { TAIBAI_SOCKET: join(folder.path, 'worker.sock') }
    const spec = { name, image, command, env, network: 'none' as const, trusted: true, folder: folder.path, ...limits }
    return { sandbox: await engine.start(spec), folder }
  }

  /** Processes, also of functions, whose environment names a folder of ours. */
  async running(): Promise<string[]> {
    const names = readdirSync('/proc')
      .filter((pid) => /^\d+$/.test(pid))
      .map((pid) => this.#workerOf(pid))
    return [...new Set(names.filter((name) => name !== undefined))].sort()
  }

  /** Fails when a process, a folder or a timer is there. */
  async expectNothingLeft(): Promise<void> {
    const left = async () => [...(await this.running()), ...readdirSync(this.workersDir)]
    await waitUntil('nothing is left', async () => (await left()).length === 0, 5000).catch(() => {})
    expect(await left(), 'workers left').toEqual([])
    expect(this.clock.armed, 'timers left').toBe(0)
  }

  async close(): Promise<void> {
    await this.engine.close()
    rmSync(this.path, { recursive: true, force: true })
  }

  #workerOf(pid: string): string | undefined {
    try {
      const state = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.[0]
      const environment = readFileSync(`/proc/${pid}/environ`, 'utf8')
      return state === 'Z' ? undefined : environment.split(`${this.workersDir}/`)[1]?.split(/[/\0]/)[0]
    } catch {
      // It has ended meanwhile.
      return undefined
    }
  }
}

/** Workers for the tests of a block; each of them fails when it leaves something. */
export function processWorkers(): () => ProcessWorkers {
  let workers: ProcessWorkers | undefined
  beforeAll(() => {
    workers = new ProcessWorkers()
  })
  afterEach(() => workers?.expectNothingLeft())
  afterAll(() => workers?.close())
  return () => workers as ProcessWorkers
}
