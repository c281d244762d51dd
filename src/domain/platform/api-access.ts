/** How a function that may call this server's API does so. */

/** Host name of the server's machine inside workers, as in Docker. */
export const apiHostName = 'host.docker.internal'

/** Prefix of workers' tokens; tokens of calls append the execution's id: `tb_fn_….0190…`. */
export const workerTokenPrefix = 'tb_fn_'

/** The token of one worker. Neither its JSON nor a log line shows the token. */
export class WorkerToken {
  readonly #token: string
  /** The worker has ended: the token is refused from now on. May be called twice. */
  readonly end: () => void

  constructor(token: string, end: () => void) {
    this.#token = token
    this.end = end
  }

  get token(): string {
    return this.#token
  }

  /** The token of one call, which identifies the execution. */
  ofCall(executionId: string): string {
    return `${this.#token}.${executionId}`
  }
}

export interface WorkerTokens {
  give(of: { functionId: string; functionName: string | null; projectId: string }): WorkerToken
}
