import { createReadStream, createWriteStream, existsSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { extract } from 'tar-stream'
import { systemClock as clock } from './domain/clock.ts'
import { makeFolder } from './folder.ts'
import { backupNotePath, cataloguePath, ledgerPath, packagePattern } from './store/backup-layout.ts'
import { restoreBuilt } from './store/built-backup.ts'
import { PackageFolder } from './store/packages.ts'
import { quickCheck } from './store/sqlite.ts'
import { closeTree } from './store/tree.ts'
import type { PackageLimits } from './store/zip-check.ts'

/** Restores a data folder from a backup, only where no data folder exists: nothing is overwritten. */

/** Limits do not apply: every package was checked at its upload. */
const noLimits: PackageLimits = {
  maxPackageBytes: Number.MAX_SAFE_INTEGER,
  maxUnpackedBytes: Number.MAX_SAFE_INTEGER,
  maxPackageEntries: Number.MAX_SAFE_INTEGER,
}

export interface RestoreResult {
  packages: number
  /** When the backup was made. */
  createdAt: string
}

/** Restores completely or not at all. Throws an Error with a sentence. */
export async function restoreBackup(file: string, dataDir: string): Promise<RestoreResult> {
  // Files that the executable has just unpacked do not count as data.
  if (existsSync(dataDir) && readdirSync(dataDir).some((name) => name !== 'program')) {
    throw new Error(`The folder ${dataDir} is not empty: name another with --data-dir, or move it away first.`)
  }
  const unfinished = `${dataDir}.restoring`
  rmSync(unfinished, { recursive: true, force: true })
  makeFolder(unfinished, 0o700)
  try {
    const restored = await unpackBackup(file, unfinished)
    for (const name of [cataloguePath, ledgerPath]) quickCheck(join(unfinished, name))
    rmSync(dataDir, { recursive: true, force: true })
    renameSync(unfinished, dataDir)
    return restored
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true })
    throw error
  }
}

async function unpackBackup(file: string, folder: string): Promise<RestoreResult> {
  const packages = await PackageFolder.open({ folder: join(folder, 'packages'), limits: noLimits, clock })
  const seen = new Set<string>()
  const built = new Set<string>()
  let packageCount = 0
  const entries = extract()
  const unpacking = (async () => {
    for await (const entry of entries) {
      const { name } = entry.header
      const hash = packagePattern.exec(name)?.[1]
      if (hash !== undefined) {
        const { hash: found } = await packages.put(await bytesOf(entry))
        if (found !== hash)
          throw new Error(`The backup ${file} is damaged: ${name} does not match the hash in its name.`)
        packageCount++
      } else if ([backupNotePath, cataloguePath, ledgerPath].includes(name)) {
        await pipeline(entry, createWriteStream(join(folder, name), { mode: 0o600, flush: true }))
        seen.add(name)
      } else if (await restoreBuilt(entry, join(folder, 'packages'))) built.add(name.split('/')[1] as string)
      else entry.resume()
    }
  })()
  try {
    await Promise.all([pipeline(createReadStream(file), entries), unpacking])
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') throw new Error(`There is no file ${file}.`)
    throw new Error(`The backup ${file} cannot be read: ${message}`, { cause: error })
  }
  for (const name of built) await closeTree(join(folder, 'packages', name, 'code'))
  if (seen.size < 3) throw new Error(`${file} is not a backup of Taibai: it lacks files that every backup has.`)
  const note = JSON.parse(await readFile(join(folder, backupNotePath), 'utf8'))
  if (note.format !== 1)
    throw new Error(`${file} was made by a newer program (${note.version}): restore it with that version.`)
  rmSync(join(folder, backupNotePath))
  return { packages: packageCount + built.size, createdAt: note.createdAt }
}

async function bytesOf(entry: AsyncIterable<unknown>): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of entry) pieces.push(piece as Buffer)
  return Buffer.concat(pieces)
}
