import type { Socket } from 'node:net'
import type { SandboxSpec } from '../sandbox/sandbox.ts'
import type { Bridge } from './bridge.ts'
import type { Channel } from './channel.ts'

/** Data from one worker: its frames, and what is written to its standard output and error without its shim. */
export interface LinkConnection {
  frames: Socket
  stdout: Socket
  stderr: Socket
}

/**
 * Connects one worker and the server, through a folder that both see or over TCP; callers do not know which. After `remove`
 * nothing of it is left and no connection is accepted; it may be called twice.
 */
export interface WorkerLink {
  /** What the sandbox needs so that its shim can connect. */
  readonly given: Pick<SandboxSpec, 'folder' | 'env' | 'key'>
  /** Folder in which the function finds secrets as files. */
  readonly secretsFolder: string
  /** True when code is copied into the worker's memory: limits must be set before. */
  readonly codeIsMemory: boolean
  /** The connection of the worker's shim; resolves once, with the first that authenticates. */
  connection(): Promise<LinkConnection>
  /** Copies or links the code to the worker and returns the path inside it. */
  deliverCode(stored: string, channel: Channel): Promise<string>
  remove(): Promise<void>
}

/** Creates the links of all workers. */
export interface WorkerLinks {
  make(worker: string): Promise<WorkerLink>
  /** A way to an image, through a helper of this name beside it; absent: workers have folders. */
  bridge?(helper: string): Bridge
  /** Code was stored that a worker may soon need. */
  prepare(stored: string): void
  close(): Promise<void>
}
