import { FaasError } from '../../../domain/errors.ts'
import type { Log } from '../../../domain/runs/log.ts'
import { apiUrl } from '../container/container-paths.ts'
import type { ApiOpener } from '../sandbox.ts'
import type { DockerClient } from './docker-client.ts'
import { EgressNetwork, type EgressOptions } from './egress-network.ts'

/**
 * The network of functions that may call the API. It is like the egress network, but on a bridge of its own from which one port
 * of this server is reachable. It is created when the first such function starts.
 */
export class ApiNetwork {
  readonly name: string
  /** Address of the server on this network. */
  readonly address: string
  readonly url: string
  #network: EgressNetwork

  private constructor(network: EgressNetwork, address: string, port: number) {
    this.name = network.name
    this.address = address
    this.url = apiUrl(port)
    this.#network = network
  }

  /** `linkPort`: port of the worker link, if workers connect to the server. */
  static async make(
    docker: DockerClient,
    options: EgressOptions,
    opener: ApiOpener,
    linkPort: number | null,
    log: Log,
  ): Promise<ApiNetwork> {
    const network = await EgressNetwork.makeForApi(docker, options, log)
    const { gateway, subnet } = await docker.networks.addressesOf(network.name)
    const port = await opener.listen(gateway, subnet).catch((cause: unknown) => {
      throw new FaasError('not_supported', unreachable(gateway), { cause })
    })
    await network.openServer({ address: gateway, port })
    if (linkPort !== null) await network.open(linkPort)
    return new ApiNetwork(network, gateway, port)
  }

  guard(): Promise<void> {
    return this.#network.guard()
  }

  remove(): Promise<void> {
    return this.#network.remove()
  }
}

const unreachable = (address: string): string =>
  `Functions with "api" cannot reach this server: it cannot listen at ${address}, the engine's address in their network. ` +
  'Let the server run on the machine of its engine.'
