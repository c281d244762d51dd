import { randomBytes } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { systemClock } from '../../src/domain/clock.ts'
import type { RuntimeManifest } from '../../src/domain/functions/runtime.ts'
import type { Call, Revision } from '../../src/domain/platform/worker.ts'
import { silentLog } from '../../src/domain/runs/log.ts'
import type { Outcome } from '../../src/domain/runs/outcome.ts'
import type { PoolWorker, Shape } from '../../src/engine/pool/pool-worker.ts'
import type { DockerEngineOptions } from '../../src/engine/sandbox/docker/docker-connection.ts'
import { DockerEngine } from '../../src/engine/sandbox/docker/docker-engine.ts'
import type { ApiOpener } from '../../src/engine/sandbox/sandbox.ts'
import type { WorkerLinks } from '../../src/engine/worker/link.ts'
import { openLinks } from '../../src/engine/worker/open-links.ts'
import { readRuntimes } from '../../src/engine/worker/runtime-catalog.ts'
import { SandboxWorkers } from '../../src/engine/worker/worker-factory.ts'
import { WorkerFolder } from '../../src/engine/worker/worker-folder.ts'
import { FunctionTokens } from '../../src/services/platform/function-tokens.ts'
import { newSecret } from '../../src/services/platform/token-secret.ts'
import { completeRuntimes } from './complete-runtimes.ts'
import { askDocker, containersOf, dockerSocket, removeContainer } from './docker-api.ts'
import { aCall, aRevision, mib } from './fake-workers-pool.ts'
import { noSecrets } from './no-secrets.ts'
import { projectFolder } from './server-process.ts'
import { waitUntil } from './wait-until.ts'

/** Time for the engine to remove ended containers. */
const removalMs = 20_000

export const runtimesFolder = join(projectFolder, 'runtimes')

/** What the engine of a test is told; smaller limits than a server's, so that tests meet them soon. */
export const engineDefaults = {
  host: `unix://${dockerSocket}`,
  users: { firstUid: 64_000, count: 1000 },
  pidsLimit: 64,
  openFilesLimit: 256,
  tmpSizeMb: 16,
  untrustedOciRuntime: undefined,
  egressAllow: [] as string[],
  maxWorkerConnections: 1000,
  etcFolder: join(tmpdir(), 'taibai-docker-etc'),
}

export interface ContainerInfo {
  Id: string
  Config: { Env: string[]; Labels: Record<string, string>; User: string }
  HostConfig: Record<string, unknown>
  NetworkSettings: {
    Ports: Record<string, unknown>
    Networks: Record<string, { IPAddress: string; Gateway: string }>
  }
  State: { Running: boolean; Paused: boolean; Pid: number }
  Mounts: { Type: string; Name?: string }[]
}

/** Names of the runtimes that have a conformance function, and whose images are made for everybody. */
export function runtimeFolders(): string[] {
  const usual = new Set(readRuntimes(runtimesFolder).map(({ name }) => name))
  return completeRuntimes().flatMap(({ name }) => (usual.has(name) ? [name] : []))
}

interface Made {
  instance: string
  path: string
  runtimes: string[]
  startTimeoutMs: number
  stopGraceMs: number
  apiOpener: ApiOpener | undefined
}

/**
 * Real workers in real containers, put together as the server does it: an instance of their own, of which nothing may stay.
 */
export class DockerWorkers {
  readonly instance: string
  readonly engine: DockerEngine
  readonly links: WorkerLinks
  readonly factory: SandboxWorkers
  readonly manifests: RuntimeManifest[]
  readonly path: string
  /** Names of workers that live on after a test. */
  readonly #shared = new Set<string>()
  #lastName = 0

  readonly languageVersions = new Map<string, string>()

  private constructor(engine: DockerEngine, links: WorkerLinks, made: Made) {
    const { instance, path, runtimes, startTimeoutMs, stopGraceMs, apiOpener } = made
    this.engine = engine
    this.links = links
    this.instance = instance
    this.path = path
    this.manifests = readRuntimes(runtimesFolder, runtimes)
    for (const runtime of runtimeFolders()) this.storeCode(runtime, runtime, {})
    this.factory = new SandboxWorkers({
      engine,
      clock: systemClock,
      log: silentLog,
      manifests: this.manifests,
      languageVersions: this.languageVersions,
      secrets: noSecrets,
      links,
      apiOpener,
      workerTokens: new FunctionTokens(newSecret),
      codeFolder: (hash) => this.codeFolder(hash),
      loadTimeoutMs: 60_000,
      stopGraceMs,
      maxResultBytes: 8 * mib,
      streamIdleMs: 2000,
      newName: () => this.newName(),
      startTimeoutMs,
      cpuDefaultMillicpu: 100,
    })
  }

