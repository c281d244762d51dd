import { FaasError } from '../../../domain/errors.ts'
import type { EngineReport } from '../../../domain/platform/engine-report.ts'
import type { Log } from '../../../domain/runs/log.ts'
import { fetchEngineReport } from '../../api/engine-report.ts'
import { addressTowards } from '../container/address-towards.ts'
import { apiUrl, folderInside, instanceLabel, secretsInside } from '../container/container-paths.ts'
import { EngineWatch } from '../container/engine-watch.ts'
import { isLinkEncrypted, linkFindings } from '../container/link-tls.ts'
import { pause } from '../container/pause.ts'
import { seccompProfile } from '../container/seccomp-profile.ts'
import { type WorkerUser, WorkerUsers } from '../container/worker-users.ts'
import type { ApiOpener, CommandResult, OnOutput, SandboxEngine, SandboxSpec, WorkerCallers } from '../sandbox.ts'
import { imageName } from './image-task.ts'
import { KnownMachines } from './known-machines.ts'
import { refusalOnSwarm, refuseOnSwarm } from './refuse-on-swarm.ts'
import { type Scrap, Scraps } from './scraps.ts'
import type { NodeAnswer } from './service-options.ts'
import { SwarmClient } from './swarm-client.ts'
import { swarmFindings } from './swarm-findings.ts'
import type { ManagerBuilder, SwarmEngineOptions } from './swarm-options.ts'
import { SwarmSandbox } from './swarm-sandbox.ts'
import { outputOfEnded, TaskOutput } from './task-output.ts'
import type { TaskDefaults } from './task-spec.ts'
import { placesIn } from './task-state.ts'
import { WatchedTasks } from './watched-tasks.ts'
import { WorkerServices } from './worker-services.ts'

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
  #services: WorkerServices
  #untrustedOciRuntime: string | undefined
  #instance: string
  #defaults: TaskDefaults
  #serverHost: string
  #startTimeoutMs: number
  #users: WorkerUsers
  #scraps: Scraps
  #watch: EngineWatch
  #tasks: WatchedTasks
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
    this.#users = new WorkerUsers(options.users)
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
    this.#services = new WorkerServices(swarm, this.#defaults, options)
    this.#tasks = new WatchedTasks(swarm, { instance, machines: this.machines, log })
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

  async openApi(opener: ApiOpener): Promise<string> {
    const port = await opener.listen('0.0.0.0', '0.0.0.0/0')
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

  /** Reports the output only at the end of the run. */
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
      if (!this.#tasks.has(spec.name)) this.#drop(user, own)
      throw error
    }
  }

  prepareImage(image: string): Promise<void> {
    return this.#services.prepareImage(image)
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
    await Promise.all(this.#tasks.all().map((sandbox) => sandbox.kill()))
    await this.#scraps.removeAll()
  }

  async #place(spec: SandboxSpec, user: WorkerUser, own: Scrap[]): Promise<SwarmSandbox> {
    if (this.#closed) throw new FaasError('shutting_down', 'The server is stopping; try again in a moment.')
    const serviceId = await this.#services.make(spec, user, own)
    const remove = async () => {
      await this.#swarm.remove('services', serviceId)
      this.#tasks.hurry()
    }
    const sandbox = new SwarmSandbox(spec.name, serviceId, remove, spec.machine)
    this.#tasks.add(sandbox)
    return sandbox
  }

  #clear(sandbox: SwarmSandbox, user: WorkerUser, own: Scrap[]): void {
    this.#tasks.delete(sandbox)
    this.#services.forget(sandbox.name)
    this.#drop(user, own)
  }

  #drop(user: WorkerUser, own: Scrap[]): void {
    this.#users.release(user)
    void this.#scraps.remove(own)
  }
}

const tooLate = (ms: number): string => `The swarm has not started a worker within ${ms / 1000} s.`

const reportMs = 10_000
const lastRemovalMs = 15_000
/** How long a start that failed waits for the end of its task. */
const failedRemovalMs = 3000
