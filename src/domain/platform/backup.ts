/** A copy of all persistent data, taken while the server runs. */
export interface Backup {
  /** Name of its file: `taibai-2026-11-30T02-00-00Z.tar`. */
  name: string
  sizeBytes: number
  createdAt: number
}

/** Creates and lists backups. */
export interface BackupStore {
  /** Creates a consistent copy: both databases and every package. A failed backup leaves nothing behind. */
  create(name: string): Promise<Backup>
  /** Oldest first. */
  list(): Promise<Backup[]>
  /** Null: it does not exist. */
  open(name: string): Promise<{ stream: ReadableStream<Uint8Array>; sizeBytes: number } | null>
  delete(name: string): Promise<boolean>
}
