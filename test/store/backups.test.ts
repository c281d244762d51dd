import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock as clock } from '../../src/domain/clock.ts'
import { linkedFolderOf } from '../../src/domain/functions/function.ts'
import { restoreBackup } from '../../src/restore.ts'
import { BackupFolder } from '../../src/store/backups.ts'
import { Database } from '../../src/store/database.ts'
import { FunctionRows } from '../../src/store/functions.ts'
import { SqliteLedger } from '../../src/store/ledger.ts'
import { PackageFolder } from '../../src/store/packages.ts'
import { zipOf } from '../../src/store/zip-of.ts'
import { aFinishedExecution, aFn, anExecution } from '../support/builders.ts'

/** Real databases, real files: a copy is made while everything is written, and is whole. */

let root: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'taibai-backup-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const quietLog = { debug() {}, info() {}, infoText() {}, warn() {}, error() {} }
const limits = { maxPackageBytes: 1e6, maxUnpackedBytes: 1e7, maxPackageEntries: 100 }

async function opened(folder: string) {
  const database = new Database(join(folder, 'taibai.db'))
  const onFatal = (error: Error): never => {
    throw error
  }
  const ledger = new SqliteLedger({ path: join(folder, 'ledger.db'), clock, log: quietLog, onFatal })
  const packages = await PackageFolder.open({ folder: join(folder, 'packages'), limits, clock })
  const backups = new BackupFolder({
    folder: join(root, 'backups'),
    copyCatalogue: (file) => database.copyTo(file),
    copyLedger: (file) => ledger.copyTo(file),
    packageHashes: () => packages.hashes(),
    packageFile: (hash) => packages.zipFile(hash),
    builtFolder: (hash) => packages.builtFolder(hash),
    withoutRemovals: (work) => packages.withoutRemovals(work),
    version: '1.2.3',
    now: () => Date.UTC(2026, 10, 30),
  })
  const close = async (): Promise<void> => {
    await ledger.end()
    database.close()
  }
  return { functions: new FunctionRows(database), ledger, packages, backups, close }
}

const name = 'taibai-2026-11-30T00-00-00Z.tar'

