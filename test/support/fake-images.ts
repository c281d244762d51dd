import type { EngineImage, EngineImages, ImageFolders, PulledImages } from '../../src/domain/functions/image-use.ts'
import type { RegistryCredentials, RegistryLogin } from '../../src/domain/platform/registry.ts'

const mib = 1024 * 1024

export const anImage = (given: Partial<EngineImage> & { names: string[] }): EngineImage => ({
  id: `sha256:${given.names[0] ?? 'none'}`,
  sizeBytes: 100 * mib,
  createdAt: 0,
  isBuilt: false,
  ...given,
})

/** An engine's images, and the notes of which were fetched. */
export class FakeImages implements EngineImages, ImageFolders, PulledImages {
  all: EngineImage[] = []
  /** Names that a container uses. */
  held = new Set<string>()
  #pulled = new Set<string>()

  folder: ImageFolders['folder'] = () => Promise.reject(new Error('no test has said what is in an image'))

  async list(): Promise<EngineImage[]> {
    return this.all
  }

  async pull(image: string): Promise<void> {
    this.all.push(anImage({ names: [image] }))
  }

  async remove(nameOrId: string): Promise<boolean> {
    if (this.held.has(nameOrId)) return false
    this.all = this.all
      .map((image) => ({ ...image, names: image.names.filter((name) => name !== nameOrId) }))
      .filter(({ id, names }) => id !== nameOrId && names.length > 0)
    return true
  }

  names(): string[] {
    return [...this.#pulled]
  }

  note(name: string): void {
    this.#pulled.add(name)
  }

  forget(name: string): void {
    this.#pulled.delete(name)
  }
}

export function fakeLogins(): RegistryCredentials {
  const logins = new Map<string, { login: RegistryLogin; password: string }>()
  return {
    list: () => [...logins.values()].map(({ login }) => login),
    find: (registry) => {
      const found = logins.get(registry)
      return found === undefined ? null : { registry, username: found.login.username, password: found.password }
    },
    set: (login, password) => void logins.set(login.registry, { login, password }),
    remove: (registry) => logins.delete(registry),
  }
}
