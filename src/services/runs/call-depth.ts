import { FaasError } from '../../domain/errors.ts'

/** Limit of remembered runs, including ended ones: what a function starts may outlive its call. */
const mostKnown = 10_000

/** The depth of calls from function to function, which ends cycles of functions that call each other. */
export class CallDepths {
  #max: number
  /** Depth by execution; 0 (not called by a function) is not stored. */
  #known = new Map<string, number>()

  constructor(max: number) {
    this.#max = max
  }

  /** `from`: the calling execution. Throws FaasError `call_too_deep`. */
  note(executionId: string, from: string): void {
    const depth = (this.#known.get(from) ?? 0) + 1
    refuseTooDeep(depth, this.#max)
    if (this.#known.size >= mostKnown) this.#known.delete(this.#known.keys().next().value as string)
    this.#known.set(executionId, depth)
  }
}

/** Throws FaasError `call_too_deep`. */
export function refuseTooDeep(depth: number, max: number): void {
  if (depth > max) throw new FaasError('call_too_deep', tooDeep(max))
}

const tooDeep = (max: number): string =>
  `This call would be number ${max + 1} in a chain of functions that call each other, and the maximum is ${max} ` +
  '(TAIBAI_MAX_CALL_DEPTH): do they call each other in a loop?'
