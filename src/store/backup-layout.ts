/** Paths inside a backup. */

export const backupNotePath = 'taibai-backup.json'
export const cataloguePath = 'taibai.db'
export const ledgerPath = 'ledger.db'
export const packagePath = (hash: string): string => `packages/${hash}.zip`
export const packagePattern = /^packages\/([0-9a-f]{64})\.zip$/

export interface BackupNote {
  format: 1
  /** Version of the program that made the backup. */
  version: string
  createdAt: string
}
