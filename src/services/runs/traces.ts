import type { Revision } from '../../domain/platform/worker.ts'
import type { Execution } from '../../domain/runs/execution.ts'
import { parseTraceparent, type Span, type SpanSink, traceparentOf } from '../../domain/runs/trace.ts'

export interface TracesParts {
  sink: SpanSink
  /** Random hexadecimal digits, two for each byte. */
  newId(bytes: number): string
  /** Share of the traces begun here that are kept, from 0 to 1; a caller's own sampling decision has priority. */
  ratio: number
  /** From 0 to 1. */
  random(): number
}

/** The trace of one execution. */
interface RunTrace {
  traceId: string
  parentSpanId: string | null
  /** Span id of the execution. */
  spanId: string
  /** Span id of the function's run: the parent of the function's spans. */
  runSpanId: string
  isSampled: boolean
}

/** Creates the spans of executions: one for the whole, and one for each phase with a duration. */
export class Traces {
  #parts: TracesParts
  /** Unfinished executions. */
  #begun = new WeakMap<Execution, RunTrace>()

  constructor(parts: TracesParts) {
    this.#parts = parts
  }

  /** The function begins. `traceparent`: the caller's header. Returns the header for the function. */
  begin(execution: Execution, traceparent: string | undefined): string {
    const trace = this.#begun.get(execution) ?? this.#traceFor(traceparent)
    this.#begun.set(execution, trace)
    return traceparentOf({ traceId: trace.traceId, spanId: trace.runSpanId, isSampled: trace.isSampled })
  }

  /** The execution has ended, whether the function began or not. */
  end(execution: Execution, revision: Revision | null): void {
    const trace = this.#begun.get(execution) ?? this.#traceFor(undefined)
    this.#begun.delete(execution)
    if (trace.isSampled) this.#parts.sink.take(this.#spans(trace, execution, revision))
  }

  #traceFor(traceparent: string | undefined): RunTrace {
    const { newId, ratio, random } = this.#parts
    const caller = parseTraceparent(traceparent)
    return {
      traceId: caller?.traceId ?? newId(16),
      parentSpanId: caller?.spanId ?? null,
      spanId: newId(8),
      runSpanId: newId(8),
      isSampled: caller?.isSampled ?? random() < ratio,
    }
  }

  #spans(trace: RunTrace, execution: Execution, revision: Revision | null): Span[] {
    const { traceId, spanId, parentSpanId, runSpanId } = trace
    const { newId } = this.#parts
    const { queue = 0, acquire = 0, load = 0, total = 0 } = execution.phases ?? {}
    const startMs = execution.createdAt
    const whole: Span = {
      ...{ traceId, spanId, parentSpanId, kind: 'server', startMs },
      name: revision?.functionName ?? execution.functionId,
      endMs: startMs + total,
      attributes: attributesOf(execution, revision),
      failure: failureOf(execution),
    }
    const part = (name: string, from: number, to: number, id: string, parent = spanId): Span[] =>
      to <= from
        ? []
        : [
            {
              ...{ traceId, spanId: id, parentSpanId: parent, name, kind: 'internal' },
              ...{ startMs: startMs + from, endMs: startMs + to, attributes: {}, failure: null },
            },
          ]
    const acquireSpanId = newId(8)
    const hasWorker = queue + acquire
    return [
      whole,
      ...part('queue', 0, queue, newId(8)),
      ...part('acquire', queue, hasWorker, acquireSpanId),
      ...part('load', hasWorker - load, hasWorker, newId(8), acquireSpanId),
      ...part('run', hasWorker, total, runSpanId),
    ]
  }
}

const failureOf = ({ status, error }: Execution): string | null =>
  status === 'success' ? null : (error?.type ?? 'the execution failed')

/** Names from OpenTelemetry's conventions for functions as a service, and our own where it has none. */
function attributesOf(execution: Execution, revision: Revision | null): Record<string, string | number> {
  const attributes: Record<string, string | number> = {
    'faas.invocation_id': execution.id,
    'faas.name': revision?.functionName ?? execution.functionId,
    'faas.version': String(execution.functionVersion),
    'faas.trigger': faasTriggers[execution.trigger] ?? 'other',
    'taibai.function_id': execution.functionId,
    'taibai.project': execution.projectId,
    'taibai.trigger': execution.trigger,
    'taibai.status': execution.status,
    'taibai.attempt': execution.attempt,
  }
  if (execution.startKind !== null) attributes['taibai.start_kind'] = execution.startKind
  if (execution.coldReason !== null) attributes['taibai.cold_reason'] = execution.coldReason
  if (execution.worker !== null) attributes['taibai.worker'] = execution.worker
  if (execution.memoryPeakMb !== null) attributes['taibai.memory_peak_mb'] = execution.memoryPeakMb
  if (execution.cpuMs !== null) attributes['taibai.cpu_ms'] = execution.cpuMs
  return attributes
}

const faasTriggers: Partial<Record<Execution['trigger'], string>> = {
  http: 'http',
  webhook: 'http',
  job: 'timer',
  event: 'pubsub',
}
