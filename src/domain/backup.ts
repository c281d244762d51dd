/** One copy of everything that lasts, taken while the server works. */
export interface Backup {
  /** Name of its file: `taibai-2026-11-30T02-00-00Z.tar`. */
  name: string
  sizeBytes: number
  createdAt: number
}

/** Where backups lie, and what makes them. */
export interface BackupStore {
  /** A consistent copy: both databases and every package. Nothing is left behind when it fails. */
  create(name: string): Promise<Backup>
  /** Oldest first. */
  list(): Promise<Backup[]>
  /** Null when there is none of that name. */
  open(name: string): Promise<{ stream: ReadableStream<Uint8Array>; sizeBytes: number } | null>
  delete(name: string): Promise<boolean>
}
