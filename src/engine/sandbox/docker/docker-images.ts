import type { Readable } from 'node:stream'
import { FaasError, invalid } from '../../../domain/errors.ts'
import type { EngineImage, EngineImages, ImageFolders } from '../../../domain/functions/image-use.ts'
import type { RegistrySecret } from '../../../domain/platform/registry.ts'
import { type EngineApi, EngineRefusal } from '../../api/engine-api.ts'
import { registryAddress } from '../../api/registry-header.ts'
import { askEngine } from './engine-answers.ts'

interface ListedImage {
  Id: string
  RepoTags: string[] | null
  Size: number
  Created: number
  Labels: Record<string, string> | null
}

const builtLabel = 'io.taibai.source'
/** Time limit of a login check at a registry. */
const loginMs = 20_000

/** The images of a Docker engine. */
export class DockerImages implements EngineImages, ImageFolders {
  #api: EngineApi
  #pull: (image: string) => Promise<void>
  #prepare: (image: string) => Promise<void>
  #labels: Record<string, string>

  /** `prepare` pulls only what is not there. `labels`: by which the next start finds containers that this one left. */
  constructor(
    api: EngineApi,
    pull: (image: string) => Promise<void>,
    prepare: (image: string) => Promise<void>,
    labels: Record<string, string>,
  ) {
    this.#prepare = prepare
    this.#api = api
    this.#pull = pull
    this.#labels = labels
  }

  async list(): Promise<EngineImage[]> {
    const found = await this.#api.ask<ListedImage[]>('GET', '/images/json').catch((cause: unknown) => {
      throw new FaasError('engine_failed', 'The Docker engine could not list its images.', { cause })
    })
    return found.map(asImage)
  }

  pull(image: string): Promise<void> {
    return this.#pull(image)
  }

  async remove(nameOrId: string): Promise<boolean> {
    return this.#api.ask('DELETE', `/images/${nameOrId}`).then(
      () => true,
      (cause: unknown) => {
        if (cause instanceof EngineRefusal && cause.status === 404) return true
        if (cause instanceof EngineRefusal && cause.status === 409) return false
        throw new FaasError('engine_failed', `The Docker engine could not remove the image ${nameOrId}.`, { cause })
      },
    )
  }

  async folder(image: string, path: string): Promise<{ env: Record<string, string>; tar: Readable }> {
    await this.#prepare(image)
    const { Config } = await askEngine('read an image', () =>
      this.#api.ask<{ Config: { Env?: string[] | null } }>('GET', `/images/${image}/json`),
    )
    const env = Object.fromEntries((Config.Env ?? []).map((one) => one.split(/=(.*)/s).slice(0, 2) as [string, string]))
    return { env, tar: await this.#takenOut(image, path) }
  }

  /** By a container that is never started, and goes with the stream. */
  async #takenOut(image: string, path: string): Promise<Readable> {
    const made = { Image: image, Cmd: ['-'], NetworkDisabled: true, Labels: this.#labels }
    const { Id } = await askEngine('create a container', () =>
      this.#api.ask<{ Id: string }>('POST', '/containers/create', {}, made),
    )
    const remove = () => void this.#api.ask('DELETE', `/containers/${Id}`, { force: '1', v: '1' }).catch(() => {})
    try {
      const tar = await this.#api.stream('GET', `/containers/${Id}/archive`, { path }, {})
      return tar.once('close', remove)
    } catch (cause) {
      remove()
      if (cause instanceof EngineRefusal && cause.status === 404)
        throw invalid(`The image ${image} has no folder ${path}.`)
      throw new FaasError('engine_failed', `The Docker engine could not take ${path} out of ${image}.`, { cause })
    }
  }

  /**
   * Whether the registry accepts the credentials; `unknown`: the engine cannot reach it. Throws FaasError `invalid_request` when
   * it refuses them.
   */
  async check({ registry, username, password }: RegistrySecret): Promise<'accepted' | 'unknown'> {
    const body = { username, password, serveraddress: registryAddress(registry) }
    try {
      await this.#api.ask('POST', '/auth', {}, body, loginMs)
      return 'accepted'
    } catch (cause) {
      const isNo =
        cause instanceof EngineRefusal && (cause.status === 401 || /unauthorized|incorrect/i.test(cause.message))
      if (!isNo) return 'unknown'
      throw new FaasError('invalid_request', `${registry} does not accept this user and password.`, { cause })
    }
  }
}

function asImage({ Id, RepoTags, Size, Created, Labels }: ListedImage): EngineImage {
  return {
    id: Id,
    names: (RepoTags ?? []).filter((name) => !name.startsWith('<none>')),
    sizeBytes: Size,
    createdAt: Created * 1000,
    isBuilt: Labels?.[builtLabel] !== undefined,
  }
}
