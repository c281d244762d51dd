import { invalid } from '../../domain/errors.ts'
import type { Fn, ImageMode, Network } from '../../domain/functions/function.ts'
import { type Finding, warning } from '../../domain/platform/finding.ts'

/** Why the engine cannot run such a function; null: it can. */
export type EngineCheck = (wanted: {
  network: Network
  mode: ImageMode | null
  /** The image loads a package. */
  hasPackage: boolean
}) => string | null

type Wanted = Pick<Fn, 'network' | 'code' | 'packageHash'>

/** Functions that the server's engine cannot run: refused when they are deployed, and named where they were there before. */
export class EngineRefusals {
  #refusal: EngineCheck

  /** Undefined: the engine runs all. */
  constructor(refusal: EngineCheck = () => null) {
    this.#refusal = refusal
  }

  /** `bringsPackage`: one that is not stored yet. Throws FaasError `invalid_request`. */
  check(fn: Wanted, bringsPackage: boolean): void {
    const why = this.#of(fn, bringsPackage)
    if (why !== null) throw invalid(why)
  }

  findings(functions: readonly (Wanted & Pick<Fn, 'id' | 'name'>)[]): Finding[] {
    return functions.flatMap((fn) => {
      const why = this.#of(fn)
      if (why === null) return []
      return [warning('engine', `The function ${fn.name ?? fn.id} cannot run here: its calls are refused.`, why)]
    })
  }

  #of({ network, code, packageHash }: Wanted, bringsPackage = false): string | null {
    const mode = code.source === 'image' ? (code.mode ?? 'command') : null
    return this.#refusal({ network, mode, hasPackage: bringsPackage || packageHash !== null })
  }
}
