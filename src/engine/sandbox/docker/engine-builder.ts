import type { Builder, BuilderRun } from '../../../domain/functions/build.ts'
import type { Log } from '../../../domain/runs/log.ts'
import { hasInit } from '../../api/engine-report.ts'
import { instanceLabel } from '../container/container-paths.ts'
import { seccompProfile } from '../container/seccomp-profile.ts'
import { WorkerUsers } from '../container/worker-users.ts'
import { DockerBuilder } from './docker-builder.ts'
import { connectDocker, type DockerClient } from './docker-client.ts'
import type { DockerEngineOptions } from './docker-connection.ts'
import { EgressNetwork, networkName } from './egress-network.ts'

interface Opened {
  docker: DockerClient
  network: EgressNetwork
  builder: DockerBuilder
}

/**
 * Builds packages in ordinary containers of an engine that runs no workers of ours, such as a swarm's manager. It connects, and creates
 * the network of builds, at the first build.
 */
export class EngineBuilder implements Builder {
  #options: DockerEngineOptions
  #log: Log
  #opened: Promise<Opened> | undefined
  #names = new Set<string>()

  constructor(options: DockerEngineOptions, log: Log) {
    this.#options = options
    this.#log = log
  }

  async run<T>(run: BuilderRun, take: (tar: AsyncIterable<Uint8Array>) => Promise<T>): Promise<T> {
    this.#opened ??= this.#open()
    this.#opened.catch(() => {
      this.#opened = undefined
    })
    return (await this.#opened).builder.run(run, take)
  }

  /** Removes the containers and the network that an earlier run of this instance left behind. */
  async removeLeftovers(): Promise<void> {
    const docker = await connectDocker(this.#options.host)
    try {
      const left = await docker.containers.labelled(instanceLabel(this.#options.instance))
      await Promise.all(left.map(({ id }) => docker.containers.remove(id)))
      await docker.networks.remove(networkName(this.#options.instance))
    } finally {
      docker.close()
    }
  }

  async close(): Promise<void> {
    const opened = await this.#opened?.catch(() => undefined)
    if (opened === undefined) return
    await opened.network.remove().catch(() => {})
    opened.docker.close()
  }

  async #open(): Promise<Opened> {
    const { build, ...options } = this.#options
    if (build === undefined) throw new Error('There are no options of builds.')
    const docker = await connectDocker(options.host)
    try {
      const network = await EgressNetwork.make(docker, options, this.#log)
      const found = {
        egressNetwork: network.name,
        isApart: true,
        hasOwnerlessMemory: docker.isPodman,
        hasInit: hasInit(await docker.info()),
        seccomp: JSON.stringify(seccompProfile()),
      }
      const defaults = { ...options, ...found }
      const parts = { defaults: () => defaults, names: this.#names, users: new WorkerUsers(options.users) }
      return { docker, network, builder: new DockerBuilder(docker, build, parts) }
    } catch (error) {
      docker.close()
      throw error
    }
  }
}
