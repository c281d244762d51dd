import { type Finding, ok, problem } from './finding.ts'

/** What an engine says of itself, as far as it matters to functions. */
export interface EngineReport {
  /** `Docker`, `Podman`, or `processes` for the engine that isolates nothing. */
  name: string
  version: string
  /** Newest version of its API; null: it has none. */
  apiVersion: string | null
  /** Version of the kernel's control groups that it uses; null: it does not say. */
  cgroupVersion: string | null
  isRootless: boolean
  storage: string | null
  /** OCI runtimes that can be asked for, such as `runc` and `runsc`. */
  ociRuntimes: string[]
  /** Through which it reaches registries; empty: directly. */
  proxies: string[]
  /** What it cannot do and what to do about that, and how it filters what functions do. */
  findings: Finding[]
}

/** Findings about an engine that answered, or did not. */
export function engineFindings(engine: EngineReport | null): Finding[] {
  if (engine === null) {
    return [
      problem(
        'engine',
        'The engine does not answer: only workers that are warm go on.',
        'Start it; functions run again by themselves.',
      ),
    ]
  }
  const api = engine.apiVersion === null ? '' : `, API ${engine.apiVersion}`
  const groups = engine.cgroupVersion === null ? '' : `, control groups ${engine.cgroupVersion}`
  const says = `${engine.name} ${engine.version}${api}${groups}${engine.isRootless ? ', without root' : ''}.`
  return [ok('engine', says), ...engine.findings]
}
