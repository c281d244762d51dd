import type { Client } from '../../client/client.ts'
import type { ExecutionRow } from '../../client/resources/executions.ts'
import type { Screen } from './screen.ts'

/** Pause before reconnecting to the event stream. */
const againMs = 500

export interface RunWatchParts {
  client: Client
  screen: Screen
  signal: AbortSignal
  /** Undefined: not a function of this session. */
  nameOf(functionId: string): string | undefined
  sleep(ms: number): Promise<void>
}

/** Shows calls and logs of the session's functions as they happen. */
export class RunWatch {
  #parts: RunWatchParts
  /** Function names of the runs under way. */
  #runs = new Map<string, string>()

  constructor(parts: RunWatchParts) {
    this.#parts = parts
  }

  /** Reconnects after a restart of the server. */
  async follow(): Promise<void> {
    const { client, screen, signal, sleep } = this.#parts
    let isLost = false
    while (!signal.aborted) {
      try {
        for await (const { event, data } of client.events({ log: true }, signal)) {
          if (isLost) screen.dim('The server is back.')
          isLost = false
          if (event === 'missed') screen.dim(`${data.events} events were missed: they came faster than this terminal.`)
          if (event === 'execution') this.#noteRun(data)
          if (event === 'log') this.#noteLog(data.execution, data.text)
        }
      } catch {
        if (signal.aborted) return
      }
      if (!isLost && !signal.aborted) screen.dim('The server does not answer: waiting for it.')
      isLost = true
      await sleep(againMs)
    }
  }

  #noteRun(row: ExecutionRow): void {
    const name = this.#parts.nameOf(row.function_id)
    if (name === undefined) return
    if (row.status === 'running') this.#runs.set(row.id, name)
    else {
      this.#runs.delete(row.id)
      this.#parts.screen.call(name, row)
    }
  }

  #noteLog(execution: string, text: string): void {
    const name = this.#runs.get(execution)
    if (name !== undefined) this.#parts.screen.log(name, execution, text)
  }
}