describe('A backup', () => {
  test('made while runs are accepted has every run that was accepted before, and opens as a data folder', async () => {
    const live = await opened(join(root, 'data'))
    const stored = await live.packages.put(zipOf('main.mjs', 'export const main = () => 1'))
    live.functions.insert(aFn({ name: 'kept' }))
    const before = Array.from({ length: 200 }, () => anExecution({ sync: false }))
    for (const execution of before) await live.ledger.accept(execution)
    let isDone = false
    const going = (async () => {
      while (!isDone) await live.ledger.accept(anExecution({ sync: false }))
    })()
    const made = await live.backups.create(name)
    isDone = true
    await going
    await live.close()
    expect(made).toMatchObject({ name, sizeBytes: expect.any(Number) })
    expect(await live.backups.list()).toEqual([made])

    const restored = await restoreBackup(join(root, 'backups', name), join(root, 'restored'))
    expect(restored).toEqual({ packages: 1, createdAt: '2026-11-30T00:00:00.000Z' })
    const again = await opened(join(root, 'restored'))
    const ids = new Set(again.ledger.unfinished().map(({ id }) => id))
    expect(before.filter(({ id }) => !ids.has(id))).toEqual([])
    expect(again.functions.list(null).map((fn) => fn.name)).toEqual(['kept'])
    expect(readdirSync(again.packages.folder(stored.hash))).toEqual(['main.mjs'])
    await again.close()
  })

  test('has packages that were built with all that was installed for them', async () => {
    const live = await opened(join(root, 'data'))
    const source = await live.packages.put(zipOf('main.mjs', 'export const main = () => 1'))
    const files = join(root, 'layer')
    mkdirSync(join(files, 'node_modules/.bin'), { recursive: true })
    writeFileSync(join(files, 'node_modules/tool.cjs'), 'module.exports = 2', { mode: 0o555 })
    symlinkSync('../tool.cjs', join(files, 'node_modules/.bin/tool'))
    const built = await live.packages.putBuilt(source, { key: 'k', id: 'layer', folder: files, sizeBytes: 18 })
    const linked = linkedFolderOf(live.packages.folder(built.hash))
    for (const each of [linked, `${linked}.unfinished`]) mkdirSync(each)
    await live.backups.create(name)
    await live.close()
    expect((await restoreBackup(join(root, 'backups', name), join(root, 'restored'))).packages).toBe(2)
    const again = await opened(join(root, 'restored'))
    expect(existsSync(linkedFolderOf(again.packages.folder(built.hash)))).toBe(false)
    expect(existsSync(`${linkedFolderOf(again.packages.folder(built.hash))}.unfinished`)).toBe(false)
    const code = again.packages.folder(built.hash)
    expect(readFileSync(join(code, 'node_modules/.bin/tool'), 'utf8')).toBe('module.exports = 2')
    expect([statSync(code).mode & 0o777, statSync(join(code, 'node_modules/tool.cjs')).mode & 0o777]).toEqual([
      0o555, 0o555,
    ])
    expect(again.packages.sizeOf(built.hash)).toBe(source.sizeBytes)
    expect(again.packages.builtFolder(built.hash)).not.toBeNull()
    await again.close()
  })

  test('keeps every package from being pruned until it is made', async () => {
    const live = await opened(join(root, 'data'))
    const source = await live.packages.put(zipOf('main.mjs', 'export const main = () => 1'))
    const old = Date.now() / 1000 - 86_400
    utimesSync(join(root, 'data/packages', source.hash), old, old)
    const pruned: number[] = []
    await live.packages.withoutRemovals(async () => {
      pruned.push(await live.packages.prune(new Set()))
      await live.backups.create(name)
      pruned.push(await live.packages.prune(new Set()))
      expect(live.packages.sizeOf(source.hash)).toBe(source.sizeBytes)
    })
    await live.packages.prune(new Set())
    await live.close()
    expect(pruned).toEqual([0, 0])
    expect((await restoreBackup(join(root, 'backups', name), join(root, 'restored'))).packages).toBe(1)
  })

  test('that cannot be made leaves nothing behind', async () => {
    const live = await opened(join(root, 'data'))
    const broken = new BackupFolder({
      folder: join(root, 'backups'),
      copyCatalogue: () => Promise.reject(new Error('disk full')),
      copyLedger: (file) => live.ledger.copyTo(file),
      packageHashes: async () => [],
      packageFile: () => '',
      builtFolder: () => null,
      withoutRemovals: (work) => work(),
      version: '1',
      now: () => 0,
    })
    await expect(broken.create(name)).rejects.toThrow('disk full')
    expect(readdirSync(join(root, 'backups'))).toEqual([])
    await live.close()
  })

  test('has a name of its own kind: no other file of the folder is read or deleted', async () => {
    const live = await opened(join(root, 'data'))
    live.ledger.open(aFinishedExecution())
    await live.backups.create(name)
    writeFileSync(join(root, 'secret'), 'x')
    for (const other of ['../secret', '/etc/passwd', 'taibai-../secret.tar', 'secret']) {
      expect(await live.backups.open(other)).toBeNull()
      expect(await live.backups.delete(other)).toBe(false)
    }
    expect(await live.backups.delete(name)).toBe(true)
    expect(await live.backups.list()).toEqual([])
    await live.close()
  })
})

describe('Restoring is refused', () => {
  test('over a folder that holds anything', async () => {
    writeFileSync(join(root, 'file'), 'x')
    await expect(restoreBackup(join(root, 'x.tar'), root)).rejects.toThrow('is not empty')
    expect(readdirSync(root)).toEqual(['file'])
  })

  test.each([
    ['a file that is not there', null, 'There is no file'],
    ['what is no tar', 'hello', /cannot be read|is not a backup of Taibai/],
    ['an empty file', '', 'is not a backup of Taibai'],
  ])('for %s', async (_what, content, sentence) => {
    const file = join(root, 'x.tar')
    if (content !== null) writeFileSync(file, content)
    await expect(restoreBackup(file, join(root, 'new'))).rejects.toThrow(sentence)
    expect(readdirSync(root).filter((entry) => entry !== 'x.tar')).toEqual([])
  })
})
