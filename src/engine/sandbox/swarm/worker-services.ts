import { FaasError } from '../../../domain/errors.ts'
import type { RegistrySecret } from '../../../domain/platform/registry.ts'
import type { WorkerUser } from '../container/worker-users.ts'
import type { SandboxSpec } from '../sandbox.ts'
import { imageServiceOptions } from './image-task.ts'
import type { NodeImage } from './node-image.ts'
import type { Scrap } from './scraps.ts'
import type { Removable, SwarmClient } from './swarm-client.ts'
import type { SwarmEngineOptions } from './swarm-options.ts'
import { labelsOf, nameOf, serviceOptions, type TaskDefaults, type TaskParts } from './task-spec.ts'

/** Creates the service of each worker, with what it needs: a network, a secret, its image. */
export class WorkerServices {
  #swarm: SwarmClient
  #defaults: TaskDefaults
  #pull: (image: string) => Promise<void>
  #credentials: (image: string) => RegistrySecret | null
  /** Networks of running workers, by name: an image joins that of its helper. */
  #networks = new Map<string, string>()

  /** `defaults`: as they are when a service is created. */
  constructor(
    swarm: SwarmClient,
    defaults: TaskDefaults,
    { pull = notFetched, credentials = () => null }: Pick<SwarmEngineOptions, 'pull' | 'credentials'>,
  ) {
    this.#swarm = swarm
    this.#defaults = defaults
    this.#pull = pull
    this.#credentials = credentials
  }

  /** Returns its id. What was created is in `own`, also when this rejects. */
  async make(spec: SandboxSpec, user: WorkerUser, own: Scrap[]): Promise<string> {
    const { instance } = this.#defaults
    const [name, labels] = [nameOf(instance, spec.name), labelsOf(instance, spec.name)]
    const made = async (what: Removable, making: Promise<string>): Promise<string> => {
      const id = await making
      own.push({ what, id })
      return id
    }
    const image = await this.#nodeImage(spec)
    const shared = this.#networks.get(spec.beside ?? '')
    const [networkId, secretId] = await allOrNone([
      shared === undefined
        ? made('networks', this.#swarm.makeNetwork(name, labels, spec.network === 'none'))
        : Promise.resolve(shared),
      spec.key === undefined ? Promise.resolve('') : made('secrets', this.#swarm.keepSecret(name, spec.key, labels)),
    ])
    const parts: TaskParts = { image: image.reference, networkId, secret: { id: secretId, name }, user }
    const options = spec.key === undefined ? imageServiceOptions : serviceOptions
    const login = image.isFetched ? this.#credentials(spec.image) : null
    const making = this.#swarm.makeService(options(spec, this.#defaults, parts), login)
    const serviceId = await making.catch((error: unknown) => {
      // The service may exist: perhaps only the response was lost.
      own.push({ what: 'services', id: name })
      throw error
    })
    if (spec.key !== undefined) this.#networks.set(spec.name, networkId)
    return serviceId
  }

  /** The worker has ended. */
  forget(worker: string): void {
    this.#networks.delete(worker)
  }

  /** The manager's engine fetches the image; each node does when it gets a task, where the image has a registry. */
  async prepareImage(image: string): Promise<void> {
    if ((await this.#swarm.nodeImage(image)) === undefined) await this.#pull(image)
  }

  /** An image of a runtime has been prepared; a function's own may have to be fetched. */
  async #nodeImage({ image, key }: SandboxSpec): Promise<NodeImage> {
    const isOfFunction = key === undefined
    const there = await this.#swarm.nodeImage(image, isOfFunction)
    if (there !== undefined) return there
    if (!isOfFunction) return notFetched(image)
    await this.#pull(image)
    return (await this.#swarm.nodeImage(image, true)) ?? notFetched(image)
  }
}

async function notFetched(image: string): Promise<never> {
  throw new FaasError('engine_failed', `The image ${image} is not on the swarm's manager; build or pull it there.`)
}

/** Like `Promise.all`, but when it rejects no promise is still pending. */
async function allOrNone<T extends readonly unknown[]>(promises: [...{ [K in keyof T]: Promise<T[K]> }]): Promise<T> {
  await Promise.allSettled(promises)
  return (await Promise.all(promises)) as unknown as T
}
