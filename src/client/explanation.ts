import type { ExecutionRow } from './resources/executions.ts'
import type { FunctionRow } from './resources/functions.ts'

/** A record in sentences: what the run waited for, why it was cold, whose fault its end was, what to change. */
export function explanationOf(row: ExecutionRow, fn: FunctionRow | null): string[] {
  return [...startOf(row, fn), ...waitingOf(row), ...endOf(row, fn)]
}

const coldReasons: Record<string, string> = {
  first: 'this version of the function had never been called',
  scale_out: 'all workers of the function were busy',
  evicted: 'its idle worker had been removed to make room for others',
  expired: 'its idle worker had been idle longer than its idle_timeout',
  new_code: 'its code, limits or environment had changed since',
  new_secret: 'a secret that it uses had changed since',
  worker_died: 'its worker had ended: a deadline, too much memory, or an exit',
  restart: 'the server had been started since',
  pool_empty: 'no worker of its own and no generic worker was ready',
}

const remedies: Record<string, string> = {
  scale_out:
    'More calls at once in one worker (--concurrency), or workers that are always warm (--min-workers), avoid such starts.',
  evicted: 'A larger TAIBAI_MEMORY_BUDGET_MB, less --memory, or --min-workers 1 keeps a worker.',
  expired: 'A longer idle_timeout, or none, keeps the worker until its memory is needed.',
  pool_empty: 'A higher TAIBAI_GENERIC_WORKERS keeps more workers ready for any function.',
}

function startOf(row: ExecutionRow, fn: FunctionRow | null): string[] {
  const { start_kind, cold_reason } = row
  if (start_kind === null)
    return row.status === 'running' ? ['It does not have a worker yet.'] : ['It never got a worker.']
  if (start_kind === 'warm') return ['It started warm: a worker of the function was there.']
  const reason = cold_reason === null ? 'no warm worker was there' : (coldReasons[cold_reason] ?? cold_reason)
  const kind =
    start_kind === 'prewarmed'
      ? 'It started prewarmed: a generic worker that was ready took the code'
      : 'It started cold: a container was started for it'
  const remedy = cold_reason === null || (fn?.min_workers ?? 0) > 0 ? undefined : remedies[cold_reason]
  return [`${kind}, because ${reason}.`, ...(remedy === undefined ? [] : [remedy])]
}

function waitingOf({ phases }: ExecutionRow): string[] {
  if (phases === null) return []
  const { queue = 0, acquire = 0, load = 0, run = 0 } = phases
  const sentences = [
    `It took ${milliseconds(phases.total)}: ${milliseconds(queue)} in the queue, ${milliseconds(acquire)} until it had a worker, ${milliseconds(run)} in the function.`,
  ]
  if (load > run && load > 100) {
    sentences.push(
      `Loading the code took ${milliseconds(load)}: fewer or smaller modules at the top of the file load faster.`,
    )
  }
  return sentences
}

function endOf(row: ExecutionRow, fn: FunctionRow | null): string[] {
  if (row.status === 'running') return ['It is still running.']
  if (row.status === 'success') return ['It succeeded.']
  const { type = '', message = 'no reason is recorded', during } = row.error ?? {}
  if (row.status === 'error') return [`It ended because of the platform, not because of the function: ${message}`]
  if (during === 'load') {
    return [
      `Its code could not be loaded, so the function never ran: ${type}: ${message}`,
      '"taibai deploy --check" tries that before it changes anything.',
    ]
  }
  switch (type) {
    case 'Timeout':
      return [`The function was ended at its deadline. It may take ${fn?.timeout ?? '?'} s; --timeout changes that.`]
    case 'MemoryExceeded': {
      const mib = fn === null ? '?' : Math.round(fn.memory_size / 1048576)
      return [`The function used more than its ${mib} MiB of memory and was ended; --memory changes that.`]
    }
    case 'FunctionExit':
      return [`The function's process ended in the middle of the call: ${message}. Its log may say why.`]
    default:
      return [`The function failed by itself: ${type}: ${message}`]
  }
}

/** `12.3 ms`, or seconds from 10 s on. */
export const milliseconds = (ms = 0): string => (ms >= 10_000 ? `${(ms / 1000).toFixed(1)} s` : `${ms.toFixed(1)} ms`)