  static async connect(options: DockerWorkersOptions = {}): Promise<DockerWorkers> {
    const {
      startTimeoutMs = 60_000,
      stopGraceMs = 2000,
      findsPlace = false,
      apiOpener,
      runtimes = [],
      folder,
      ...own
    } = options
    const instance = `test-${randomBytes(6).toString('hex')}`
    const path = realpathSync(mkdtempSync(join(folder ?? tmpdir(), 'taibai-docker-')))
    const workersDir = join(path, 'workers')
    mkdirSync(workersDir)
    const given = {
      ...engineDefaults,
      instance,
      ...(findsPlace && { workersDir }),
      ...(folder && { etcFolder: path }),
      ...own,
    }
    const engine = await DockerEngine.connect(given, silentLog)
    const links = await openLinks(engine, workersDir, systemClock)
    return new DockerWorkers(engine, links, { instance, path, runtimes, startTimeoutMs, stopGraceMs, apiOpener })
  }

  get workersDir(): string {
    return join(this.path, 'workers')
  }

  codeFolder(hash: string): string {
    return join(this.path, 'code', hash)
  }

  newName(): string {
    return `w${++this.#lastName}`
  }

  manifest(runtime: string): RuntimeManifest {
    const found = this.manifests.find(({ name }) => name === runtime)
    if (found === undefined) throw new Error(`There is no runtime ${runtime}.`)
    return found
  }

  /** Stores code under this hash: the conformance functions of a runtime and these files. Returns the hash. */
  storeCode(hash: string, runtime: string, files: Record<string, string>): string {
    const folder = this.codeFolder(hash)
    cpSync(join(runtimesFolder, runtime, 'conformance'), folder, { recursive: true })
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
    return hash
  }

  generic(runtime: string, shape: Partial<Shape> = {}): Promise<PoolWorker> {
    const { image } = this.manifest(runtime)
    return this.factory.startGeneric({
      image,
      network: 'egress',
      api: false,
      trusted: true,
      memoryBytes: 128 * mib,
      ...shape,
    })
  }

  /** A worker bound to the runtime's conformance function, or to what `overrides` says. */
  async bound(runtime: string, overrides: Partial<Revision> = {}): Promise<FunctionWorker> {
    const { image } = this.manifest(runtime)
    const revision = aRevision({ image, packageHash: runtime, ...overrides })
    const { network, api, memoryBytes, tmpSizeBytes, sandbox } = revision
    const worker = await this.generic(runtime, {
      image: revision.image,
      network,
      api,
      memoryBytes,
      tmpSizeBytes,
      sandbox,
    })
    return this.bind(worker, revision)
  }

  async bind(worker: PoolWorker, revision: Revision): Promise<FunctionWorker> {
    const bound = await worker.bind(revision).catch(async (error: unknown) => {
      await worker.kill()
      throw error
    })
    if (!bound.loaded) throw new Error(`The function could not be loaded: ${JSON.stringify(bound)}`)
    return new FunctionWorker(worker, this)
  }

  /** A worker for all tests of a block: it may exist after each of them. */
  async shared(runtime: string, overrides: Partial<Revision> = {}): Promise<FunctionWorker> {
    const it = await this.bound(runtime, overrides)
    this.share(it.worker)
    return it
  }

  share(worker: PoolWorker): void {
    this.#shared.add(worker.name)
  }

  async inspect(name: string): Promise<ContainerInfo | null> {
    const found = await askDocker<ContainerInfo | { message: string }>(
      'GET',
      `/containers/${this.containerName(name)}/json`,
    )
    return 'message' in found ? null : found
  }

  containerName(name: string): string {
    return `taibai-${this.instance}-${name}`
  }

  /** Names of the workers of which a container or a folder is there, whatever its state. */
  async names(): Promise<string[]> {
    const containers = await containersOf(this.instance)
    const named = containers.map(({ Labels }) => Labels['io.taibai.worker'] ?? 'a container without a name')
    return [...new Set([...named, ...readdirSync(this.workersDir)])].sort()
  }

  /** Fails when anything is left that tests do not share, and removes it, so that the next test does not fail. */
  async expectNothingLeft(): Promise<void> {
    const left = async () => (await this.names()).filter((name) => !this.#shared.has(name))
    await waitUntil('nothing is left', async () => (await left()).length === 0, removalMs).catch(() => {})
    const names = await left()
    for (const name of names) await this.#remove(name)
    expect(names, 'workers left').toEqual([])
  }

  /** Afterwards nothing of the instance is there; fails when it did not go by itself. */
  async close(): Promise<void> {
    this.#shared.clear()
    try {
      await this.links.close()
      await this.engine.close()
      await this.expectNothingLeft()
    } finally {
      for (const { Id } of await containersOf(this.instance)) await removeContainer(Id)
      rmSync(this.path, { recursive: true, force: true })
    }
  }

  async #remove(name: string): Promise<void> {
    const found = await this.inspect(name)
    if (found !== null) await removeContainer(found.Id)
    rmSync(join(this.workersDir, name), { recursive: true, force: true })
  }
}

