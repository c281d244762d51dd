import type { Socket } from 'node:net'
import type { SandboxSpec } from '../sandbox/sandbox.ts'
import type { Channel } from './channel.ts'

/** What comes from one worker: its frames, and what is written to its standard output and standard error past its shim. */
export interface LinkConnection {
  frames: Socket
  stdout: Socket
  stderr: Socket
}

/**
 * How one worker and the server find each other: by a folder that both see, or over TCP. Nothing above knows which. After `remove`
 * nothing of it is left, and nobody gets in any more; twice is no harm.
 */
export interface WorkerLink {
  /** What the sandbox is given so that its shim finds us. */
  readonly given: Pick<SandboxSpec, 'folder' | 'env' | 'key'>
  /** In which its function finds the secrets that it wants as files. */
  readonly secretsFolder: string
  /** Code comes into the worker's memory: its limits have to be there before. */
  readonly codeIsMemory: boolean
  /** Connection of the worker's shim; resolves once, for the first that is allowed. */
  connection(): Promise<LinkConnection>
  /** Brings the code to the worker; the folder's path as the worker sees it. */
  bringCode(stored: string, channel: Channel): Promise<string>
  remove(): Promise<void>
}

/** Makes the links of all workers. */
export interface WorkerLinks {
  make(worker: string): Promise<WorkerLink>
  close(): Promise<void>
}
