import type { Container } from 'dockerode'
import { FaasError } from '../../domain/errors.ts'
import type { Log } from '../../domain/log.ts'
import type { CommandResult, Exit, OnOutput, SandboxEngine, SandboxSpec } from '../sandbox.ts'
import { type ContainerDefaults, containerOptions, folderInside, instanceLabel } from './container-spec.ts'
import { type ContainerEvent, connectDocker, type DockerClient } from './docker-client.ts'
import { DockerSandbox } from './docker-sandbox.ts'
import { ensureEgressNetwork } from './egress-network.ts'

export interface DockerEngineOptions extends Omit<ContainerDefaults, 'user' | 'egressNetwork'> {
  /** Address of the engine; undefined: the local socket. */
  host: string | undefined
  /** User of the processes inside when the server is root; else they run as the server's own user. */
  workerUid: number
}

/** Sandboxes as containers of a Docker engine. */
export class DockerEngine implements SandboxEngine {
  readonly isolatesFiles = true
  readonly owner: { uid: number; gid: number } | null
  #docker: DockerClient
  #defaults: ContainerDefaults
  #log: Log
  #sandboxes = new Map<string, DockerSandbox>()
  #stopEvents: () => void = () => {}
  #closed = false

  private constructor(docker: DockerClient, defaults: ContainerDefaults, owner: DockerEngine['owner'], log: Log) {
    this.#docker = docker
    this.#defaults = defaults
    this.owner = owner
    this.#log = log
  }

  static async connect(options: DockerEngineOptions, log: Log): Promise<DockerEngine> {
    const docker = await connectDocker(options.host)
    const owner = process.getuid?.() === 0 ? { uid: options.workerUid, gid: options.workerUid } : null
    const user = owner === null ? `${process.getuid?.()}:${process.getgid?.()}` : `${owner.uid}:${owner.gid}`
    const egressNetwork = await ensureEgressNetwork(docker, options.instance)
    const engine = new DockerEngine(docker, { ...options, user, egressNetwork }, owner, log)
    await engine.#followEvents()
    log.info({ version: docker.version, user }, 'docker engine connected')
    return engine
  }

  inside(_folder: string): string {
    return folderInside
  }

  async start(spec: SandboxSpec, onOutput?: OnOutput): Promise<DockerSandbox> {
    const container = await this.#docker.create(containerOptions(spec, this.#defaults))
    if (onOutput !== undefined) await this.#docker.attach(container, onOutput)
    return this.#begin(container, spec)
  }

  async runToEnd(
    spec: SandboxSpec & { args: string[]; timeoutMs: number; signal?: AbortSignal },
    onOutput: OnOutput,
  ): Promise<CommandResult> {
    const options = containerOptions(spec, this.#defaults)
    if (spec.args.length > 0) options.Cmd = spec.args
    const container = await this.#docker.create({ ...options, AttachStdout: true, AttachStderr: true })
    await this.#docker.attach(container, onOutput)
    const sandbox = await this.#begin(container, spec)
    return waitToEnd(sandbox, spec.timeoutMs)
  }

  async prepareImage(image: string): Promise<void> {
    if (!(await this.#docker.hasImage(image))) await this.#docker.pull(image)
  }

  async removeLeftovers(): Promise<number> {
    const left = await this.#docker.labelled(instanceLabel(this.#defaults.instance))
    await Promise.all(left.map(({ container }) => this.#docker.remove(container)))
    return left.length
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#sandboxes.values()].map((sandbox) => sandbox.kill()))
    this.#stopEvents()
  }

  /** Known before it starts: an early end must find it. */
  async #begin(container: Container, spec: SandboxSpec): Promise<DockerSandbox> {
    const sandbox = new DockerSandbox(container, spec, this.#docker)
    this.#sandboxes.set(container.id, sandbox)
    void sandbox.exited.then(() => this.#sandboxes.delete(container.id))
    try {
      await container.start()
      return sandbox
    } catch (cause) {
      sandbox.ended({ code: null, memoryExceeded: false })
      await this.#docker.remove(container)
      throw new FaasError('engine_failed', 'The Docker engine could not start a container.', { cause })
    }
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
    if (event.action === 'die') sandbox.ended(exitOf(event))
  }

  /** The stream of events broke: the engine restarted, or went away. What ended meanwhile is asked for. */
  #reconnect(): void {
    if (this.#closed) return
    this.#log.warn({}, 'lost the docker engine; trying again')
    const again = async () => {
      await this.#followEvents()
      await Promise.all([...this.#sandboxes.values()].map((sandbox) => sandbox.check()))
    }
    setTimeout(() => again().catch(() => this.#reconnect()), 1000).unref()
  }
}

/** 137 is a kill: when we did not ask for it, it was the kernel, for memory. */
function exitOf(event: ContainerEvent): Exit {
  const code = Number(event.attributes.exitCode)
  return { code: Number.isInteger(code) ? code : null, memoryExceeded: code === 137 }
}

async function waitToEnd(sandbox: DockerSandbox, timeoutMs: number): Promise<CommandResult> {
  let timedOut = false
  const timer = setTimeout(() => {
    timedOut = true
    void sandbox.kill()
  }, timeoutMs)
  const exit = await sandbox.exited
  clearTimeout(timer)
  return { exit, timedOut }
}
