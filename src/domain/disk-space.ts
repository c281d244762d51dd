/** The disk of the data folder, of which a part is kept for what was promised already. */
export interface DiskSpace {
  /** Throws FaasError `storage_full` when so many bytes more would take from what is kept. */
  refuseMore(bytes?: number): void
  /** Half of what was kept is gone: what is left is for accepted runs alone. */
  readonly isNearlyGone: boolean
}

/** Nothing is kept free: the disk says itself when it is full. */
export const endlessSpace: DiskSpace = { refuseMore() {}, isNearlyGone: false }
