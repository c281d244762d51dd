import type { Builder } from '../../../domain/build.ts'
import type { EngineReport } from '../../../domain/engine-report.ts'
import { FaasError } from '../../../domain/errors.ts'
import type { Log } from '../../../domain/log.ts'
import { fetchEngineReport } from '../../api/engine-report.ts'
import { addressTowards } from '../container/address-towards.ts'
import { EngineWatch } from '../container/engine-watch.ts'
import { apiUrl, folderInside, instanceLabel, secretsInside } from '../container/inside.ts'
import { isLinkEncrypted, type LinkTls, linkFindings } from '../container/link-tls.ts'
import { pause } from '../container/pause.ts'
import { seccompProfile } from '../container/seccomp-profile.ts'
import { type UserRange, type WorkerUser, WorkerUsers } from '../container/worker-users.ts'
import type { ApiOpener, CommandResult, OnOutput, SandboxEngine, SandboxSpec, WorkerCallers } from '../sandbox.ts'
import { imageName, imageServiceOptions } from './image-task.ts'
import { KnownMachines } from './known-machines.ts'
import { NodeRestarts } from './node-restarts.ts'
import { refusalOnSwarm, refuseOnSwarm } from './refuse-on-swarm.ts'
import { type Scrap, Scraps } from './scraps.ts'
import type { NodeAnswer } from './service-options.ts'
import { type Removable, SwarmClient } from './swarm-client.ts'
import { swarmFindings } from './swarm-findings.ts'
import { SwarmSandbox } from './swarm-sandbox.ts'
import { outputOfEnded, TaskOutput } from './task-output.ts'
import { labelsOf, nameOf, serviceOptions, type TaskDefaults, type TaskParts } from './task-spec.ts'
import { inDoubt, placesIn, stateOf } from './task-state.ts'
import { type ObservedTasks, type PollRate, TaskWatch } from './task-watch.ts'

export interface SwarmEngineOptions {
  /** Address of a manager's engine; undefined: the local socket. */
  host: string | undefined
  instance: string
  users: UserRange
  /** `host` or `host:port` at which workers on all nodes reach the server; undefined: detected. */
  linkAddress?: string | undefined
  /** Whether they speak TLS; undefined: yes. */
  linkTls?: LinkTls | undefined
  pidsLimit: number
  openFilesLimit: number
  tmpSizeMb: number
  codeSizeMb?: number | undefined
  stopGraceMs?: number | undefined
  /** Longest time until a task runs. */
  startTimeoutMs?: number | undefined
  untrustedOciRuntime?: string | undefined
  /** Fetches an image to the manager; undefined: what is not there is refused. */
  pull?: ((image: string) => Promise<void>) | undefined
}

/** Runs builds beside the swarm, in containers of the manager's engine. */
export interface ManagerBuilder extends Builder {
  removeLeftovers(): Promise<void>
  close(): Promise<void>
}

/** Runs sandboxes as tasks of a Docker Swarm: each worker is a service with one task, on any node that the swarm chooses. */
export class SwarmEngine implements SandboxEngine {
  readonly isolatesFiles = true
  readonly isFixedOnceStarted = true
  readonly nameBeside = imageName
  readonly refusal = refusalOnSwarm
  readonly machines: KnownMachines
  readonly images = null
  /** Builds run on the manager's engine; null: nothing is built. */
  readonly builder: ManagerBuilder | null
  readonly callers: WorkerCallers
  #swarm: SwarmClient
  #untrustedOciRuntime: string | undefined
  #instance: string
  #defaults: TaskDefaults
  #serverHost: string
  #startTimeoutMs: number
  #pull: (image: string) => Promise<void>
  /** Networks of running workers, by name: an image joins that of its helper. */
  #networks = new Map<string, string>()
  #users: WorkerUsers
  #sandboxes = new Map<string, SwarmSandbox>()
  #scraps: Scraps
  #watch: EngineWatch
  #tasks: TaskWatch
  #restarts = new NodeRestarts()
  #log: Log
  #closed = false

