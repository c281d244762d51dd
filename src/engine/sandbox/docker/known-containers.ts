import { FaasError } from '../../../domain/errors.ts'
import type { Log } from '../../../domain/runs/log.ts'
import { instanceLabel } from '../container/container-paths.ts'
import type { OnOutput, SandboxSpec } from '../sandbox.ts'
import type { ContainerOptions } from './container-options.ts'
import { ControlGroups } from './control-groups.ts'
import type { ContainerEvent, DockerClient } from './docker-client.ts'
import { DockerSandbox } from './docker-sandbox.ts'

export interface KnownContainersParts {
  docker: DockerClient
  instance: string
  isUp(): boolean
  /** The engine went away and is back: called before the containers are looked after. */
  onBack(): Promise<void>
  log: Log
}

/** How a created container begins. */
export interface Begin {
  /** Network that the container shares with the server. */
  network: string | undefined
  onOutput: OnOutput | undefined
  /** Called before the start. */
  prepare(container: string): Promise<void>
}

/** The containers of this server that exist or are being created: they learn of their end from the engine's events. */
export class KnownContainers {
  #parts: KnownContainersParts
  #sandboxes = new Map<string, DockerSandbox>()
  /** Names of workers and of builds, beside those of the sandboxes: their containers are not removed as unknown. */
  readonly names = new Set<string>()
  #stopEvents: () => void = () => {}
  #groups = new ControlGroups()
  #closed = false

  constructor(parts: KnownContainersParts) {
    this.#parts = parts
  }

  async create(name: string, options: ContainerOptions): Promise<string> {
    if (this.#closed) throw new FaasError('shutting_down', 'The server is stopping; try again in a moment.')
    this.names.add(name)
    try {
      return await this.#parts.docker.containers.create(options)
    } catch (error) {
      this.names.delete(name)
      throw error
    }
  }

  /**
   * The sandbox is registered before it starts, so that an early end finds it. Output is attached before the start, so that none
   * is lost.
   */
  async begin(container: string, { name }: SandboxSpec, { network, onOutput, prepare }: Begin): Promise<DockerSandbox> {
    const { containers } = this.#parts.docker
    const shared = { network, groups: this.#groups }
    const sandbox = new DockerSandbox(container, name, containers, this.#parts.isUp, shared)
    this.#sandboxes.set(container, sandbox)
    void sandbox.removed.then(() => {
      this.#sandboxes.delete(container)
      this.names.delete(name)
    })
    try {
      await prepare(container)
      const attached = onOutput === undefined ? undefined : await containers.attach(container, onOutput)
      sandbox.noteOutput(attached?.ended ?? Promise.resolve())
      await containers.begin(container)
      if (this.#groups.isUnknown) void this.#lookForGroups(container)
      return sandbox
    } catch (error) {
      await containers.remove(container).catch(() => {})
      sandbox.noteRemoved()
      throw error
    }
  }

  async follow(): Promise<void> {
    this.#stopEvents = await this.#parts.docker.events(
      instanceLabel(this.#parts.instance),
      (event) => this.#note(event),
      () => this.#reconnect(),
    )
  }

  /** No container is created any more. */
  close(): void {
    this.#closed = true
  }

  async removeAll(): Promise<void> {
    await Promise.all([...this.#sandboxes.values()].map((sandbox) => sandbox.kill()))
  }

  stopFollowing(): void {
    this.#stopEvents()
  }

  /** Runs beside the start; nothing waits for it. */
  async #lookForGroups(container: string): Promise<void> {
    const state = await this.#parts.docker.containers.state(container)
    if (typeof state === 'object' && state !== null) this.#groups.learn(state.Pid ?? 0, container)
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
    const { containers } = this.#parts.docker
    const found = await containers.labelled(instanceLabel(this.#parts.instance))
    const unknown = found.filter(({ worker }) => !this.names.has(worker))
    await Promise.all(unknown.map(({ id }) => containers.remove(id)))
  }

  /** The event stream broke because the engine restarted or went away. Containers may have ended meanwhile and are checked. */
  #reconnect(): void {
    if (this.#closed) return
    this.#parts.log.warn({}, 'lost the docker engine; trying again')
    const again = async () => {
      if (this.#closed) return
      await this.follow()
      await this.#parts.onBack()
      await Promise.all([...this.#sandboxes.values()].map((sandbox) => sandbox.check()))
      // If this fails, the engine is away again, and the next reconnect retries it.
      await this.#removeUnknown().catch(() => {})
    }
    setTimeout(() => again().catch(() => this.#reconnect()), 1000).unref()
  }
}

function codeOf(event: ContainerEvent): number | null {
  const code = Number(event.attributes.exitCode)
  return Number.isInteger(code) ? code : null
}
