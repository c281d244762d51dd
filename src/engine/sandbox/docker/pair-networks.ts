import { randomInt } from 'node:crypto'
import type { DockerClient } from './docker-client.ts'

/** A network of one worker and the server. */
export interface PairNetwork {
  name: string
  /** Address of the server on it. */
  serverAddress: string
}

/**
 * For a server that is a container itself: it reaches a worker, and the worker it, over a network of the two alone, because on the
 * functions' network containers do not reach each other. They lead nowhere else, and are used again by the next worker.
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

  /** The worker is gone. */
  giveBack(network: PairNetwork): void {
    this.#free.push(network)
  }

  /** Those of an earlier run are removed with what that left behind. */
  async removeLeftovers(): Promise<void> {
    const names = await this.#docker.networksLabelled(pairLabel(this.#instance))
    await Promise.all(names.map((name) => this.#remove(name)))
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.splice(0).map(({ name }) => this.#remove(name)))
  }

  async #make(): Promise<PairNetwork> {
    const name = `taibai-${this.#instance}-pair-${++this.#lastNumber}`
    await this.#makeWhereFree(name, tries)
    try {
      await this.#docker.joinNetwork(name, this.#server)
      const network = { name, serverAddress: (await this.#docker.address(this.#server, name)) ?? '' }
      this.#all.push(network)
      return network
    } catch (error) {
      await this.#remove(name)
      throw error
    }
  }

  /**
   * Small ones, by our own choice: an engine has addresses for some thirty networks, and other installations want some too. The
   * engine's machine has no address there: it would be reached, with all that it serves, also by workers without a network.
   */
  async #makeWhereFree(name: string, triesLeft: number): Promise<void> {
    const Labels = { [pairLabelName]: this.#instance }
    const IPAM = { Config: [{ Subnet: this.#subnet() }] }
    const Options = { 'com.docker.network.bridge.inhibit_ipv4': 'true' }
    const options = { Name: name, Driver: 'bridge', Internal: true, EnableIPv6: false, Labels, Options, IPAM }
    await this.#docker.ensureNetwork(options).catch((error: unknown) => {
      if (triesLeft === 1 || !/overlap/i.test(String(error))) throw error
      return this.#makeWhereFree(name, triesLeft - 1)
    })
  }

  async #remove(name: string): Promise<void> {
    await this.#docker.leaveNetwork(name, this.#server).catch(() => {})
    await this.#docker.removeNetwork(name)
  }
}

/** How often another place is tried when one is taken. */
const tries = 20

/** Eight addresses of a block that nobody has on the internet (RFC 2544). */
export function pairSubnet(random: (below: number) => number = randomInt): string {
  const place = random(2 ** 14)
  return `198.${18 + (place >> 13)}.${(place >> 5) & 255}.${(place & 31) * 8}/29`
}

const pairLabelName = 'io.taibai.pair'
const pairLabel = (instance: string): string => `${pairLabelName}=${instance}`
