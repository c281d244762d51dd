import { existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { FaasError } from '../../src/domain/errors.ts'
import { unpack } from '../../src/store/unpack.ts'
import { rawZip } from '../support/raw-zip.ts'

const limits = { maxPackageBytes: 1e6, maxUnpackedBytes: 1e6, maxPackageEntries: 100 }
let root: string
let made = 0
beforeAll(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'unpack-')))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** The folder, or null when the ZIP was refused as it should be. */
async function unpacked(zip: Buffer): Promise<string | null> {
  const folder = join(root, `${made++}`)
  try {
    await unpack(zip, folder, limits)
    return folder
  } catch (error) {
    expect(error).toBeInstanceOf(FaasError)
    expect(error).toMatchObject({ code: 'invalid_request' })
    return null
  }
}

const contents = ['def main():\n    return 1\n'.repeat(50), 'hello', ''] as const
const target = '../main.py'
const sound = rawZip([
  { name: 'main.py', content: contents[0], deflate: true },
  { name: 'lib/hello.txt', content: contents[1] },
  { name: 'lib/empty', content: contents[2] },
  { name: 'lib/link', content: target, mode: 0o120777 },
])

it('a damaged ZIP is refused, or its files are what was packed', async () => {
  // One byte makes a file of the link, which holds what the link held.
  const packed = [...contents, target]
  const damage = fc.array(fc.tuple(fc.nat(sound.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
  await fc.assert(
    fc.asyncProperty(damage, async (changes) => {
      const zip = Buffer.from(sound)
      for (const [at, byte] of changes) zip[at] = byte
      const folder = await unpacked(zip)
      if (folder === null) return
      const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
      for (const file of files) expect(packed).toContain(readFileSync(join(file.parentPath, file.name), 'utf8'))
    }),
    { numRuns: 400 },
  )
})

it('no link leads out of a package, by whatever way', async () => {
  const part = fc.constantFrom('a', 'b', 'c', '..', '.', '')
  const path = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'))
  const target = fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => parts.join('/'))
  const links = fc.array(fc.record({ name: path, content: target, mode: fc.constant(0o120777) }), { maxLength: 6 })
  await fc.assert(
    fc.asyncProperty(links, fc.array(path, { maxLength: 4 }), async (entries, files) => {
      const folder = await unpacked(rawZip([...entries, ...files.map((name) => ({ name: `${name}/file` }))]))
      if (folder === null) return
      for (const { name } of entries) {
        const place = join(folder, name)
        if (existsSync(place)) expect(`${realpathSync(place)}/`).toContain(`${folder}/`)
      }
    }),
    { numRuns: 500 },
  )
})

it('files keep the times that the ZIP says; without one, changed files of equal size differ by that of unpacking', async () => {
  const time = 1_700_000_001
  const begunMs = Date.now()
  const folder = await unpacked(
    rawZip([
      { name: 'small', content: 'x', time },
      { name: 'large', content: 'x'.repeat(900_000), deflate: true, time },
      { name: 'before 1970', time: -1 },
      { name: 'plain' },
    ]),
  )
  const timeOf = (name: string) => statSync(join(folder as string, name)).mtimeMs / 1000
  expect([timeOf('small'), timeOf('large'), timeOf('before 1970')]).toEqual([time, time, -1])
  expect(timeOf('plain') * 1000).toBeGreaterThan(begunMs - 2000)
})
