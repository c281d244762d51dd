import { invalid } from '../../domain/errors.ts'

export interface SandboxesParts {
  /** The operator's list of OCI runtimes that functions may request. */
  allowed: readonly string[]
  /** The engine's OCI runtimes. Rejects when the engine does not answer. */
  ofEngine(): Promise<readonly string[]>
}

/** The OCI runtimes that a function may request: allowed by the operator and present in the engine. */
export class Sandboxes {
  #parts: SandboxesParts

  constructor(parts: SandboxesParts) {
    this.#parts = parts
  }

  /** Throws FaasError `invalid_request`. Null and undefined request none. */
  async check(name: string | null | undefined): Promise<void> {
    if (name === null || name === undefined) return
    const { allowed } = this.#parts
    const quoted = JSON.stringify(name.slice(0, 100))
    if (!allowed.includes(name)) {
      const which = allowed.length === 0 ? 'allows none' : `allows ${allowed.join(', ')}`
      throw invalid(`"sandbox" is ${quoted}, and the operator ${which} (TAIBAI_SANDBOXES).`)
    }
    const there = await this.#parts.ofEngine()
    if (there.includes(name)) return
    const has = there.length === 0 ? 'none to choose from' : there.join(', ')
    throw invalid(
      `"sandbox" is ${quoted}, and the engine has no such OCI runtime: it has ${has}. Install it and name it in the engine's configuration ("runtimes" in daemon.json).`,
    )
  }
}
