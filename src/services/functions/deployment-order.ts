import { FaasError } from '../../domain/errors.ts'

/** A deployment that was accepted later has replaced the code meanwhile. */
export class Superseded extends FaasError {
  constructor() {
    super('conflict', 'Another deployment of this function, accepted after this one, was done first: its code stays.')
  }
}

/** The place of one deployment among those of its function. */
export interface Place {
  /** Throws Superseded. */
  refuseLate(): void
  /** Its code is there. */
  done(): void
  /** It is over, done or not. */
  end(): void
}

interface OfFunction {
  accepted: number
  /** The latest accepted of those that are done. */
  done: number
  open: number
}

/**
 * Deployments of one function that are under way together: the one that was accepted last stays, whichever takes longest.
 * One that fails stands in nobody's way.
 */
export class DeploymentOrder {
  #functions = new Map<string, OfFunction>()

  accept(functionId: string): Place {
    const known = this.#functions.get(functionId) ?? { accepted: 0, done: 0, open: 0 }
    this.#functions.set(functionId, known)
    const own = ++known.accepted
    known.open++
    return {
      refuseLate: () => {
        if (known.done > own) throw new Superseded()
      },
      done: () => {
        known.done = Math.max(known.done, own)
      },
      end: () => {
        if (--known.open === 0) this.#functions.delete(functionId)
      },
    }
  }
}
