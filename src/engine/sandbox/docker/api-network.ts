import { FaasError } from '../../../domain/errors.ts'
import type { Log } from '../../../domain/log.ts'
import { apiUrl } from '../container/inside.ts'
import type { ApiDoor } from '../sandbox.ts'
import type { DockerClient } from './docker-client.ts'
import { EgressNetwork, type EgressOptions } from './egress-network.ts'

/**
 * The network of functions that may call the API: as the one of all others, on a bridge of its own from where this one port of
 * this server is reached as well. Made when the first of them is started.
 */
export class ApiNetwork {
  readonly name: string
  /** Address of the server there. */
  readonly address: string
  readonly url: string
  #network: EgressNetwork

  private constructor(network: EgressNetwork, address: string, port: number) {
    this.name = network.name
    this.address = address
    this.url = apiUrl(port)
    this.#network = network
  }

  /** `linkPort`: where workers call the server for their own life, if they do. */
  static async make(
    docker: DockerClient,
    options: EgressOptions,
    door: ApiDoor,
    linkPort: number | null,
    log: Log,
  ): Promise<ApiNetwork> {
    const network = await EgressNetwork.makeForApi(docker, options, log)
    const { gateway, subnet } = await docker.addressesOf(network.name)
    const port = await door.listen(gateway, subnet).catch((cause: unknown) => {
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
  `Functions with "api" find no way to this server: it cannot listen at ${address}, the engine's end of their network. ` +
  'Let the server run on the machine of its engine.'
