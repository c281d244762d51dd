import { int, kib, mib } from './value-kinds.ts'

export const sizes = {
  maxPackageBytes: int(1)
    .default(50 * mib)
    .describe('Largest uploaded ZIP.'),
  maxUnpackedBytes: int(1)
    .default(512 * mib)
    .describe('Largest size of a package when it is unpacked.'),
  maxPackageEntries: int(1).default(20_000).describe('Most files and folders in a package.'),
  maxBodyBytes: int(1)
    .default(6 * mib)
    .describe('Largest request body that is not a package, so also the largest input of a call.'),
  maxBodiesBytes: int(1)
    .default(256 * mib)
    .describe(
      'Most bytes of all request bodies that are being received or processed; callers without a token can use a quarter of it. Further bodies are refused with 503.',
    ),
  bodyTimeoutMs: int(1000).default(120_000).describe('Longest time for receiving a whole request.'),
  maxCallDepth: int(1, 1000)
    .default(16)
    .describe(
      'Most functions that call each other in a row, with the tokens of their contexts; a ring of them ends there.',
    ),
  maxResultBytes: int(1)
    .default(10 * mib)
    .describe('Largest answer that a function returns at once; streamed answers have no limit.'),
  maxLogBytes: int(0)
    .default(256 * kib)
    .describe('Most bytes of output that are kept of one execution.'),
}
