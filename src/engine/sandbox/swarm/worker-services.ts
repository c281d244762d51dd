import { FaasError } from '../../../domain/errors.ts'
import type { WorkerUser } from '../container/worker-users.ts'
import type { SandboxSpec } from '../sandbox.ts'
import { imageServiceOptions } from './image-task.ts'
import type { Scrap } from './scraps.ts'
import type { Removable, SwarmClient } from './swarm-client.ts'
import { labelsOf, nameOf, serviceOptions, type TaskDefaults, type TaskParts } from './task-spec.ts'

/** Creates the service of each worker, with what it needs: a network, a secret, its image. */
export class WorkerServices {
  #swarm: SwarmClient
  #defaults: TaskDefaults
  #pull: (image: string) => Promise<void>
  /** Networks of running workers, by name: an image joins that of its helper. */
  #networks = new Map<string, string>()

  /** `defaults`: as they are when a service is created. */
  constructor(swarm: SwarmClient, defaults: TaskDefaults, pull: ((image: string) => Promise<void>) | undefined) {
    this.#swarm = swarm
    this.#defaults = defaults
    this.#pull = pull ?? notFetched
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
    const imageId = await this.#imageId(spec)
    const shared = this.#networks.get(spec.beside ?? '')
    const [networkId, secretId] = await allOrNone([
      shared === undefined
        ? made('networks', this.#swarm.makeNetwork(name, labels, spec.network === 'none'))
        : Promise.resolve(shared),
      spec.key === undefined ? Promise.resolve('') : made('secrets', this.#swarm.keepSecret(name, spec.key, labels)),
    ])
    const parts: TaskParts = { imageId, networkId, secret: { id: secretId, name }, user }
    const options = spec.key === undefined ? imageServiceOptions : serviceOptions
    const serviceId = await this.#swarm.makeService(options(spec, this.#defaults, parts)).catch((error: unknown) => {
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
    if ((await this.#swarm.imageId(image)) === undefined) await this.#pull(image)
  }

  /** Images of runtimes are on every node; a function's own may come from its registry. */
  async #imageId({ image, key }: SandboxSpec): Promise<string> {
    const isOwn = key === undefined
    const there = await this.#swarm.imageId(image, isOwn)
    if (there !== undefined) return there
    if (isOwn) await this.#pull(image)
    const id = isOwn ? await this.#swarm.imageId(image, true) : undefined
    return id ?? notFetched(image)
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
