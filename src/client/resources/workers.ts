export interface KeptWorkerRow {
  worker_name: string
  function_id: string | null
  function_name: string | null
  function_version: number | null
  image: string
  state: string
  /** Bytes reserved for it. */
  memory: number
  /** Bytes that it used when it was asked; null: not known. */
  memory_used: number | null
  calls: number
  idle_seconds: number | null
  /** 1: the next to be evicted; null: it is not evicted now. */
  eviction: number | null
  /** Expected milliseconds of cold starts per hour that keeping it saves. */
  saves: number | null
}

/** In the order of eviction. */
export interface RetainedWorkers {
  memory: { budget: number; reserved: number; used: number | null }
  waiting_calls: number
  workers: KeptWorkerRow[]
}

/** Memory in bytes and starts, a value for each of the times, the oldest first. */
export interface WorkerHistoryRow {
  every_seconds: number
  budget: number
  times: string[]
  reserved: number[]
  states: Record<'busy' | 'idle' | 'paused' | 'generic' | 'leaving', number[]>
  /** Those that held most, the most first. */
  functions: { function_id: string; function_name: string | null; memory: number[] }[]
  starts: Record<'warm' | 'prewarmed' | 'cold', number[]>
  waiting_calls: number[]
}
