import { type AppFunction, functionsOf } from '../../domain/functions/app-function.ts'
import { inputWith, readersOf } from '../../domain/functions/app-output.ts'
import { type Fn, type FunctionStore, isApp } from '../../domain/functions/function.ts'
import type { Execution } from '../../domain/runs/execution.ts'
import { inputFromText } from '../../domain/runs/input.ts'
import type { AppOutput } from '../../domain/runs/outcome.ts'
import type { Target, Targets } from '../functions/targets.ts'
import { refuseTooDeep } from './call-depth.ts'
import type { RunRequest } from './run-request.ts'

export interface AppQueuesParts {
  functions: Pick<FunctionStore, 'list'>
  targets: Pick<Targets, 'resolveIn'>
  accept(request: RunRequest): Promise<unknown>
  limits: { maxCallDepth: number }
}

/** A function that reads an output, as the target of a run. */
interface Reader {
  target: Target
  reader: AppFunction
}

/**
 * The queues between functions of apps: a message that a function puts into an output binding becomes an accepted run of the
 * function whose trigger names the same queue or topic, in its own app or another one of its project.
 */
export class AppQueues {
  #parts: AppQueuesParts
  /** Outputs that a log has told of. */
  #told = new Set<string>()

  constructor(parts: AppQueuesParts) {
    this.#parts = parts
  }

  /**
   * Accepts a run for each message that somebody reads, all at once and in their order, and keeps the others in the execution. All
   * are durable when this resolves, and none is accepted twice in one attempt. Returns lines for the log of the run. Throws FaasError `queue_full`,
   * `call_too_deep`.
   */
  async deliver(execution: Execution, target: Target, outputs: AppOutput[]): Promise<string> {
    const kept: AppOutput[] = []
    const accepted: Promise<void>[] = []
    let lines = ''
    for (const output of outputs) {
      if (output.messages.length === 0) continue
      const readers = this.#readers(target, output)
      for (const message of output.messages) {
        for (const reader of readers) accepted.push(this.#accept(execution, reader, message))
      }
      if (readers.length > 0) continue
      kept.push(output)
      lines += this.#tellOnce(target.fn, output)
    }
    if (kept.length > 0) execution.outputs = JSON.stringify(kept)
    // Nothing may still be under way when the caller is told that one of them was refused.
    const refused = (await Promise.allSettled(accepted)).find(({ status }) => status === 'rejected')
    if (refused !== undefined) await Promise.reject((refused as PromiseRejectedResult).reason)
    return lines
  }

  /** They belong to the project of the app, whoever called it. */
  async #accept(execution: Execution, { target, reader }: Reader, message: string): Promise<void> {
    const { accept, limits } = this.#parts
    // Kept with the run: a ring of functions must end however long its runs wait, and over restarts.
    const depth = (execution.terms?.depth ?? 0) + 1
    refuseTooDeep(depth, limits.maxCallDepth)
    await accept({
      target,
      terms: { depth },
      projectId: target.fn.projectId,
      trigger: 'async',
      from: execution.id,
      input: inputFromText(inputWith(reader, message), target.revision.signature),
    })
  }

  /** Other apps are looked at only when the app itself reads nothing. */
  #readers(own: Target, output: AppOutput): Reader[] {
    const inside = readersOf(output, functionsOf(own.fn))
    if (inside.length > 0) return inside.map((reader) => ({ target: own, reader }))
    for (const fn of this.#parts.functions.list(own.fn.projectId)) {
      const outside = isApp(fn) && fn.id !== own.fn.id ? readersOf(output, functionsOf(fn)) : []
      if (outside.length === 0) continue
      const target = this.#parts.targets.resolveIn(fn.projectId, { functionId: fn.id })
      return outside.map((reader) => ({ target, reader }))
    }
    return []
  }

  #tellOnce(fn: Fn, { name, type, to }: AppOutput): string {
    const key = `${fn.id}/${fn.packageHash}/${name}`
    if (this.#told.has(key)) return ''
    // The names come from workers, which may tell of any number.
    if (this.#told.size >= mostTold) this.#told.clear()
    this.#told.add(key)
    const place = to === null ? type : `${type} ${to}`
    return `[The output "${name}" (${place}) is read by nothing here: it is kept in "outputs" of the execution.]\n`
  }
}

const mostTold = 1000
