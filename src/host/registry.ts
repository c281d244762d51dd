import { defaultRegistry, registryOf } from '../domain/platform/registry.ts'
import type { EngineClient } from './engine-client.ts'
import type { Report } from './progress.ts'

/** Pulls from registries; each is asked until a pull from it has failed. */
export interface RegistryPulls {
  /** Returns whether the image exists now. A registry that failed is not asked again by this object. */
  pull(image: string, report: Report): Promise<boolean>
}

export function makeRegistries(pull: EngineClient['pull']): RegistryPulls {
  const silent = new Set<string>()
  return {
    async pull(image, report) {
      const registry = registryText(image)
      if (silent.has(registry)) return false
      report(`asking ${registry} for ${image}`)
      const pulled = await pull(image)
      if (!pulled) silent.add(registry)
      report(pulled ? `got ${image}` : `${registry} does not answer; a base is made on this machine instead`)
      return pulled
    },
  }
}

/** The host of the registry as shown: an image without a host comes from the engine's own default, which may be a mirror. */
export function registryText(image: string): string {
  const registry = registryOf(image)
  return registry === defaultRegistry ? 'the default image registry' : registry
}
