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
