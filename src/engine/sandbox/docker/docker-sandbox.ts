import { FaasError } from '../../../domain/errors.ts'
import { pause } from '../container/pause.ts'
import type { Exit, Listener, OutputMarker, Sandbox, SandboxLimits } from '../sandbox.ts'
import type { ContainerClient } from './container-client.ts'
import { resources } from './container-spec.ts'
import type { ControlGroup, ControlGroups } from './control-groups.ts'
import { listenersOf } from './listeners.ts'
import { openOutputMarker } from './output-marker.ts'

/** One container. It learns of its end from the engine's events; the container removes itself. */
export class DockerSandbox implements Sandbox {
  readonly name: string
  readonly exited: Promise<Exit>
  /** Resolves when the container is removed. */
  readonly removed: Promise<void>
  readonly printed: Promise<void>
  /** Id of the container. */
  #container: string
  #containers: ContainerClient
  #network: string | undefined
  #engineIsUp: () => boolean
  #resolveExit: (exit: Exit) => void = () => {}
  #resolveRemoved: () => void = () => {}
  #resolvePrinted: (output: Promise<void>) => void = () => {}
  /** The reported end. */
  #end: { code: number | null; isSeen: boolean } = { code: null, isSeen: false }
  #memoryExceeded = false
  #killAsked = false
  #wasKilled = false
  /** `by-engine`: the engine knows of the pause and has to end it. */
  #paused: 'no' | 'frozen' | 'by-engine' = 'no'
  #groups: ControlGroups | undefined
  /** The last reading. */
  #cpuMs: number | null = null
  #state: 'running' | 'ended' | 'removed' = 'running'

  /** `network`: the one on which the server reaches the container; undefined: its only one. */
  constructor(
    container: string,
    name: string,
    containers: ContainerClient,
    engineIsUp: () => boolean,
    { network, groups }: { network?: string | undefined; groups?: ControlGroups } = {},
  ) {
    this.#network = network
    this.#groups = groups
    this.name = name
    this.#engineIsUp = engineIsUp
    this.#container = container
    this.#containers = containers
    this.exited = new Promise((resolve) => {
      this.#resolveExit = resolve
    })
    this.removed = new Promise((resolve) => {
      this.#resolveRemoved = resolve
    })
    const output = new Promise<void>((resolve) => {
      this.#resolvePrinted = resolve
    })
    this.printed = this.exited.then(() => Promise.race([output, pause(lastOutputMs)]))
  }

  get isLost(): boolean {
    return !this.#engineIsUp()
  }

  /** `output` resolves when the engine has delivered all output. */
  noteOutput(output: Promise<void>): void {
    this.#resolvePrinted(output)
  }

