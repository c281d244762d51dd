/**
 * `warm`: a worker that already served this version. `prewarmed`: a ready generic worker, bound for this call. `cold`: the call
 * waited for a container to start.
 */
export type StartKind = 'warm' | 'prewarmed' | 'cold'

/** Why there was no warm worker. Stored with every start that is not `warm`; docs/api.md explains each. */
export const coldReasons = [
  'first',
  'scale_out',
  'evicted',
  'expired',
  'new_code',
  'new_secret',
  'worker_died',
  'restart',
  'pool_empty',
] as const
export type ColdReason = (typeof coldReasons)[number]
