import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type EngineReport, refusalOf } from '../../../domain/engine-report.ts'
import { FaasError } from '../../../domain/errors.ts'
import type { Log } from '../../../domain/log.ts'
import type { RegistrySecret } from '../../../domain/registry.ts'
import { engineReport, hasInit, type InfoAnswer } from '../../api/engine-report.ts'
import { addressTowards } from '../container/address-towards.ts'
import { EngineWatch } from '../container/engine-watch.ts'
import { apiUrl, folderInside, instanceLabel, secretsInside } from '../container/inside.ts'
import { type LinkTls, linkFindings } from '../container/link-tls.ts'
import { pause } from '../container/pause.ts'
import { seccompProfile } from '../container/seccomp-profile.ts'
import { type UserRange, type WorkerUser, WorkerUsers } from '../container/worker-users.ts'
import type { ApiDoor, CommandResult, OnOutput, SandboxEngine, SandboxSpec, WorkerCallers } from '../sandbox.ts'
import { ApiNetwork } from './api-network.ts'
import type { ContainerOptions } from './container-options.ts'
import { type ContainerDefaults, containerOptions, ociRuntimeOf } from './container-spec.ts'
import { ControlGroups } from './control-groups.ts'
import { DockerBuilder, type DockerBuilderOptions } from './docker-builder.ts'
import { type ContainerEvent, connectDocker, type DockerClient } from './docker-client.ts'
import { DockerImages } from './docker-images.ts'
import { DockerSandbox } from './docker-sandbox.ts'
import { apiNetworkName, EgressNetwork, type EgressOptions } from './egress-network.ts'
import { hasBridge, seesOurFiles, wrongCgroupParent } from './engine-facts.ts'
import { EtcFiles } from './etc-files.ts'
import { type Place, placeOf } from './link-place.ts'
import { hostPath, ownContainerId } from './own-container.ts'
import { type Reach, WorkerCalls } from './worker-calls.ts'

type Found =
  | 'api'
  | 'egressNetwork'
  | 'closedNetwork'
  | 'extraHosts'
  | 'isApart'
  | 'hasOwnerlessMemory'
  | 'hasInit'
  | 'seccomp'
  | 'hostPath'

export interface DockerEngineOptions extends Omit<ContainerDefaults, Found>, EgressOptions {
  /** Address of the engine; undefined: the local socket. */
  host: string | undefined
  /** Users of the processes inside containers. */
  users: UserRange
  /** Parent of the workers' folders; the engine must be able to mount them. */
  workersDir?: string
  /** Credentials for the registry of an image; absent: anonymous. */
  credentials?: (image: string) => RegistrySecret | null
  /** Called for each image that was pulled. */
  onPulled?: (image: string) => void
  /** How workers reach the server; undefined: detected. */
  link?: 'auto' | 'folder' | 'tcp' | undefined
  /** Options of package builds; undefined: packages are not built. */
  build?: DockerBuilderOptions | undefined
  /** `host` or `host:port` at which workers reach the server over TCP. */
  linkAddress?: string | undefined
  /** Whether they speak TLS then; undefined: where that leaves this machine. */
  linkTls?: LinkTls | undefined
  /** Whether an engine that is less safe than Docker as root is taken; undefined: it is refused. */
  weakEngine?: 'refuse' | 'accept' | undefined
}

/** Runs sandboxes as containers of a Docker engine. */
export class DockerEngine implements SandboxEngine {
  readonly isolatesFiles = true
  readonly images: DockerImages
  readonly builder: DockerBuilder | null
  #docker: DockerClient
  #pull: (image: string) => Promise<void>
  #network: EgressNetwork
  #calls: WorkerCalls
  #egress: EgressOptions
  /** Created when the first sandbox needs it. */
  #api: Promise<ApiNetwork> | undefined
  #defaults: ContainerDefaults
  #users: WorkerUsers
  #log: Log
  #sandboxes = new Map<string, DockerSandbox>()
  /** Names of workers whose containers exist or are being created. */
  #names = new Set<string>()
  #stopEvents: () => void = () => {}
  #watch: EngineWatch
  #groups = new ControlGroups()
  #closed = false

