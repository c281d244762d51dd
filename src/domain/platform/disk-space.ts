/** The disk of the data folder, with a reserve for completing accepted runs. */
export interface DiskSpace {
  /** Throws FaasError `storage_full` when `bytes` more would use the reserve. */
  refuseMore(bytes?: number): void
  /** True when half of the reserve is used: the rest is for accepted runs alone. */
  readonly isNearlyGone: boolean
}

/** Has no reserve: a full disk fails the write itself. */
export const unlimitedSpace: DiskSpace = { refuseMore() {}, isNearlyGone: false }
