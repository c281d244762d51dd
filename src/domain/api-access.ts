/** How a function that may call this server's API does so. */

/** What workers call the machine that the server runs on: the name that other engines have made usual. */
export const hostNameInside = 'host.docker.internal'

/** How tokens of workers begin; those of calls have the id of the execution behind them: `tb_fn_….0190…`. */
export const workerTokenPrefix = 'tb_fn_'

/** A token of one worker. Neither JSON nor a log line of it shows the token. */
export class WorkerToken {
  readonly #token: string
  /** The worker has gone: the token is refused from now on. Twice is no harm. */
  readonly end: () => void

  constructor(token: string, end: () => void) {
    this.#token = token
    this.end = end
  }

  get token(): string {
    return this.#token
  }

  /** The same of one call: it says which execution asks. */
  ofCall(executionId: string): string {
    return `${this.#token}.${executionId}`
  }
}

export interface WorkerTokens {
  give(of: { functionId: string; functionName: string | null; projectId: string }): WorkerToken
}
