import { type Finding, ok, problem } from './finding.ts'

/** An engine's report about itself, as far as functions are affected. */
export interface EngineReport {
  /** `Docker`, `Podman`, or `processes` for the engine without isolation. */
  name: string
  version: string
  /** Newest version of its API; null: it has no API. */
  apiVersion: string | null
  /** Version of the kernel's control groups that it uses; null: unknown. */
  cgroupVersion: string | null
  isRootless: boolean
  storage: string | null
  /** Available OCI runtimes, such as `runc` and `runsc`. */
  ociRuntimes: string[]
  /** Proxies through which it reaches registries; empty: directly. */
  proxies: string[]
  /** Missing features with advice, and how functions' traffic is filtered. */
  findings: Finding[]
}

/** Why an engine is not to run functions: what it leaves open, and what to do; null: nothing stands against it. */
export function refusalOf({ name, version, findings }: EngineReport): string | null {
  const against = findings.filter(({ state }) => state === 'problem')
  if (against.length === 0) return null
  const sentences = against.map(({ says, remedy }) => `${says} ${remedy ?? ''}`.trim())
  return `${name} ${version} is not as safe as functions need it. ${sentences.join(' ')} TAIBAI_WEAK_ENGINE=accept starts with it anyway.`
}

/** Findings about an engine, including that it does not answer. */
export function engineFindings(engine: EngineReport | null): Finding[] {
  if (engine === null) {
    return [
      problem(
        'engine',
        'The engine does not answer: functions run only in workers that are warm already.',
        'Start it; functions run again by themselves.',
      ),
    ]
  }
  const api = engine.apiVersion === null ? '' : `, API ${engine.apiVersion}`
  const groups = engine.cgroupVersion === null ? '' : `, control groups ${engine.cgroupVersion}`
  const says = `${engine.name} ${engine.version}${api}${groups}${engine.isRootless ? ', without root' : ''}.`
  return [ok('engine', says), ...engine.findings]
}
