import type { Signature } from '../../src/domain/functions/signature.ts'

/** What the conformance list asks of whatever runs the workers: a plain process, a container, an engine. */

export interface Harness {
  /** Over TCP: the kernel opens no socket by its name, so /dev/stdout is not to be had. */
  readonly descriptorsAreSockets?: boolean
  /** A fresh worker, bound to the runtime's `conformance/` folder. Rejects with a BindFailure when it cannot be loaded. */
  bind(options?: BindOptions): Promise<BoundWorker>
}

export interface BindOptions {
  entry?: string
  signature?: Signature
  env?: Record<string, string>
  concurrency?: number
  api?: { url: string; token: string }
  memoryBytes?: number
  maxResultBytes?: number
}

export interface BoundWorker extends AsyncDisposable {
  readonly loadMs: number
  /** What was printed outside every call, and while loading. */
  readonly output: Output
  /** The exit code, null when a signal ended the worker. */
  readonly exited: Promise<number | null>
  /** `undefined` is no input, a string is text, a Uint8Array is bytes, all else is JSON. */
  call(input?: unknown, options?: CallOptions): RunningCall
  fetch(request: HttpRequest, options?: CallOptions): RunningCall
  /** Ends the worker by force, as the server does at the deadline. */
  kill(): Promise<void>
}

export interface CallOptions {
  /** Says how a string or bytes are meant, when not as text or bytes. */
  input?: 'json' | 'text' | 'bytes'
  executionId?: string
  deadlineMs?: number
  trigger?: string
  traceparent?: string
  attempt?: number
  /** The request of a webhook, beside the input; `body` as in the meta. */
  http?: Omit<HttpRequest, 'body'> & { body?: string | null }
  /** What the caller's protocol says beside the input. */
  client?: Record<string, unknown>
  /** `manual`: the test grants the credit of a streamed answer itself. */
  credit?: 'auto' | 'manual'
}

export interface HttpRequest {
  method?: string
  target: string
  /** Where the function lives, and the whole URL, when a test says so. */
  prefix?: string
  url?: string
  headers?: [string, string][]
  /** What the key of a call permits, for apps. */
  key?: 'function' | 'admin'
  body?: string | Uint8Array
}

export interface RunningCall {
  readonly outcome: Promise<Outcome>
  /** Status and headers of a streamed answer, as soon as they are there. */
  readonly head: Promise<{ status: number; headers: [string, string][] }>
  readonly output: Output
  readonly receivedBytes: number
  /** Fulfilled when that many bytes of a streamed answer have come, or the call is over. */
  received(bytes: number): Promise<void>
  /** Fulfilled when the function has printed this text, or the call is over. */
  printed(text: string): Promise<void>
  /** Nobody waits for the answer any more. */
  cancel(): void
  grant(bytes: number): void
}

export interface Output {
  stdout: string
  stderr: string
}

export interface Usage {
  runMs: number
  cpuMs: number
  memoryPeakBytes: number
  /** Undefined: not said this time. */
  stalledMs: unknown
}

/** `outputs`: what an app put into output bindings; absent: nothing. */
export type Outcome =
  | { state: 'value'; kind: 'json' | 'text' | 'bytes'; value: unknown; usage: Usage; outputs?: unknown }
  | {
      state: 'answer'
      status: number
      headers: [string, string][]
      body: Buffer
      /** Whether it came in pieces rather than in one frame. */
      streamed: boolean
      usage: Usage
      outputs?: unknown
    }
  | { state: 'failed'; type: string; message: string; stack: string; value?: unknown; usage: Usage }
  /** The worker ended before it answered. */
  | { state: 'lost' }

export class BindFailure extends Error {
  override name = 'BindFailure'
  readonly type: string
  /** The trace that the worker sent. */
  readonly trace: string
  /** What the worker printed while it loaded. */
  readonly output: Output

  constructor(meta: Record<string, unknown>, output: Output) {
    super(String(meta.message))
    this.type = String(meta.type)
    this.trace = String(meta.stack ?? '')
    this.output = output
  }
}
