export interface KeptWorkerRow {
  worker_name: string
  function_id: string | null
  function_name: string | null
  function_version: number | null
  image: string
  state: string
  /** Bytes that are reserved for it. */
  memory: number
  calls: number
  idle_seconds: number | null
  /** 1: the next that goes when others need memory; null: it does not go now. */
  eviction: number | null
  /** Milliseconds of cold starts an hour that keeping it is expected to save. */
  saves: number | null
}

/** What would go first comes first. */
export interface KeptWorkers {
  memory: { budget: number; reserved: number }
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