  private constructor(
    docker: DockerClient,
    network: EgressNetwork,
    calls: WorkerCalls,
    defaults: ContainerDefaults & EgressOptions,
    users: WorkerUsers,
    pull: (image: string) => Promise<void>,
    log: Log,
    build: DockerBuilderOptions | undefined,
  ) {
    this.#docker = docker
    this.#pull = pull
    this.images = new DockerImages(docker.api, pull)
    this.#network = network
    this.#calls = calls
    this.#defaults = defaults
    this.#egress = defaults
    this.#users = users
    this.#log = log
    this.#watch = new EngineWatch(() => docker.ping(), log)
    const shared = { defaults: () => this.#defaults, names: this.#names, users }
    this.builder = build === undefined ? null : new DockerBuilder(docker, build, shared)
  }

  static async connect(options: DockerEngineOptions, log: Log): Promise<DockerEngine> {
    const docker = await connectDocker(options.host)
    const own = await ownPlace(docker)
    const { link = 'auto', workersDir } = options
    if (workersDir !== undefined && link !== 'tcp') own?.hostPath(workersDir)
    const etc = new EtcFiles(options.etcFolder, options.users.firstUid)
    const users = new WorkerUsers(options.users, (user) => etc.name(user))
    const network = await EgressNetwork.make(docker, options, log)
    try {
      const engine = await DockerEngine.#on(docker, network, { own, users }, options, log)
      await engine.#followEvents()
      return engine
    } catch (error) {
      await network.remove()
      docker.close()
      throw error
    }
  }

  static async #on(
    docker: DockerClient,
    egress: EgressNetwork,
    { own, users }: { own: OwnPlace | null; users: WorkerUsers },
    options: DockerEngineOptions,
    log: Log,
  ): Promise<DockerEngine> {
    const info = await docker.info()
    lookOver(docker, info, options.weakEngine ?? 'refuse', log)
    const wrong = wrongCgroupParent(options.cgroupParent, info.CgroupDriver)
    if (wrong !== null) throw new FaasError('engine_failed', wrong)
    const place = await findPlace(docker, options, own, info, egress)
    const { linkTls = 'auto' } = options
    const ownContainer = own?.hasHostNetwork === false ? own.id : null
    const calls = await WorkerCalls.make(place, { docker, options, egress, ownContainer, linkTls, log })
    const found = {
      egressNetwork: egress.name,
      closedNetwork: calls.closed?.name,
      extraHosts: calls.extraHosts,
      isApart: place.kind !== 'folder',
      hasOwnerlessMemory: docker.isPodman,
      hasInit: hasInit(info),
      seccomp: seccompFor(docker, options.etcFolder, place, own, log),
      hostPath: own?.hostPath,
    }
    const pull = async (image: string) => {
      await docker.images.pull(image, options.credentials?.(image) ?? null)
      options.onPulled?.(image)
    }
    log.info({ version: docker.version, link: place.kind }, 'docker engine connected')
    return new DockerEngine(docker, egress, calls, { ...options, ...found }, users, pull, log, options.build)
  }

  get isUp(): boolean {
    return this.#watch.isUp
  }

  secretsFolder(_folder: string): string {
    return secretsInside
  }

  get callers(): WorkerCallers | undefined {
    return this.#calls.callers
  }

  inside(_folder: string): string {
    return folderInside
  }

