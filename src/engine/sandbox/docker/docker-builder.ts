import { setTimeout as pause } from 'node:timers/promises'
import { FaasError } from '../../../domain/errors.ts'
import type { Builder, BuilderRun } from '../../../domain/functions/build.ts'
import type { WorkerUsers } from '../container/worker-users.ts'
import { type BuilderImageOptions, BuilderImages } from './builder-image.ts'
import { type BuilderLimits, builderOptions, buildFolder, buildTooLarge, packageTar } from './builder-spec.ts'
import { type SizeFinding, sizeLook, watchSize } from './builder-watch.ts'
import type { ContainerDefaults } from './container-spec.ts'
import type { DockerClient } from './docker-client.ts'

export interface DockerBuilderOptions extends BuilderLimits, Omit<BuilderImageOptions, 'network'> {}

/** Interval of the measurements of what a build has written. */
const lookEveryMs = 2000

/**
 * Builds in a container of its own: a worker's sandbox with the network of builds and a writable volume. Files are copied in and
 * out through the engine's API, so server and engine need not share a disk.
 */
export class DockerBuilder implements Builder {
  #docker: DockerClient
  #images: BuilderImages
  #options: DockerBuilderOptions
  #defaults: () => ContainerDefaults
  /** Names of containers in use. */
  #names: Set<string>
  #users: WorkerUsers

  constructor(
    docker: DockerClient,
    options: DockerBuilderOptions,
    { defaults, names, users }: { defaults: () => ContainerDefaults; names: Set<string>; users: WorkerUsers },
  ) {
    this.#docker = docker
    this.#options = options
    this.#defaults = defaults
    this.#names = names
    this.#users = users
    this.#images = new BuilderImages(docker.images, { ...options, network: options.buildNetwork })
  }

  async run<T>(run: BuilderRun, take: (tar: AsyncIterable<Uint8Array>) => Promise<T>): Promise<T> {
    const image = await this.#images.ensure(run)
    const user = this.#users.take()
    const options = builderOptions(run, image, this.#defaults(), this.#options, user)
    const name = `build-${run.id}`
    this.#names.add(name)
    let container: string | undefined
    try {
      container = await this.#docker.containers.create(options)
      await this.#docker.containers.putFiles(container, buildFolder, packageTar(run, user, this.#options))
      await this.#follow(container, run)
      return await take(await this.#docker.containers.getFiles(container, `${buildFolder}/out/.`))
    } finally {
      if (container !== undefined) await this.#docker.containers.remove(container).catch(() => {})
      this.#names.delete(name)
      this.#users.release(user)
    }
  }

  /** Resolves when the build has ended successfully. */
  async #follow(container: string, { signal, onOutput }: BuilderRun): Promise<void> {
    const { buildTimeoutSeconds: seconds, buildMemoryMb, buildMaxMb } = this.#options
    const ended = new AbortController()
    const late = AbortSignal.timeout(seconds * 1000)
    const { ended: printed } = await this.#docker.containers.attach(container, (_stream, text) => onOutput(text))
    await this.#docker.containers.begin(container)
    const exit = this.#docker.containers.exitCode(container, AbortSignal.any([signal, late]))
    try {
      const size = this.#watchSize(container, ended.signal)
      const found = await Promise.race([exit, size]).catch((error: unknown) => {
        if (signal.aborted) throw signal.reason
        if (late.aborted) throw failed(`it took longer than ${seconds} s (TAIBAI_BUILD_TIMEOUT_SECONDS).`)
        throw error
      })
      if (found === 'too large') throw failed(buildTooLarge(buildMaxMb))
      if (found === 'hidden') throw failed('it made a folder that cannot be read.')
      if (found === 'unseen') throw failed('it hid how much it writes.')
      await Promise.race([printed, pause(lastOutputMs, undefined, { ref: false })])
      if (found === 0) return
      throw failed(buildEndText(found, await this.#docker.containers.hasRunOutOfMemory(container), buildMemoryMb))
    } finally {
      ended.abort()
      exit.catch(() => {})
    }
  }

  /** Resolves only when the build is too large or cannot be measured. */
  #watchSize(container: string, ended: AbortSignal): Promise<SizeFinding> {
    const command = ['/bin/sh', '-c', sizeLook(buildFolder, this.#options.buildMaxMb * 1024)]
    const wait = () => pause(lookEveryMs, undefined, { ref: false })
    return watchSize(() => this.#docker.containers.tryInside(container, command), wait, ended)
  }
}

/** `ranOut`: the engine reports a kill for memory; without that report, someone else may have killed the build. */
export function buildEndText(code: number, ranOut: boolean, memoryMb: number): string {
  if (ranOut) return `it needed more memory than ${memoryMb} MiB (TAIBAI_BUILD_MEMORY_MB).`
  if (code !== killedCode) return `it ended with code ${code}.`
  return `it was killed (code ${code}), and the engine does not name its memory as the reason: this machine may be short of memory.`
}

/** 128 plus the number of SIGKILL. */
const killedCode = 137

const failed = (why: string): FaasError => new FaasError('build_failed', why)

/** How long to wait for the last output of an ended build. */
const lastOutputMs = 2000
