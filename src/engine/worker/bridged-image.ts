import { FaasError } from '../../domain/errors.ts'
import { bridgeHelperBytes } from '../../domain/functions/revision.ts'
import type { RuntimeManifest } from '../../domain/functions/runtime.ts'
import type { Exit, OnOutput, Sandbox, SandboxEngine, SandboxLimits, SandboxSpec } from '../sandbox/sandbox.ts'
import type { Bridge } from './bridge.ts'
import type { WorkerLinks } from './link.ts'

/** Everything that is said to the image passes through it. */
const helperLimits: SandboxLimits = { memoryBytes: bridgeHelperBytes, cpuMillicpu: 250, cpuMaxMillicpu: null }
/** Runtime whose image the helper runs. */
const helperRuntime = 'nodejs'

export interface BridgeParts {
  engine: SandboxEngine
  links: WorkerLinks
  manifests: RuntimeManifest[]
  newName: () => string
}

/** Starts an image that listens on a port of a machine that the server cannot reach, with a helper beside it that leads there. */
export async function startBridged(
  { engine, links, manifests, newName }: BridgeParts,
  spec: SandboxSpec,
  port: number,
  onOutput: OnOutput,
): Promise<Sandbox> {
  const manifest = manifests.find(({ name }) => name === helperRuntime)
  const name = newName()
  const bridge = links.bridge?.(name)
  if (manifest === undefined || bridge === undefined)
    throw new FaasError('not_supported', `Images of functions need the runtime ${helperRuntime} on this engine.`)
  const started: Sandbox[] = []
  try {
    const { machine, network } = spec
    const closed = { network, trusted: true, sandbox: null, tmpSizeBytes: null, reachesApi: false, folder: null }
    const env = { TAIBAI_BRIDGE: `${engine.nameBeside}:${port}` }
    const { image, command } = manifest
    started.push(
      await engine.start({ name, image, command, env, key: bridge.key, machine, ...closed, ...helperLimits }),
    )
    started.push(await engine.start({ ...spec, beside: name }, onOutput))
    return new BridgedImage(started[1] as Sandbox, started[0] as Sandbox, bridge)
  } catch (error) {
    bridge.close()
    await Promise.all(started.map((one) => one.kill()))
    throw error
  }
}

/** An image and its helper, which end together. */
export class BridgedImage implements Sandbox {
  readonly name: string
  readonly machine: string | undefined
  readonly exited: Promise<Exit>
  readonly printed?: Promise<void>
  #image: Sandbox
  #helper: Sandbox
  #bridge: Bridge

  constructor(image: Sandbox, helper: Sandbox, bridge: Bridge) {
    this.name = image.name
    this.machine = image.machine
    this.#image = image
    this.#helper = helper
    this.#bridge = bridge
    if (image.printed !== undefined) this.printed = image.printed
    const helperLost = helper.exited.then(() => ({ code: null, memoryExceeded: false, fromOutside: true }))
    this.exited = Promise.race([image.exited, helperLost])
    void this.exited.then(() => this.kill())
  }

  get isLost(): boolean {
    return this.#image.isLost ?? false
  }

  limit(limits: SandboxLimits): Promise<void> {
    return this.#image.limit(limits)
  }

  pause(): Promise<void> {
    return this.#image.pause()
  }

  resume(): Promise<void> {
    return this.#image.resume()
  }

  async kill(): Promise<void> {
    await Promise.all([this.#image.kill(), this.#endHelper()])
  }

  async stop(graceMs: number): Promise<void> {
    await this.#image.stop(graceMs)
    await this.#endHelper()
  }

  async listeners(): Promise<null> {
    return null
  }

  connects(): Promise<boolean> {
    return this.#bridge.connects()
  }

  address(): Promise<{ host: string; port: number }> {
    return this.#bridge.address()
  }

  async #endHelper(): Promise<void> {
    this.#bridge.close()
    await this.#helper.kill()
  }
}
