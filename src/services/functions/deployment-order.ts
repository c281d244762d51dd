import { FaasError } from '../../domain/errors.ts'

/** A deployment that was accepted later has already replaced the code. */
export class Superseded extends FaasError {
  constructor() {
    super('conflict', 'Another deployment of this function, accepted after this one, ended first: its code stays.')
  }
}

/** The position of one deployment among those of its function. */
export interface DeploymentTurn {
  /** Throws Superseded when a later deployment is done. */
  refuseLate(): void
  /** Its code is in force. */
  done(): void
  /** It has ended, successfully or not. */
  end(): void
}

interface OfFunction {
  accepted: number
  /** The latest accepted deployment that is done. */
  done: number
  open: number
}

/**
 * Orders concurrent deployments of one function: the one that was accepted last wins, however long each takes. A failed
 * deployment has no effect.
 */
export class DeploymentOrder {
  #functions = new Map<string, OfFunction>()

  accept(functionId: string): DeploymentTurn {
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
