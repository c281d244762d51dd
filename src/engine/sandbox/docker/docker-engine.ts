import { FaasError } from '../../../domain/errors.ts'
import { packageRefusal } from '../../../domain/functions/package-beside-image.ts'
import type { EngineReport } from '../../../domain/platform/engine-report.ts'
import type { Log } from '../../../domain/runs/log.ts'
import { apiUrl, folderInside, instanceLabel, secretsInside } from '../container/container-paths.ts'
import { EngineWatch } from '../container/engine-watch.ts'
import { linkFindings } from '../container/link-tls.ts'
import { pause } from '../container/pause.ts'
import type { WorkerUser, WorkerUsers } from '../container/worker-users.ts'
import type { ApiOpener, CommandResult, OnOutput, SandboxEngine, SandboxSpec, WorkerCallers } from '../sandbox.ts'
import { ApiNetwork } from './api-network.ts'
import type { ContainerOptions } from './container-options.ts'
import { type ContainerDefaults, containerOptions, ociRuntimeOf } from './container-spec.ts'
import { DockerBuilder } from './docker-builder.ts'
import type { DockerClient } from './docker-client.ts'
import {
  connectDockerEngine,
  type DockerConnection,
  type DockerEngineOptions,
  disconnectDockerEngine,
} from './docker-connection.ts'
import { DockerImages } from './docker-images.ts'
import type { DockerSandbox } from './docker-sandbox.ts'
import { apiNetworkName, type EgressNetwork, type EgressOptions } from './egress-network.ts'
import { KnownContainers } from './known-containers.ts'
import type { WorkerCalls, WorkerConnection } from './worker-calls.ts'

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
  #containers: KnownContainers
  #watch: EngineWatch

  private constructor(
    { docker, network, calls, users, defaults, pull }: DockerConnection,
    options: DockerEngineOptions,
    log: Log,
  ) {
    this.#docker = docker
    this.#pull = pull
    const labels = { 'io.taibai.instance': defaults.instance }
    this.images = new DockerImages(docker.api, pull, (image) => this.prepareImage(image), labels)
    this.#network = network
    this.#calls = calls
    this.#defaults = defaults
    this.#egress = options
    this.#users = users
    this.#log = log
    this.#watch = new EngineWatch(() => docker.ping(), log)
    this.#containers = new KnownContainers({
      docker,
      instance: defaults.instance,
      isUp: () => this.isUp,
      onBack: () => this.#guard(),
      log,
    })
    const shared = { defaults: () => this.#defaults, names: this.#containers.names, users }
    this.builder = options.build === undefined ? null : new DockerBuilder(docker, options.build, shared)
  }

  static async connect(options: DockerEngineOptions, log: Log): Promise<DockerEngine> {
    const connection = await connectDockerEngine(options, log)
    try {
      const engine = new DockerEngine(connection, options, log)
      await engine.#containers.follow()
      return engine
    } catch (error) {
      await disconnectDockerEngine(connection)
      throw error
    }
  }

  refusal = (wanted: Parameters<typeof packageRefusal>[0]): string | null =>
    packageRefusal(wanted, this.callers === undefined)

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

  async openApi(opener: ApiOpener): Promise<string> {
    if (this.#calls.usesPairs) return apiUrl(await opener.listen('0.0.0.0', '0.0.0.0/0'))
    this.#api ??= this.#makeApi(opener)
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
      const container = await this.#containers.create(spec.name, this.#optionsFor({ ...spec, env }, taken))
      const sandbox = await this.#begin(container, spec, reach, onOutput)
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
      const container = await this.#containers.create(spec.name, { ...options, AttachStdout: true, AttachStderr: true })
      const sandbox = await this.#begin(container, spec, reach, onOutput)
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
    this.#containers.close()
    this.#watch.close()
    await Promise.race([this.#containers.removeAll(), pause(lastRemovalMs)])
    const networks = [this.#network.remove(), this.#calls.close(), this.#removeApi()]
    await Promise.race([Promise.all(networks), pause(lastRemovalMs)])
    this.#containers.stopFollowing()
    this.#docker.close()
  }

  #refuseUnshared(spec: SandboxSpec): void {
    const runtime = ociRuntimeOf(spec, this.#defaults.untrustedOciRuntime)
    if (spec.beside === undefined || runtime === undefined || runtime === 'runc') return
    throw new FaasError('not_supported', `${cannotShare} ${runtime}, which gives each container a network of its own.`)
  }

  async #makeApi(opener: ApiOpener): Promise<ApiNetwork> {
    const api = await ApiNetwork.make(this.#docker, this.#egress, opener, this.#calls.linkPort, this.#log)
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
      this.#users.release(user)
      throw error
    }
  }

  #giveBack({ reach, user }: Taken): void {
    this.#calls.release(reach)
    this.#users.release(user)
  }

  /** A container whose only network is the one shared with the server is created on that network. */
  #optionsFor(spec: SandboxSpec, { reach: { pair }, user }: Taken): ContainerOptions {
    if (pair === null) return containerOptions(spec, this.#defaults, user)
    const api = { network: this.#defaults.egressNetwork, address: pair.serverAddress }
    if (spec.network === 'egress') return containerOptions(spec, { ...this.#defaults, api }, user)
    const closed = { ...this.#defaults, egressNetwork: pair.name }
    return containerOptions({ ...spec, network: 'egress' }, closed, user)
  }

  #begin(
    container: string,
    spec: SandboxSpec,
    reach: WorkerConnection,
    onOutput: OnOutput | undefined,
  ): Promise<DockerSandbox> {
    const prepare = () => this.#calls.prepare(container, spec, reach)
    return this.#containers.begin(container, spec, { network: reach.pair?.name, onOutput, prepare })
  }

  async #guard(): Promise<void> {
    await this.#network.guard()
    await this.#calls.guard()
    await (await this.#api?.catch(() => undefined))?.guard()
  }
}

const cannotShare =
  'Images of mode "lambda" share their network with a helper of the server: that is not possible with the OCI runtime'

/** Resources that belong to one sandbox until it is gone. */
interface Taken {
  reach: WorkerConnection
  user: WorkerUser
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
