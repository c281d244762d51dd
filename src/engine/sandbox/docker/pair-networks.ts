import { randomInt } from 'node:crypto'
import type { DockerClient } from './docker-client.ts'

/** A network that one worker and the server share. */
export interface PairNetwork {
  name: string
  /** Address of the server on it. */
  serverAddress: string
}

/**
 * For a server that is itself a container: it and a worker reach each other over a network of the two alone, because containers
 * on the functions' network do not reach each other. These networks have no other route, and the next worker reuses them.
 */
export class PairNetworks {
  #docker: DockerClient
  #instance: string
  /** Id of the server's container. */
  #server: string
  #all: PairNetwork[] = []
  #free: PairNetwork[] = []
  #lastNumber = 0
  #subnet: () => string

  constructor(docker: DockerClient, instance: string, server: string, subnet: () => string = pairSubnet) {
    this.#subnet = subnet
    this.#docker = docker
    this.#instance = instance
    this.#server = server
  }

  async take(): Promise<PairNetwork> {
    return this.#free.pop() ?? (await this.#make())
  }

  /** Called when the worker is gone. */
  release(network: PairNetwork): void {
    this.#free.push(network)
  }

  /** Removes networks of an earlier run together with its containers. */
  async removeLeftovers(): Promise<void> {
    const names = await this.#docker.networks.labelled(pairLabel(this.#instance))
    await Promise.all(names.map((name) => this.#remove(name)))
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.splice(0).map(({ name }) => this.#remove(name)))
  }

  async #make(): Promise<PairNetwork> {
    const name = `taibai-${this.#instance}-pair-${++this.#lastNumber}`
    await this.#makeWhereFree(name, tries)
    try {
      await this.#docker.networks.join(name, this.#server)
      const network = { name, serverAddress: (await this.#docker.containers.address(this.#server, name)) ?? '' }
      this.#all.push(network)
      return network
    } catch (error) {
      await this.#remove(name)
      throw error
    }
  }

  /**
   * Subnets are small and chosen by us: an engine has addresses for about 30 networks, and other installations need some too. The
   * engine's machine gets no address on them: otherwise workers without egress could reach all its services.
   */
  async #makeWhereFree(name: string, triesLeft: number): Promise<void> {
    const Labels = { [pairLabelName]: this.#instance }
    const IPAM = { Config: [{ Subnet: this.#subnet() }] }
    const Options = { 'com.docker.network.bridge.inhibit_ipv4': 'true' }
    const options = { Name: name, Driver: 'bridge', Internal: true, EnableIPv6: false, Labels, Options, IPAM }
    await this.#docker.networks.ensure(options).catch((error: unknown) => {
      if (triesLeft === 1 || !/overlap/i.test(String(error))) throw error
      return this.#makeWhereFree(name, triesLeft - 1)
    })
  }

  async #remove(name: string): Promise<void> {
    await this.#docker.networks.leave(name, this.#server).catch(() => {})
    await this.#docker.networks.remove(name)
  }
}

/** Number of attempts with another subnet when one is taken. */
const tries = 20

/** Eight addresses from a block that the Internet does not use (RFC 2544). */
export function pairSubnet(random: (below: number) => number = randomInt): string {
  const place = random(2 ** 14)
  return `198.${18 + (place >> 13)}.${(place >> 5) & 255}.${(place & 31) * 8}/29`
}

const pairLabelName = 'io.taibai.pair'
const pairLabel = (instance: string): string => `${pairLabelName}=${instance}`