  private constructor(
    swarm: SwarmClient,
    { host: serverHost, port }: { host: string; port: number },
    nodes: NodeAnswer[],
    options: SwarmEngineOptions,
    log: Log,
    builder: ManagerBuilder | null,
  ) {
    this.builder = builder
    this.#swarm = swarm
    this.#scraps = new Scraps(swarm)
    this.machines = new KnownMachines(nodes, log)
    this.#instance = options.instance
    this.#untrustedOciRuntime = options.untrustedOciRuntime
    this.#serverHost = serverHost
    this.#startTimeoutMs = options.startTimeoutMs ?? 60_000
    this.#pull = options.pull ?? notFetched
    this.#users = new WorkerUsers(options.users)
    this.#log = log
    const { instance, pidsLimit, openFilesLimit, tmpSizeMb, codeSizeMb = tmpSizeMb, stopGraceMs = 2000 } = options
    const limits = { pidsLimit, openFilesLimit, tmpSizeMb, codeSizeMb, stopGraceMs }
    this.#defaults = { instance, server: '', seccomp: JSON.stringify(seccompProfile()), ...limits }
    this.callers = {
      listenOn: [{ host: '0.0.0.0', port }],
      staysHere: false,
      isEncrypted: isLinkEncrypted(options.linkTls ?? 'auto', false),
      listening: async ([port]) => {
        this.#defaults.server = `${serverHost}:${port}`
      },
    }
    this.#watch = new EngineWatch(() => swarm.ping(), log)
    this.#tasks = new TaskWatch(
      () => this.#look(),
      (seen) => this.#note(seen),
      () => this.#pace(),
    )
    this.#tasks.hurry()
  }

  static async connect(
    options: SwarmEngineOptions,
    log: Log,
    builder: ManagerBuilder | null = null,
  ): Promise<SwarmEngine> {
    const swarm = await SwarmClient.connect(options.host)
    const [given, port = '0'] = options.linkAddress?.split(':') ?? []
    const host = given ?? (await addressTowards(options.host)) ?? swarm.facts.managerAddress
    const nodes = await swarm.nodes()
    log.info({ version: swarm.facts.version, nodes: placesIn(nodes).length, server: host }, 'docker swarm connected')
    return new SwarmEngine(swarm, { host, port: Number(port) }, nodes, options, log, builder)
  }

  get isUp(): boolean {
    return this.#watch.isUp
  }

  inside(_folder: string): string {
    return folderInside
  }

  secretsFolder(_folder: string): string {
    return secretsInside
  }

  async openApi(door: ApiOpener): Promise<string> {
    const port = await door.listen('0.0.0.0', '0.0.0.0/0')
    this.#defaults.apiAddress = this.#serverHost
    return apiUrl(port)
  }

  async start(spec: SandboxSpec, onOutput?: OnOutput): Promise<SwarmSandbox> {
    const output = spec.key === undefined && onOutput !== undefined ? new TaskOutput(onOutput) : null
    const sandbox = await this.#run(spec)
    if (output === null) return sandbox
    await output.follow(this.#swarm, sandbox.serviceId)
    sandbox.printed = sandbox.exited.then(() => output.rest())
    return sandbox
  }

  /** Its output is told at its end. */
  async runToEnd(
    spec: SandboxSpec & { args: string[]; timeoutMs: number; signal?: AbortSignal; onRunning?(): void },
    onOutput: OnOutput,
  ): Promise<CommandResult> {
    spec.signal?.throwIfAborted()
    const sandbox = await this.#run(spec, true)
    const ends = Promise.withResolvers<'late' | 'stopped'>()
    const late = setTimeout(() => ends.resolve('late'), spec.timeoutMs)
    const stop = () => ends.resolve('stopped')
    spec.signal?.addEventListener('abort', stop, { once: true })
    try {
      spec.onRunning?.()
      const end = await Promise.race([sandbox.exited, ends.promise])
      await outputOfEnded(this.#swarm, sandbox.serviceId, onOutput)
      await Promise.race([sandbox.kill(), pause(failedRemovalMs)])
      if (typeof end === 'object') return { exit: end, timedOut: false }
      return { exit: { code: null, memoryExceeded: false }, timedOut: end === 'late' }
    } finally {
      clearTimeout(late)
      spec.signal?.removeEventListener('abort', stop)
    }
  }

  /** `staysEnded`: its service stays when it has ended, and one that ends at once has not failed to start. */
  async #run(spec: SandboxSpec, staysEnded = false): Promise<SwarmSandbox> {
    refuseOnSwarm(spec, this.#untrustedOciRuntime)
    const user = this.#users.take()
    const own: Scrap[] = []
    try {
      const sandbox = await this.#place(spec, user, own)
      void sandbox.removed.then(() => this.#clear(sandbox, user, own))
      if (!staysEnded) void sandbox.exited.then(() => sandbox.kill())
      const late = setTimeout(() => sandbox.refuse(tooLate(this.#startTimeoutMs)), this.#startTimeoutMs)
      try {
        await (staysEnded ? Promise.race([sandbox.running, sandbox.endedByItself]) : sandbox.running)
      } catch (error) {
        // A node that hangs keeps its task: the next try must not wait for it.
        await Promise.race([sandbox.kill(), pause(failedRemovalMs)])
        throw error
      } finally {
        clearTimeout(late)
      }
      return sandbox
    } catch (error) {
      if (!this.#sandboxes.has(spec.name)) this.#drop(user, own)
      throw error
    }
  }

  /** The manager's engine fetches the image; each node does when it gets a task, where the image has a registry. */
  async prepareImage(image: string): Promise<void> {
    if ((await this.#swarm.imageId(image)) === undefined) await this.#pull(image)
  }

  async report(): Promise<EngineReport> {
    const [report, nodes] = await Promise.all([fetchEngineReport(this.#swarm.api, reportMs), this.#swarm.nodes()])
    return {
      ...report,
      name: 'Docker Swarm',
      // A task cannot choose an OCI runtime.
      ociRuntimes: [],
      findings: [...report.findings, ...swarmFindings(this.#swarm.facts, nodes), ...linkFindings(this.callers)],
    }
  }

  async removeLeftovers(): Promise<number> {
    const label = instanceLabel(this.#instance)
    await this.builder?.removeLeftovers()
    const services = await this.#swarm.services(label)
    await Promise.all(services.map((id) => this.#swarm.remove('services', id)))
    const [networks, secrets] = await Promise.all([this.#swarm.networks(label), this.#swarm.secrets(label)])
    await this.#scraps.remove([
      ...networks.map((id) => ({ what: 'networks' as const, id })),
      ...secrets.map((id) => ({ what: 'secrets' as const, id })),
    ])
    return services.length
  }

  /** When the manager does not answer, the next start removes leftovers. */
  async close(): Promise<void> {
    this.#closed = true
    this.#scraps.close()
    this.#watch.close()
    await Promise.race([this.#removeAll().catch(() => {}), pause(lastRemovalMs)])
    await Promise.race([this.builder?.close(), pause(lastRemovalMs)])
    this.#tasks.close()
    this.#swarm.close()
  }

  async #removeAll(): Promise<void> {
    await Promise.all([...this.#sandboxes.values()].map((sandbox) => sandbox.kill()))
    await this.#scraps.removeAll()
  }

  async #place(spec: SandboxSpec, user: WorkerUser, own: Scrap[]): Promise<SwarmSandbox> {
    if (this.#closed) throw new FaasError('shutting_down', 'The server is stopping; try again in a moment.')
    const [name, labels] = [nameOf(this.#instance, spec.name), labelsOf(this.#instance, spec.name)]
    const made = async (what: Removable, making: Promise<string>): Promise<string> => {
      const id = await making
      own.push({ what, id })
      return id
    }
    const imageId = await this.#imageId(spec)
    const shared = this.#networks.get(spec.beside ?? '')
    const [networkId, secretId] = await allOrNone([
      shared === undefined
        ? made('networks', this.#swarm.makeNetwork(name, labels, spec.network === 'none'))
        : Promise.resolve(shared),
      spec.key === undefined ? Promise.resolve('') : made('secrets', this.#swarm.keepSecret(name, spec.key, labels)),
    ])
    const parts: TaskParts = { imageId, networkId, secret: { id: secretId, name }, user }
    const options = spec.key === undefined ? imageServiceOptions : serviceOptions
    const serviceId = await this.#swarm.makeService(options(spec, this.#defaults, parts)).catch((error: unknown) => {
      // The service may exist: perhaps only the response was lost.
      own.push({ what: 'services', id: name })
      throw error
    })
    const remove = async () => {
      await this.#swarm.remove('services', serviceId)
      this.#tasks.hurry()
    }
    const sandbox = new SwarmSandbox(spec.name, serviceId, remove, spec.machine)
    this.#sandboxes.set(spec.name, sandbox)
    if (spec.key !== undefined) this.#networks.set(spec.name, networkId)
    this.#tasks.hurry()
    return sandbox
  }

  /** Images of runtimes are on every node; a function's own may come from its registry. */
  async #imageId({ image, key }: SandboxSpec): Promise<string> {
    const isOwn = key === undefined
    const there = await this.#swarm.imageId(image, isOwn)
    if (there !== undefined) return there
    if (isOwn) await this.#pull(image)
    const id = isOwn ? await this.#swarm.imageId(image, true) : undefined
    return id ?? notFetched(image)
  }

  #clear(sandbox: SwarmSandbox, user: WorkerUser, own: Scrap[]): void {
    this.#sandboxes.delete(sandbox.name)
    this.#networks.delete(sandbox.name)
    this.#drop(user, own)
  }

  #drop(user: WorkerUser, own: Scrap[]): void {
    this.#users.release(user)
    void this.#scraps.remove(own)
  }

  async #look(): Promise<ObservedTasks> {
    const tasks = await this.#swarm.tasks(instanceLabel(this.#instance))
    // Asked later: an engine that begins anew joins before it reports what ended.
    return { tasks, nodes: await this.#swarm.nodes() }
  }

  #note({ tasks, nodes }: ObservedTasks): void {
    this.machines.note(nodes)
    this.#restarts.note(nodes)
    const byService = new Map(tasks.map((task) => [task.ServiceID, task]))
    for (const sandbox of this.#sandboxes.values()) {
      const task = byService.get(sandbox.serviceId)
      const wasAway = this.#tasks.isInDoubt || this.#restarts.isFresh(task?.NodeID)
      const state = task === undefined ? null : inDoubt(stateOf(task, nodes), wasAway)
      if (state?.kind === 'lost')
        this.#log.warn({ worker: sandbox.name, node: state.node }, 'a worker is lost with its node')
      sandbox.note(state)
    }
  }

  #pace(): PollRate {
    if (this.#sandboxes.size === 0) return 'rarely'
    return [...this.#sandboxes.values()].some(({ isChanging }) => isChanging) ? 'often' : 'seldom'
  }
}

async function notFetched(image: string): Promise<never> {
  throw new FaasError('engine_failed', `The image ${image} is not on the swarm's manager; build or pull it there.`)
}

const tooLate = (ms: number): string => `The swarm has not started a worker within ${ms / 1000} s.`

const reportMs = 10_000
const lastRemovalMs = 15_000
/** How long a start that failed waits for the end of its task. */
const failedRemovalMs = 3000

/** Like `Promise.all`, but when it rejects no promise is still pending. */
async function allOrNone<T extends readonly unknown[]>(promises: [...{ [K in keyof T]: Promise<T[K]> }]): Promise<T> {
  await Promise.allSettled(promises)
  return (await Promise.all(promises)) as unknown as T
}