  async openApi(door: ApiDoor): Promise<string> {
    if (this.#calls.usesPairs) return apiUrl(await door.listen('0.0.0.0', '0.0.0.0/0'))
    this.#api ??= this.#makeApi(door)
    try {
      return (await this.#api).url
    } catch (error) {
      this.#api = undefined
      throw error
    }
  }

  async start(spec: SandboxSpec, onOutput?: OnOutput): Promise<DockerSandbox> {
    this.#refuseUnshared(spec)
    const taken = await this.#take(spec)
    const { reach } = taken
    try {
      const env = { ...spec.env, ...reach.env }
      const container = await this.#create(spec.name, this.#optionsFor({ ...spec, env }, taken))
      const sandbox = await this.#begin(container, spec, onOutput, reach)
      void sandbox.removed.then(() => this.#giveBack(taken))
      return sandbox
    } catch (error) {
      this.#giveBack(taken)
      throw error
    }
  }

  async runToEnd(
    spec: SandboxSpec & { args: string[]; timeoutMs: number; signal?: AbortSignal; onRunning?(): void },
    onOutput: OnOutput,
  ): Promise<CommandResult> {
    const taken = await this.#take(spec)
    const { reach } = taken
    try {
      const options = this.#optionsFor(spec, taken)
      if (spec.args.length > 0) options.Cmd = spec.args
      const container = await this.#create(spec.name, { ...options, AttachStdout: true, AttachStderr: true })
      const sandbox = await this.#begin(container, spec, onOutput, reach)
      spec.onRunning?.()
      const result = await waitToEnd(sandbox, spec.timeoutMs, spec.signal)
      await sandbox.printed
      await sandbox.kill()
      return result
    } finally {
      this.#giveBack(taken)
    }
  }

  async prepareImage(image: string): Promise<void> {
    if (!(await this.#docker.images.has(image))) await this.#pull(image)
  }

  async report(): Promise<EngineReport> {
    const report = await this.#docker.report()
    return { ...report, findings: [...report.findings, ...this.#network.findings(), ...linkFindings(this.callers)] }
  }

  async removeLeftovers(): Promise<number> {
    const left = await this.#docker.containers.labelled(instanceLabel(this.#defaults.instance))
    await Promise.all(left.map(({ id }) => this.#docker.containers.remove(id)))
    await this.#calls.removeLeftovers()
    return left.length
  }

  /** When the engine does not answer, the next start removes leftovers. */
  async close(): Promise<void> {
    this.#closed = true
    this.#watch.close()
    const removed = Promise.all([...this.#sandboxes.values()].map((sandbox) => sandbox.kill()))
    await Promise.race([removed, pause(lastRemovalMs)])
    const networks = [this.#network.remove(), this.#calls.close(), this.#removeApi()]
    await Promise.race([Promise.all(networks), pause(lastRemovalMs)])
    this.#stopEvents()
    this.#docker.close()
  }

  #refuseUnshared(spec: SandboxSpec): void {
    const runtime = ociRuntimeOf(spec, this.#defaults.untrustedOciRuntime)
    if (spec.beside === undefined || runtime === undefined || runtime === 'runc') return
    throw new FaasError('not_supported', `${cannotShare} ${runtime}, which gives each container a network of its own.`)
  }

  async #makeApi(door: ApiDoor): Promise<ApiNetwork> {
    const api = await ApiNetwork.make(this.#docker, this.#egress, door, this.#calls.linkPort, this.#log)
    this.#defaults = { ...this.#defaults, api: { network: api.name, address: api.address } }
    return api
  }

  /** Also removes a network that an earlier run has left. */
  async #removeApi(): Promise<void> {
    const api = await this.#api?.catch(() => undefined)
    if (api !== undefined) return api.remove()
    await this.#docker.networks.remove(apiNetworkName(this.#egress.instance))
  }

  async #take(spec: SandboxSpec): Promise<Taken> {
    const user = this.#users.take()
    try {
      return { user, reach: await this.#calls.reach(spec) }
    } catch (error) {
      this.#users.giveBack(user)
      throw error
    }
  }

  #giveBack({ reach, user }: Taken): void {
    this.#calls.giveBack(reach)
    this.#users.giveBack(user)
  }

  /** A container whose only network is the one shared with the server is created on that network. */
  #optionsFor(spec: SandboxSpec, { reach: { pair }, user }: Taken): ContainerOptions {
    if (pair === null) return containerOptions(spec, this.#defaults, user)
    const api = { network: this.#defaults.egressNetwork, address: pair.serverAddress }
    if (spec.network === 'egress') return containerOptions(spec, { ...this.#defaults, api }, user)
    const closed = { ...this.#defaults, egressNetwork: pair.name }
    return containerOptions({ ...spec, network: 'egress' }, closed, user)
  }

  async #create(name: string, options: ContainerOptions): Promise<string> {
    if (this.#closed) throw new FaasError('shutting_down', 'The server is stopping; try again in a moment.')
    this.#names.add(name)
    try {
      return await this.#docker.containers.create(options)
    } catch (error) {
      this.#names.delete(name)
      throw error
    }
  }

  /**
   * The sandbox is registered before it starts, so that an early end finds it. Output is attached before the start, so that none
   * is lost.
   */
  async #begin(
    container: string,
    spec: SandboxSpec,
    onOutput: OnOutput | undefined,
    reach?: Reach,
  ): Promise<DockerSandbox> {
    const shared = { network: reach?.pair?.name, groups: this.#groups }
    const sandbox = new DockerSandbox(container, spec.name, this.#docker.containers, () => this.isUp, shared)
    this.#sandboxes.set(container, sandbox)
    void sandbox.removed.then(() => {
      this.#sandboxes.delete(container)
      this.#names.delete(spec.name)
    })
    try {
      if (reach !== undefined) await this.#calls.prepare(container, spec, reach)
      const attached = onOutput === undefined ? undefined : await this.#docker.containers.attach(container, onOutput)
      sandbox.noteOutput(attached?.ended ?? Promise.resolve())
      await this.#docker.containers.begin(container)
      if (this.#groups.isUnknown) void this.#lookForGroups(container)
      return sandbox
    } catch (error) {
      await this.#docker.containers.remove(container).catch(() => {})
      sandbox.noteRemoved()
      throw error
    }
  }

  /** Runs beside the start; nothing waits for it. */
  async #lookForGroups(container: string): Promise<void> {
    const state = await this.#docker.containers.state(container)
    if (typeof state === 'object' && state !== null) this.#groups.learn(state.Pid ?? 0, container)
  }

  async #followEvents(): Promise<void> {
    const label = instanceLabel(this.#defaults.instance)
    this.#stopEvents = await this.#docker.events(
      label,
      (event) => this.#note(event),
      () => this.#reconnect(),
    )
  }

  #note(event: ContainerEvent): void {
    const sandbox = this.#sandboxes.get(event.id)
    if (sandbox === undefined) return
    if (event.action === 'oom') sandbox.noteMemoryExceeded()
    if (event.action === 'kill') sandbox.noteKill()
    if (event.action === 'die') sandbox.noteEnded(codeOf(event))
    if (event.action === 'destroy') sandbox.noteRemoved()
  }

  /** Removes containers that the engine created without being able to report it. */
  async #removeUnknown(): Promise<void> {
    const found = await this.#docker.containers.labelled(instanceLabel(this.#defaults.instance))
    const unknown = found.filter(({ worker }) => !this.#names.has(worker))
    await Promise.all(unknown.map(({ id }) => this.#docker.containers.remove(id)))
  }

  /** The event stream broke because the engine restarted or went away. Containers may have ended meanwhile and are checked. */
  #reconnect(): void {
    if (this.#closed) return
    this.#log.warn({}, 'lost the docker engine; trying again')
    const again = async () => {
      if (this.#closed) return
      await this.#followEvents()
      await this.#network.guard()
      await this.#calls.guard()
      await (await this.#api?.catch(() => undefined))?.guard()
      await Promise.all([...this.#sandboxes.values()].map((sandbox) => sandbox.check()))
      // If this fails, the engine is away again, and the next reconnect retries it.
      await this.#removeUnknown().catch(() => {})
    }
    setTimeout(() => again().catch(() => this.#reconnect()), 1000).unref()
  }
}

const cannotShare =
  'Images of mode "lambda" share their network with a helper of the server, and that cannot be with the OCI runtime'

/** Resources that belong to one sandbox until it is gone. */
interface Taken {
  reach: Reach
  user: WorkerUser
}

/** Docker takes the profile's text; Podman takes a path on its own machine. Null: the engine's default profile is used. */
function seccompFor(
  { isPodman }: DockerClient,
  folder: string,
  place: Place,
  own: OwnPlace | null,
  log: Log,
): string | null {
  const profile = JSON.stringify(seccompProfile())
  if (!isPodman) return profile
  if (place.kind !== 'folder') {
    log.warn({}, "functions run with Podman's own seccomp profile: it does not see our file with a tighter one")
    return null
  }
  const file = join(folder, 'seccomp.json')
  writeFileSync(file, profile)
  return own?.hostPath(file) ?? file
}

interface OwnPlace {
  id: string
  hasHostNetwork: boolean
  /** Maps a folder of ours to the engine's path. */
  hostPath(path: string): string
}

/** Null: the server is not a container of this engine, so both use the same paths. */
async function ownPlace(docker: DockerClient): Promise<OwnPlace | null> {
  const id = ownContainerId()
  const place = id === null ? null : await docker.containers.placeOf(id)
  if (id === null || place === null) return null
  const { mounts, hasHostNetwork } = place
  return { id, hasHostNetwork, hostPath: (path) => hostPath(mounts, path) }
}

async function findPlace(
  docker: DockerClient,
  { host, link: wish = 'auto', linkAddress: address, etcFolder, workersDir }: DockerEngineOptions,
  own: OwnPlace | null,
  info: InfoAnswer,
  network: EgressNetwork,
): Promise<Place> {
  const asks = wish === 'auto' && workersDir !== undefined
  return placeOf({
    wish,
    address,
    seesOurFiles: asks ? await seesOurFiles(docker, etcFolder, own?.hostPath ?? ((path) => path)) : wish === 'auto',
    isNeighbour: own?.hasHostNetwork === false,
    sharesNetwork: hasBridge(network.bridge),
    isDesktop: info.OperatingSystem === 'Docker Desktop',
    ownAddress: wish === 'folder' ? null : await addressTowards(host),
  })
}

/** Says what the engine cannot do. Throws when functions would not be safe on it. */
function lookOver({ version, isPodman }: DockerClient, info: InfoAnswer, wish: 'refuse' | 'accept', log: Log): void {
  const report = engineReport({ Version: version, Components: isPodman ? [{ Name: 'Podman' }] : [] }, info)
  const refusal = refusalOf(report)
  if (refusal !== null && wish === 'refuse') throw new FaasError('engine_failed', refusal)
  for (const { state, says, remedy } of report.findings) if (state !== 'ok') log.warn({ remedy }, says)
}

function codeOf(event: ContainerEvent): number | null {
  const code = Number(event.attributes.exitCode)
  return Number.isInteger(code) ? code : null
}

async function waitToEnd(sandbox: DockerSandbox, timeoutMs: number, signal?: AbortSignal): Promise<CommandResult> {
  let timedOut = false
  const kill = () => void sandbox.kill()
  const timer = setTimeout(() => {
    timedOut = true
    kill()
  }, timeoutMs)
  if (signal?.aborted) kill()
  signal?.addEventListener('abort', kill, { once: true })
  const exit = await sandbox.exited
  clearTimeout(timer)
  signal?.removeEventListener('abort', kill)
  return { exit, timedOut }
}

/** How long to wait at the end until the engine has removed the last containers. */
const lastRemovalMs = 2000
