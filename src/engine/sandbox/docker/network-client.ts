import type { EngineApi } from '../../api/engine-api.ts'
import type { NetworkOptions } from './container-options.ts'
import { askEngine, engineFailed, engineStatusOf, errorTextOf } from './engine-answers.ts'

/** Networks of the engine, each named by its name. */
export class NetworkClient {
  #api: EngineApi

  constructor(api: EngineApi) {
    this.#api = api
  }

  async ensure(options: NetworkOptions): Promise<void> {
    const filters = JSON.stringify({ name: [options.Name] })
    const found = await askEngine('list networks', () =>
      this.#api.ask<{ Name: string }[]>('GET', '/networks', { filters }),
    )
    if (found.some((network) => network.Name === options.Name)) return
    await this.#api.ask('POST', '/networks/create', {}, options).catch((cause: unknown) => {
      if (engineStatusOf(cause) !== 409)
        throw engineFailed(
          `The Docker engine could not make the network of the functions: ${errorTextOf(cause)}`,
          cause,
        )
    })
  }

  /** Address of the engine's machine on the network; undefined: none. */
  async gatewayOf(network: string): Promise<string | undefined> {
    const { IPAM } = await askEngine('inspect a network', () =>
      this.#api.ask<{ IPAM?: { Config?: { Gateway?: string }[] } }>('GET', `/networks/${network}`),
    )
    return IPAM?.Config?.[0]?.Gateway?.split('/')[0] || undefined
  }

  /** Gateway and subnet of a bridge network. */
  async addressesOf(network: string): Promise<{ gateway: string; subnet: string }> {
    type Found = { IPAM?: { Config?: { Gateway?: string; Subnet?: string }[] } }
    const { IPAM } = await askEngine('inspect a network', () => this.#api.ask<Found>('GET', `/networks/${network}`))
    const { Gateway = '', Subnet = '' } = IPAM?.Config?.[0] ?? {}
    if (Gateway === '' || Subnet === '') throw engineFailed(`The network ${network} has no addresses.`, undefined)
    return { gateway: Gateway.split('/')[0] as string, subnet: Subnet }
  }

  async join(network: string, container: string): Promise<void> {
    await askEngine('connect a container to a network', () =>
      this.#api.ask('POST', `/networks/${network}/connect`, {}, { Container: container }),
    )
  }

  async leave(network: string, container: string): Promise<void> {
    await askEngine('disconnect a container from a network', () =>
      this.#api.ask('POST', `/networks/${network}/disconnect`, {}, { Container: container, Force: true }),
    )
  }

  async labelled(label: string): Promise<string[]> {
    const filters = JSON.stringify({ label: [label] })
    const found = await askEngine('list networks', () =>
      this.#api.ask<{ Name: string }[]>('GET', '/networks', { filters }),
    )
    return found.map(({ Name }) => Name)
  }

  /** Returns false when the network remains, because containers use it or the engine does not answer. */
  async remove(name: string): Promise<boolean> {
    return this.#api.ask('DELETE', `/networks/${name}`).then(
      () => true,
      (error: unknown) => engineStatusOf(error) === 404,
    )
  }
}
