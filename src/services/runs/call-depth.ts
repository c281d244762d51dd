import { FaasError } from '../../domain/errors.ts'

/** Runs of which it is still known how deep they are, after their end too: what a function starts may outlive its call. */
const mostKnown = 10_000

/** How many functions lie between a run and whoever began it all: functions that call each other in a ring end here. */
export class CallDepths {
  #max: number
  /** By execution; 0, of those that no function called, is not kept. */
  #known = new Map<string, number>()

  constructor(max: number) {
    this.#max = max
  }

  /** `from`: the execution that calls. Throws FaasError `call_too_deep`. */
  note(executionId: string, from: string): void {
    const depth = (this.#known.get(from) ?? 0) + 1
    if (depth > this.#max) throw new FaasError('call_too_deep', tooDeep(this.#max))
    if (this.#known.size >= mostKnown) this.#known.delete(this.#known.keys().next().value as string)
    this.#known.set(executionId, depth)
  }
}

const tooDeep = (max: number): string =>
  `This call would be number ${max + 1} in a row of functions that call each other, and ${max} are the most ` +
  '(TAIBAI_MAX_CALL_DEPTH): do they call each other in a ring?'