export interface DockerWorkersOptions extends Partial<Omit<DockerEngineOptions, 'instance'>> {
  startTimeoutMs?: number
  stopGraceMs?: number
  /** Asks the engine whether it sees our files, as a server does. */
  findsPlace?: boolean
  /** Where the workers' folders are made; default: the machine's folder for temporary files. */
  folder?: string
  /** Further versions of languages. */
  runtimes?: string[]
  /** Address of the server that functions may call. */
  apiOpener?: ApiOpener
}

/** An instance for the tests of a block; each of them fails when it leaves something. */
export function dockerWorkers(options: DockerWorkersOptions = {}): () => DockerWorkers {
  let workers: DockerWorkers | undefined
  beforeAll(async () => {
    workers = await DockerWorkers.connect(options)
  })
  afterEach(() => workers?.expectNothingLeft())
  afterAll(() => workers?.close())
  return () => workers as DockerWorkers
}

/** A worker bound to a conformance function. */
export class FunctionWorker implements AsyncDisposable {
  readonly worker: PoolWorker
  readonly #workers: DockerWorkers

  constructor(worker: PoolWorker, workers: DockerWorkers) {
    this.worker = worker
    this.#workers = workers
  }

  get name(): string {
    return this.worker.name
  }

  call(event: unknown, timeoutMs = 60_000, overrides: Partial<Call> = {}): Promise<Outcome> {
    const input = { kind: 'json' as const, body: Buffer.from(JSON.stringify(event)) }
    return this.worker.call(aCall({ input, ...overrides }), timeoutMs)
  }

  /** What the function returns; throws what it throws. */
  async ask<T = unknown>(event: unknown): Promise<T> {
    const outcome = await this.call(event)
    if (outcome.kind === 'returned') return returnedBy(outcome) as T
    throw new Error('error' in outcome ? `${outcome.error.type}: ${outcome.error.message}` : outcome.kind)
  }

  /** Runs a command inside. */
  run(...argv: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    return this.ask({ do: 'run', argv })
  }

  read(path: string): Promise<string> {
    return this.ask({ do: 'read', path })
  }

  async inspect(): Promise<ContainerInfo> {
    const info = await this.#workers.inspect(this.name)
    if (info === null) throw new Error(`There is no container of ${this.name}.`)
    return info
  }

  /** In bytes, as the kernel counts by either of its ways. */
  async memoryLimits(): Promise<{ memory: number; withSwap: number }> {
    const limit = (file: string) => this.read(`/sys/fs/cgroup/${file}`).then(Number)
    const files = await this.ask<string[]>({ do: 'list', path: '/sys/fs/cgroup' })
    if (files.includes('memory.max')) {
      const [memory, swap] = await Promise.all([limit('memory.max'), limit('memory.swap.max')])
      return { memory, withSwap: memory + swap }
    }
    const memory = await limit('memory/memory.limit_in_bytes')
    return { memory, withSwap: await limit('memory/memory.memsw.limit_in_bytes') }
  }

  async address(): Promise<{ own: string; gateway: string }> {
    const [network] = Object.values((await this.inspect()).NetworkSettings.Networks)
    return { own: network?.IPAddress ?? '', gateway: network?.Gateway ?? '' }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.worker.kill()
  }
}

function returnedBy(outcome: Extract<Outcome, { kind: 'returned' }>): unknown {
  const { kind, body } = outcome.value
  if (kind === 'json') return JSON.parse(body.toString('utf8'))
  return kind === 'text' ? body.toString('utf8') : body
}

/** A container of the runtime with its folder, without a worker or a connection. */
export async function startRaw(
  workers: DockerWorkers,
  runtime: string,
  name: string,
  memoryBytes = 128 * mib,
  engine = workers.engine,
) {
  const { workersDir } = workers
  const { image, command } = workers.manifest(runtime)
  const folder = await WorkerFolder.make(workersDir, name)
  const limits = { memoryBytes, cpuMillicpu: 100, cpuMaxMillicpu: null }
  const env = { TAIBAI_SOCKET: `${engine.inside(folder.path)}/worker.sock` }
  const own = { name, image, command, env, network: 'none' as const, trusted: true, folder: folder.path }
  const sandbox = await engine.start({ ...own, ...limits }).catch(async (error: unknown) => {
    await folder.remove()
    throw error
  })
  const dispose = async () => {
    await sandbox.kill()
    await folder.remove()
  }
  return { sandbox, folder, [Symbol.asyncDispose]: dispose }
}