  noteMemoryExceeded(): void {
    this.#memoryExceeded = true
    if (this.#state !== 'running') this.#tellExit()
  }

  /** Somebody sent a signal to the container: we, or another client of the engine. */
  noteKill(): void {
    this.#wasKilled = true
    if (this.#state !== 'running') this.#tellExit()
  }

  /** `code`: null when unknown. `isSeen`: the engine reported the end when it happened. */
  noteEnded(code: number | null, isSeen = true): void {
    if (this.#state !== 'running') return
    this.#state = 'ended'
    this.#end = { code, isSeen }
    const isExplained = this.#memoryExceeded || this.#wasKilled || this.#killAsked
    // The engine may report who sent the kill a moment later, but not after it reported the container's removal.
    if (code === killedCode && isSeen && !isExplained) setTimeout(() => this.#tellExit(), lastWordMs).unref()
    else this.#tellExit()
  }

  noteRemoved(): void {
    this.noteEnded(null, false)
    this.#tellExit()
    this.#state = 'removed'
    this.#resolveRemoved()
  }

  /** Asks the engine whether the container still runs; no answer changes nothing. */
  async check(): Promise<void> {
    const state = await this.#containers.state(this.#container)
    if (state === null) return this.noteRemoved()
    if (state === 'unknown' || state.Running || state.Status === 'created') return
    if (state.OOMKilled) this.noteMemoryExceeded()
    this.noteEnded(state.ExitCode, false)
  }

  limit(limits: SandboxLimits): Promise<void> {
    return this.#containers.change(this.#container, 'update', resources(limits))
  }

  /** Writes to the kernel's freezer where this process may, which takes no request to the engine. */
  async pause(): Promise<void> {
    const freezer = this.#group?.freezer
    const isFrozen = freezer !== undefined && (await didIt(freezer.freeze()))
    this.#paused = isFrozen ? 'frozen' : 'by-engine'
    if (!isFrozen) await this.#containers.change(this.#container, 'pause')
  }

  async resume(): Promise<void> {
    const before = this.#paused
    this.#paused = 'no'
    if (before !== 'frozen') return this.#containers.change(this.#container, 'unpause')
    await this.#group?.freezer?.thaw().catch((cause: unknown) => {
      throw new FaasError('engine_failed', `Container ${this.name} could not be resumed.`, { cause })
    })
  }

  async cpuMs(): Promise<number | null> {
    const now = this.#state === 'running' ? await this.#group?.cpuMs() : null
    this.#cpuMs = now ?? this.#cpuMs
    return this.#cpuMs
  }

  /** Asks the engine where its groups cannot be read. */
  async memoryUsedBytes(): Promise<number | null> {
    if (this.#state !== 'running') return null
    return (await this.#group?.memoryUsedBytes()) ?? (await this.#containers.memoryUsedBytes(this.#container))
  }

  get #group(): ControlGroup | null {
    return this.#groups?.of(this.#container) ?? null
  }

  async stop(graceMs: number): Promise<void> {
    this.#killAsked = true
    await this.cpuMs()
    // A paused process does not receive SIGTERM.
    if (this.#paused !== 'no') await this.resume().catch(() => {})
    const asked =
      this.#state === 'running' && (await this.#containers.kill(this.#container, 'SIGTERM').catch(() => false))
    if (asked) await Promise.race([this.exited, pause(graceMs)])
    await this.kill()
  }

  /** Never rejects: it retries until the engine has removed the container. */
  async kill(): Promise<void> {
    this.#killAsked = true
    await this.cpuMs()
    // The engine does not know that it is frozen, and version 1 of control groups delivers no signal to a frozen process.
    if (this.#paused === 'frozen') await this.resume().catch(() => {})
    while (!this.#isRemoved) {
      const asked = await this.#askForEnd().then(
        () => true,
        () => false,
      )
      await Promise.race([this.removed, pause(asked ? removalMs : 1000)])
      if (!this.#isRemoved) await this.check()
    }
  }

  async listeners(): Promise<Listener[] | null> {
    const state = await this.#containers.state(this.#container)
    return typeof state === 'object' && state !== null ? listenersOf(state.Pid ?? 0) : null
  }

  async outputMarker(): Promise<OutputMarker | null> {
    const state = await this.#containers.state(this.#container)
    if (typeof state !== 'object' || state === null || this.#state !== 'running') return null
    const marker = openOutputMarker(state.Pid ?? 0, this.#container)
    if (marker !== null) void this.exited.then(() => marker.close())
    return marker
  }

  async address(port: number): Promise<{ host: string; port: number }> {
    const host = await this.#containers.address(this.#container, this.#network)
    if (host === undefined) {
      throw new FaasError('engine_failed', `Container ${this.name} has no address: an http image needs a network.`)
    }
    return { host, port }
  }

  /** Takes effect once; later calls change nothing. */
  #tellExit(): void {
    const { code, isSeen } = this.#end
    if (this.#killAsked) return this.#resolveExit({ code, memoryExceeded: this.#memoryExceeded })
    const isUnseenKill = !isSeen && !this.#memoryExceeded && (code === killedCode || code === null)
    if (this.#wasKilled || isUnseenKill) this.#resolveExit({ code, memoryExceeded: false, fromOutside: true })
    else this.#resolveExit({ code, memoryExceeded: this.#memoryExceeded })
  }

  get #isRemoved(): boolean {
    return this.#state === 'removed'
  }

  /** The container removes itself when it has ended; a second removal does no harm. */
  async #askForEnd(): Promise<void> {
    if (this.#state === 'running') {
      if (!(await this.#containers.kill(this.#container))) await this.check()
    } else if (await this.#isLate()) {
      await this.#containers.remove(this.#container)
      await this.check()
    }
  }

  async #isLate(): Promise<boolean> {
    await Promise.race([this.removed, pause(removalMs)])
    return !this.#isRemoved
  }
}

/** How long the engine may take to remove an ended container before it is asked to. */
const removalMs = 2000

/** How long the engine may take to report a kill for memory or a signal. */
const lastWordMs = 1000

const didIt = (act: Promise<void>): Promise<boolean> =>
  act.then(
    () => true,
    () => false,
  )

const killedCode = 137

/** How long to wait for the last output of an ended container. */
const lastOutputMs = 2000
