export interface ImageRow {
  id: string
  names: string[]
  size_bytes: number
  created_at: string
  /** Such as `function greet`. */
  used_by: string[]
  /** The next prune removes it. */
  unused: boolean
  /** Whether it is the image of a runtime of another release. */
  other_release: boolean
}

export interface PrunedRow {
  dry_run: boolean
  removed: Pick<ImageRow, 'id' | 'names' | 'size_bytes'>[]
  /** A container or another image holds them. */
  kept: Pick<ImageRow, 'id' | 'names' | 'size_bytes'>[]
  freed_bytes: number
}
