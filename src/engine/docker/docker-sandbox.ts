import type { Container } from 'dockerode'
import { FaasError } from '../../domain/errors.ts'
import type { Exit, Sandbox, SandboxLimits, SandboxSpec } from '../sandbox.ts'
import { resources } from './container-spec.ts'
import { type DockerClient, engineFailed } from './docker-client.ts'

/** One container. The engine tells it of its end, as the events say; the container removes itself. */
export class DockerSandbox implements Sandbox {
  readonly name: string
  readonly exited: Promise<Exit>
  #container: Container
  #docker: DockerClient
  #spec: SandboxSpec
  #resolveExit: (exit: Exit) => void = () => {}
  #memoryExceeded = false
  #killAsked = false
  #hasEnded = false

  constructor(container: Container, spec: SandboxSpec, docker: DockerClient) {
    this.name = spec.name
    this.#container = container
    this.#docker = docker
    this.#spec = spec
    this.exited = new Promise((resolve) => {
      this.#resolveExit = resolve
    })
  }

  noteMemoryExceeded(): void {
    this.#memoryExceeded = true
  }

  ended(exit: Exit): void {
    const memoryExceeded = this.#memoryExceeded || (exit.memoryExceeded && !this.#killAsked)
    this.#hasEnded = true
    this.#resolveExit({ code: exit.code, memoryExceeded })
  }

  /** Asks the engine whether it still runs; an engine that does not answer says nothing. */
  async check(): Promise<void> {
    const state = await this.#docker.state(this.#container)
    if (state === 'unknown' || state?.Running === true) return
    this.ended({ code: state?.ExitCode ?? null, memoryExceeded: state?.OOMKilled ?? false })
  }

  async limit(limits: SandboxLimits): Promise<void> {
    await this.#container.update(resources(limits)).catch((cause: unknown) => {
      throw engineFailed('The Docker engine could not change the limits of a container.', cause)
    })
  }

  async pause(): Promise<void> {
    await this.#container.pause().catch((cause: unknown) => {
      throw engineFailed('The Docker engine could not pause a container.', cause)
    })
  }

  async resume(): Promise<void> {
    await this.#container.unpause().catch((cause: unknown) => {
      throw engineFailed('The Docker engine could not resume a container.', cause)
    })
  }

  /** Never rejects: an engine that does not answer is asked again until the container is known to have ended. */
  async kill(): Promise<void> {
    this.#killAsked = true
    while (!this.#hasEnded) {
      const asked = await this.#docker.kill(this.#container).then(
        () => true,
        () => false,
      )
      await Promise.race([this.exited, pause(asked ? 5000 : 1000)])
      if (!this.#hasEnded) await this.check()
    }
  }

  async address(port: number): Promise<{ host: string; port: number }> {
    const { NetworkSettings } = await this.#container.inspect()
    const [network] = Object.values(NetworkSettings.Networks)
    if (!network?.IPAddress) {
      throw new FaasError(
        'engine_failed',
        `Container ${this.#spec.name} has no address: an http image needs a network.`,
      )
    }
    return { host: network.IPAddress, port }
  }
}

const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms).unref()
  })
