import type { EngineClient } from './engine-client.ts'
import type { Report } from './progress.ts'

/** RegistryPulls; each is asked until a pull from it has failed. */
export interface RegistryPulls {
  /** Returns whether the image exists now. A registry that failed is not asked again by this object. */
  pull(image: string, report: Report): Promise<boolean>
}

export function makeRegistries(pull: EngineClient['pull']): RegistryPulls {
  const silent = new Set<string>()
  return {
    async pull(image, report) {
      const registry = registryOf(image)
      if (silent.has(registry)) return false
      report(`asking ${registry} for ${image}`)
      const pulled = await pull(image)
      if (!pulled) silent.add(registry)
      report(pulled ? `got ${image}` : `${registry} does not answer; a base is made on this machine instead`)
      return pulled
    },
  }
}

/** The first part of a reference is a host when it looks like one; otherwise the engine's default registry applies. */
export function registryOf(image: string): string {
  const [first = '', ...rest] = image.split('/')
  const isHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost')
  return isHost ? first : 'the default image registry'
}
