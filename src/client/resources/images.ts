export interface ImageRow {
  id: string
  names: string[]
  size_bytes: number
  created_at: string
  /** For example `function greet`. */
  used_by: string[]
  /** True when the next prune removes it. */
  unused: boolean
  /** True for the runtime image of another release. */
  other_release: boolean
}

export interface PrunedRow {
  dry_run: boolean
  removed: Pick<ImageRow, 'id' | 'names' | 'size_bytes'>[]
  /** Unused images that a container or another image holds. */
  kept: Pick<ImageRow, 'id' | 'names' | 'size_bytes'>[]
  freed_bytes: number
}
