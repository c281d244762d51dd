import { int, kib, mib } from './value-kinds.ts'

export const sizes = {
  maxPackageBytes: int(1)
    .default(50 * mib)
    .describe('Maximum size of an uploaded ZIP.'),
  maxUnpackedBytes: int(1)
    .default(512 * mib)
    .describe('Maximum size of an unpacked package.'),
  maxPackageEntries: int(1).default(20_000).describe('Maximum number of files and folders in a package.'),
  maxBodyBytes: int(1)
    .default(6 * mib)
    .describe("Maximum size of a request body that is not a package, and so of a call's input."),
  maxBodiesBytes: int(1)
    .default(256 * mib)
    .describe(
      'Maximum total size of the request bodies that are being received or processed; callers without a token can use a quarter of it. More bodies are refused with 503.',
    ),
  maxUnreadBytes: int(1)
    .default(256 * mib)
    .describe(
      'Maximum total size of responses that wait for their callers to read. Beyond it, connections are closed whose callers do not read, the largest first; beyond four times this size, those with the largest responses.',
    ),
  bodyTimeoutMs: int(1000).default(120_000).describe('Maximum time for receiving a whole request.'),
  maxCallDepth: int(1, 1000)
    .default(16)
    .describe(
      'Maximum depth of functions that call each other with the tokens of their contexts; it stops a cycle of calls.',
    ),
  maxResultBytes: int(1)
    .default(10 * mib)
    .describe("Maximum size of a function's response; streamed responses have no limit."),
  maxLogBytes: int(0)
    .default(256 * kib)
    .describe('Maximum output of one execution that is kept, in bytes.'),
}
