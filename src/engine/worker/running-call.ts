import type { Call, StreamSink } from '../../domain/platform/worker.ts'
import type { Outcome } from '../../domain/runs/outcome.ts'
import type { Ending, PendingCall } from './channel.ts'
import type { StreamedAnswer } from './streamed-answer.ts'

/** A running call, as the channel and the deadlines know it. */
export class RunningCall implements PendingCall {
  readonly executionId: string
  readonly timeoutMs: number
  readonly startedAt: number
  deadlineAt: number
  place: number | undefined = undefined
  readonly sink: StreamSink | undefined
  readonly onLog: Call['onLog']
  readonly resolve: (outcome: Outcome) => void
  #onEnd: (running: RunningCall, frame: Ending, streamedStatus: number | undefined) => void
  /** Assigned by the channel. */
  number = 0
  isOver = false
  isCancelled = false
  answer: StreamedAnswer | undefined

  constructor(
    call: Call,
    timeoutMs: number,
    startedAt: number,
    sink: StreamSink | undefined,
    onEnd: (running: RunningCall, frame: Ending, streamedStatus: number | undefined) => void,
    resolve: (outcome: Outcome) => void,
  ) {
    this.executionId = call.executionId
    this.timeoutMs = timeoutMs
    this.startedAt = startedAt
    this.deadlineAt = startedAt + timeoutMs
    this.sink = sink
    this.onLog = call.onLog
    this.resolve = resolve
    this.#onEnd = onEnd
  }

  /** The deadline only moves later: the timer checks again at the previous one. */
  extendTo(deadlineAt: number): void {
    if (!this.isCancelled && deadlineAt > this.deadlineAt) this.deadlineAt = deadlineAt
  }

  end(frame: Ending, streamedStatus: number | undefined): void {
    this.#onEnd(this, frame, streamedStatus)
  }
}
