import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { linkedFolderOf } from '../../src/domain/functions/function.ts'
import { LinkedCode } from '../../src/engine/worker/linked-code.ts'
import { FakeClock } from '../support/fake-clock.ts'

let parent = ''
let clock = new FakeClock()
let links = new LinkedCode(clock)

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'taibai-linked-'))
  clock = new FakeClock()
  links = new LinkedCode(clock)
})

afterEach(() => rmSync(parent, { recursive: true, force: true }))

/** A stored package with this number of files in two folders. */
function aPackage(files: number): string {
  const stored = join(parent, 'stored', 'code')
  mkdirSync(join(stored, 'lib'), { recursive: true })
  for (let n = 0; n < files; n++) writeFileSync(join(stored, n % 2 === 0 ? `${n}.txt` : `lib/${n}.txt`), `${n}`)
  symlinkSync('0.txt', join(stored, 'link'))
  return stored
}

const below = (folder: string): string[] => readdirSync(folder, { recursive: true }).map(String).sort()
const inode = (...path: string[]): number => statSync(join(...path)).ino
const modeOf = (path: string): number => statSync(path).mode & 0o777

test('of many files is the folder that was made ahead, and the next is made when the first call is through', async () => {
  const stored = aPackage(300)
  await links.makeAhead(stored)
  const ahead = inode(linkedFolderOf(stored))
  await links.put(stored, join(parent, 'one'))
  expect([inode(parent, 'one'), existsSync(linkedFolderOf(stored))]).toEqual([ahead, false])
  expect(below(join(parent, 'one'))).toEqual(below(stored))
  expect(inode(parent, 'one', 'lib', '1.txt')).toBe(inode(stored, 'lib', '1.txt'))
  await clock.pass(1000)
  await vi.waitFor(() => expect(existsSync(linkedFolderOf(stored))).toBe(true), { timeout: 60_000 })
  await links.put(stored, join(parent, 'two'))
  expect(below(join(parent, 'two'))).toEqual(below(stored))
})

test('is made at once where none is ahead, also for two workers at the same time', async () => {
  const stored = aPackage(300)
  await links.makeAhead(stored)
  await Promise.all(['one', 'two', 'three'].map((name) => links.put(stored, join(parent, name))))
  for (const name of ['one', 'two', 'three']) expect(below(join(parent, name))).toEqual(below(stored))
})

test('of few files is not made ahead', async () => {
  const stored = aPackage(20)
  await links.makeAhead(stored)
  expect(readdirSync(join(parent, 'stored'))).toEqual(['code'])
})

test('that was left half made is made anew', async () => {
  const stored = aPackage(300)
  mkdirSync(`${linkedFolderOf(stored)}.unfinished/lib`, { recursive: true })
  await links.makeAhead(stored)
  expect(readdirSync(join(parent, 'stored'))).toEqual(['code', 'code.linked'])
  expect(below(linkedFolderOf(stored))).toEqual(below(stored))
})

test('of a package that is removed meanwhile, or was, is left alone', async () => {
  const stored = aPackage(300)
  const making = links.makeAhead(stored)
  rmSync(join(parent, 'stored'), { recursive: true })
  await making
  await links.makeAhead(stored)
  expect(existsSync(join(parent, 'stored'))).toBe(false)
})

test('can be read by the worker’s user under any umask', async () => {
  const stored = aPackage(300)
  const before = process.umask(0o077)
  try {
    await links.makeAhead(stored)
    for (const path of ['', 'lib']) expect(modeOf(join(linkedFolderOf(stored), path))).toBe(0o755)
  } finally {
    process.umask(before)
  }
})
