// Pulls images, and finds out once per run and registry whether anybody answers.
import { docker } from './docker-cli.ts'
import type { Report } from './progress.ts'

/** A registry that has not named the image by then is treated as absent. */
const ANSWER_LIMIT_MS = 15_000
const PULL_LIMIT_MS = 10 * 60_000

export interface Registries {
  /** Whether the image is here now. A registry that failed is not asked again by this object. */
  pull(image: string, report: Report): Promise<boolean>
}

export function createRegistries(pull: typeof pullImage = pullImage): Registries {
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

/** The first part of a reference is a host when it looks like one; otherwise the engine's default is meant. */
export function registryOf(image: string): string {
  const [first = '', ...rest] = image.split('/')
  const isHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost')
  return isHost ? first : 'the default image registry'
}

/** Gives up early on silence, but lets a slow download finish: the first line comes with the registry's answer. */
async function pullImage(image: string): Promise<boolean> {
  const controller = new AbortController()
  const silence = setTimeout(() => controller.abort(), ANSWER_LIMIT_MS)
  const onOutput = () => clearTimeout(silence)
  try {
    return (await docker(['pull', image], { timeoutMs: PULL_LIMIT_MS, signal: controller.signal, onOutput })).code === 0
  } finally {
    clearTimeout(silence)
  }
}
