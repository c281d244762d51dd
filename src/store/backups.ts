import { randomBytes } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { pack } from 'tar-stream'
import type { Backup, BackupStore } from '../domain/platform/backup.ts'
import { type BackupNote, backupNotePath, cataloguePath, ledgerPath, packagePath } from './backup-layout.ts'
import { addBuilt } from './built-backup.ts'
import { storageFailure } from './storage-full.ts'

export interface BackupFolderOptions {
  /** Folder of the backups. */
  folder: string
  /** Copies the open database consistently into a new file. */
  copyCatalogue(file: string): Promise<void>
  copyLedger(file: string): Promise<void>
  /** Hashes of all stored packages. */
  packageHashes(): Promise<string[]>
  /** Path of a package as uploaded; null: it was removed meanwhile. */
  packageFile(hash: string): string
  /** Folder of a built package with its installed files; null: it was not built. */
  builtFolder(hash: string): string | null
  /** Prevents the removal of packages until the work settles. */
  withoutRemovals<T>(work: () => Promise<T>): Promise<T>
  version: string
  now(): number
}

const namePattern = /^taibai-[\w-]+\.tar$/

/**
 * Backups as tar files. The ledger is copied before the catalogue, and packages last: so the copy has everything that an accepted
 * run needs, unless it was deleted during the backup. No package is pruned while packages are copied.
 */
export class BackupFolder implements BackupStore {
  #options: BackupFolderOptions

  constructor(options: BackupFolderOptions) {
    this.#options = options
  }

  async create(name: string): Promise<Backup> {
    const { folder, copyCatalogue, copyLedger } = this.#options
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const unfinished = join(folder, `.unfinished-${randomBytes(6).toString('hex')}`)
    await mkdir(unfinished, { mode: 0o700 })
    try {
      await copyLedger(join(unfinished, ledgerPath))
      await copyCatalogue(join(unfinished, cataloguePath))
      await this.#options.withoutRemovals(() => this.#pack(unfinished, join(unfinished, name)))
      await rename(join(unfinished, name), join(folder, name))
    } catch (error) {
      throw storageFailure(error, error, 'the backups (TAIBAI_BACKUP_DIR)')
    } finally {
      await rm(unfinished, { recursive: true, force: true })
    }
    return this.#about(name)
  }

  async list(): Promise<Backup[]> {
    const names = await readdir(this.#options.folder).catch(() => [])
    const found = await Promise.all(names.filter((name) => namePattern.test(name)).map((name) => this.#about(name)))
    return found.sort((a, b) => a.createdAt - b.createdAt || (a.name < b.name ? -1 : 1))
  }

  async open(name: string): Promise<{ stream: ReadableStream<Uint8Array>; sizeBytes: number } | null> {
    const path = this.#pathOf(name)
    const size = path === null ? null : await sizeOf(path)
    if (path === null || size === null) return null
    return { stream: Readable.toWeb(createReadStream(path)) as ReadableStream<Uint8Array>, sizeBytes: size }
  }

  async delete(name: string): Promise<boolean> {
    const path = this.#pathOf(name)
    if (path === null || (await sizeOf(path)) === null) return false
    await rm(path)
    return true
  }

  #pathOf(name: string): string | null {
    return namePattern.test(name) ? join(this.#options.folder, name) : null
  }

  async #about(name: string): Promise<Backup> {
    const { size, mtimeMs } = await stat(join(this.#options.folder, name))
    return { name, sizeBytes: size, createdAt: Math.round(mtimeMs) }
  }

  async #pack(from: string, to: string): Promise<void> {
    const { packageHashes, packageFile, builtFolder, version, now } = this.#options
    const tar = pack()
    const written = pipeline(tar as unknown as Readable, createWriteStream(to, { mode: 0o600, flush: true }))
    const add = async (name: string, file: string): Promise<void> => {
      const size = await sizeOf(file)
      if (size !== null) await pipeline(createReadStream(file), tar.entry({ name, size, mode: 0o600 }))
    }
    const fill = async (): Promise<void> => {
      const note: BackupNote = { format: 1, version, createdAt: new Date(now()).toISOString() }
      tar.entry({ name: backupNotePath, mode: 0o600 }, JSON.stringify(note))
      await add(cataloguePath, join(from, cataloguePath))
      await add(ledgerPath, join(from, ledgerPath))
      for (const hash of await packageHashes()) {
        const built = builtFolder(hash)
        if (built === null) await add(packagePath(hash), packageFile(hash))
        else await addBuilt(tar, hash, built)
      }
      tar.finalize()
    }
    await Promise.all([written, fill().catch((error: Error) => tar.destroy(error))])
  }
}

const sizeOf = (path: string): Promise<number | null> =>
  stat(path).then(
    ({ size }) => size,
    () => null,
  )
