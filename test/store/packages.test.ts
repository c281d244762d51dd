import { createHash, randomBytes } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { zipSync } from 'fflate'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { systemClock } from '../../src/domain/clock.ts'
import { FaasError } from '../../src/domain/errors.ts'
import { linkedFolderOf } from '../../src/domain/functions/function.ts'
import { PackageFolder } from '../../src/store/packages.ts'
import { zipOf } from '../../src/store/zip-of.ts'
import { packageStoreContract } from '../support/contracts/package-store.ts'
import { FakePackages } from '../support/fake-packages.ts'
import { type RawEntry, rawZip } from '../support/raw-zip.ts'

const mib = 1024 * 1024
const limits = { maxPackageBytes: 2 * mib, maxUnpackedBytes: 64 * mib, maxPackageEntries: 3000 }
const hourMs = 3_600_000

let folder: string
let packages: PackageFolder

const dayMs = 24 * hourMs
let laterMs = 0
const clock = { ...systemClock, now: () => systemClock.now() + laterMs }
const openPackages = () => PackageFolder.open({ folder, limits, keepUnusedMs: 7 * dayMs, clock })

beforeEach(async () => {
  laterMs = 0
  folder = join(mkdtempSync(join(tmpdir(), 'packages-')), 'packages')
  packages = await openPackages()
})

afterEach(async () => {
  await packages.prune(new Set())
  rmSync(join(folder, '..'), { recursive: true, force: true })
}, 60_000)

const folderMode = 0o040755
const linkMode = 0o120777
const many = (count: number): RawEntry[] => Array.from({ length: count }, (_, i) => ({ name: `${i}.js` }))
const link = (name: string, content: string): RawEntry => ({ name, content, mode: linkMode })

packageStoreContract(openPackages)
describe('those of the tests', () => packageStoreContract(async () => new FakePackages()))

it('tells where a package was stored, once; links of the engine beside it take no room and go with it', async () => {
  const told: string[] = []
  packages.tell((codeFolder) => told.push(codeFolder))
  const { hash } = await packages.put(zipOf('main.mjs', 'x'.repeat(50_000)))
  await packages.put(zipOf('main.mjs', 'x'.repeat(50_000)))
  expect(told).toEqual([packages.folder(hash)])
  mkdirSync(linkedFolderOf(packages.folder(hash)))
  linkSync(join(packages.folder(hash), 'main.mjs'), join(linkedFolderOf(packages.folder(hash)), 'main.mjs'))
  const bytes = await packages.unpackedBytes(hash)
  expect(bytes).toBeGreaterThanOrEqual(50_000)
  expect(bytes).toBeLessThan(100_000)
  expect(packages.names(hash)).toEqual(['main.mjs'])
  laterMs = 30 * dayMs
  await packages.prune(new Set())
  laterMs = 60 * dayMs
  expect(await packages.prune(new Set())).toBe(1)
  expect(readdirSync(folder)).toEqual([])
})

describe('a package is refused, and nothing is stored', () => {
  const refusals: [title: string, zip: () => Buffer, text: string][] = [
    ['when it is not a ZIP', () => Buffer.from('#!/bin/sh\necho hello\n'), 'not a ZIP'],
    ['when it is empty', () => Buffer.alloc(0), 'not a ZIP'],
    ['when it was cut off', () => zipOf('main.py', 'x'.repeat(500)).subarray(0, 100), 'not a ZIP'],
    ['when its directory is broken', () => brokenDirectory(), 'not a sound ZIP'],
    ['when a path leads out of it', () => rawZip([{ name: '../evil' }]), 'relative path'],
    ['when a path leads out of it further down', () => rawZip([{ name: 'a/b/../../../evil' }]), 'relative path'],
    ['when a path leads out of it with backslashes', () => rawZip([{ name: '..\\evil' }]), 'relative path'],
    ['when a path is absolute', () => rawZip([{ name: '/etc/passwd' }]), 'absolute'],
    ['when a path has a drive', () => rawZip([{ name: 'C:/evil' }]), 'absolute'],
    ['when a name has a NUL', () => rawZip([{ name: 'a\0b' }]), 'NUL'],
    ['when a name is too long', () => rawZip([{ name: 'x'.repeat(256) }]), 'too long'],
    ['when a name is too long in bytes', () => rawZip([{ name: 'é'.repeat(128) }]), 'too long'],
    ['when a path is too long', () => rawZip([{ name: `${'abcd/'.repeat(210)}f` }]), 'too long'],
    ['when a link is absolute', () => rawZip([link('passwd', '/etc/passwd')]), 'leads out'],
    ['when a link leads out of it', () => rawZip([link('a/up', '../../secret')]), 'leads out'],
    [
      'when a link leads out by way of another',
      () => rawZip([link('a/b/top', '../..'), link('x', 'a/b/top/../y')]),
      'leads out',
    ],
    ['when links go round in a circle', () => rawZip([link('a', 'b'), link('b', 'a')]), 'leads out'],
    ['when a link is empty', () => rawZip([link('a', '')]), 'leads out'],
    ['when a link is as long as a file', () => rawZip([link('a', 'x'.repeat(1025))]), 'too long'],
    ['when a file lies behind a link', () => rawZip([link('a', 'b'), { name: 'a/evil' }]), 'twice'],
    ['when a file lies below a file', () => rawZip([{ name: 'a' }, { name: 'a/b' }]), 'twice'],
    ['when a name comes twice', () => rawZip([{ name: 'main.py' }, { name: 'main.py' }]), 'twice'],
    ['when a name comes twice in other words', () => rawZip([{ name: 'a/b' }, { name: './a//b' }]), 'twice'],
    ['when it holds a device', () => rawZip([{ name: 'null', mode: 0o020666 }]), 'neither'],
    ['when it holds a pipe', () => rawZip([{ name: 'pipe', mode: 0o010666 }]), 'neither'],
    ['when a folder is called a file', () => rawZip([{ name: 'a/', mode: 0o100644 }]), 'the name of a folder'],
    [
      'when it is encrypted',
      () => rawZip([{ name: 'main.py', content: 'secret', deflate: true, encrypted: true }]),
      'encrypted',
    ],
    ['when it is compressed in an unusual way', () => rawZip([{ name: 'main.py', method: 12 }]), 'method 12'],
    ['when it has too many entries', () => rawZip(many(3001)), 'at most 3000'],
    ['when it says that it grows too large', () => rawZip([{ name: 'a', deflate: true, size: 65 * mib }]), 'at most'],
    ['when it is a bomb', () => bomb(), 'packages that grow this much'],
    [
      'when a file is longer than it says',
      () => rawZip([{ name: 'a', content: 'x'.repeat(5000), deflate: true, size: 10 }]),
      'what it says',
    ],
    ['when a large file is longer than it says', () => liar(2 * mib), 'what it says'],
    ['when a large file is shorter than it says', () => liar(8 * mib), 'what it says'],
    ['when a file is not what was packed', () => rawZip([{ name: 'a', content: 'good', crc: 1 }]), 'what it says'],
    [
      'when a file cannot be inflated',
      () => rawZip([{ name: 'a', content: 'x', method: 8, stored: Buffer.from('junk!') }]),
      'what it says',
    ],
  ]

  it.each(refusals)('%s', async (_, zip, text) => {
    await expect(packages.put(zip())).rejects.toMatchObject({
      name: 'FaasError',
      code: 'invalid_request',
      message: expect.stringContaining(text),
    })
    expect(readdirSync(folder)).toEqual([])
  })

  it('when it is over the limit, with an own code', async () => {
    await expect(packages.put(Buffer.alloc(2 * mib + 1))).rejects.toMatchObject({ code: 'too_large' })
    expect(readdirSync(folder)).toEqual([])
  })
})

describe('a package for which there is no space', () => {
  it('is refused before it is unpacked, with what it would take packed and unpacked', async () => {
    const zip = zipOf('main.py', 'x'.repeat(mib))
    const space = { isNearlyGone: false, refuseMore: vi.fn() }
    space.refuseMore.mockImplementation(() => {
      throw new FaasError('storage_full', 'no')
    })
    const full = await PackageFolder.open({ folder, limits, clock, space })
    await expect(full.put(zip)).rejects.toMatchObject({ code: 'storage_full' })
    expect(space.refuseMore.mock.calls).toEqual([[zip.length + mib]])
    expect(readdirSync(folder)).toEqual([])
  })
})

describe('a package', () => {
  it('is stored under the hash of its bytes, with its sums', async () => {
    const zip = zipOf('main.py', 'def main(): pass\n')
    const stored = await packages.put(zip)
    expect(stored).toEqual({
      hash: createHash('sha256').update(zip).digest('hex'),
      md5sum: createHash('md5').update(zip).digest('hex'),
      sizeBytes: zip.length,
    })
    expect(readFileSync(join(packages.folder(stored.hash), 'main.py'), 'utf8')).toBe('def main(): pass\n')
  })

  it('comes back byte for byte', async () => {
    const zip = zipOf('main.py', 'x'.repeat(200_000))
    const { hash } = await packages.put(zip)
    const { stream, sizeBytes } = packages.open(hash)
    expect(sizeBytes).toBe(zip.length)
    expect(await buffer(stream)).toEqual(zip)
  })

  it('is unpacked with folders, empty files, links inside of it, and nothing writable', async () => {
    const { hash } = await packages.put(
      rawZip([
        { name: 'bin/', mode: folderMode },
        { name: 'bin/run', content: '#!/bin/sh\n', mode: 0o100755 },
        { name: './lib//deep/main.js', content: 'export {}\n'.repeat(1000), deflate: true, mode: 0o100666 },
        { name: 'lib/empty.txt' },
        link('lib/deep/run', '../../bin/run'),
        link('start.js', 'lib/deep/../deep/./main.js'),
        { name: 'no-mode.txt', content: 'dos', mode: 0 },
      ]),
    )
    const code = packages.folder(hash)
    expect(readdirSync(code, { recursive: true }).toSorted()).toEqual([
      'bin',
      'bin/run',
      'lib',
      'lib/deep',
      'lib/deep/main.js',
      'lib/deep/run',
      'lib/empty.txt',
      'no-mode.txt',
      'start.js',
    ])
    expect(readFileSync(join(code, 'lib/deep/main.js'), 'utf8')).toBe('export {}\n'.repeat(1000))
    expect(readFileSync(join(code, 'lib/deep/run'), 'utf8')).toBe('#!/bin/sh\n')
    expect(readlinkSync(join(code, 'lib/deep/run'))).toBe('../../bin/run')
    expect(lstatSync(join(code, 'start.js')).isSymbolicLink()).toBe(true)
    const modes = ['.', 'bin', 'bin/run', 'lib/deep', 'lib/deep/main.js', 'no-mode.txt'].map((path) =>
      mode(join(code, path)),
    )
    expect(modes).toEqual([0o555, 0o555, 0o555, 0o555, 0o444, 0o444])
  })

  it('can be read by the users that workers are, under any umask', async () => {
    const before = process.umask(0o077)
    try {
      const { hash } = await packages.put(zipOf('main.js', 'x'))
      expect(['.', 'main.js'].map((path) => mode(join(packages.folder(hash), path)))).toEqual([0o555, 0o444])
    } finally {
      process.umask(before)
    }
  })

  it('with a large file is unpacked piece by piece', async () => {
    const content = Buffer.from(Array.from({ length: 600_000 }, (_, i) => `line ${i % 1000}\n`).join(''))
    const { hash } = await packages.put(rawZip([{ name: 'large.txt', content, deflate: true }]))
    expect(readFileSync(join(packages.folder(hash), 'large.txt')).equals(content)).toBe(true)
  })

  it('is stored once when it is uploaded many times at once, and again later', async () => {
    const zip = zipOf('main.py', 'pass')
    const stored = await Promise.all(Array.from({ length: 8 }, () => packages.put(Buffer.from(zip))))
    expect(new Set(stored.map(({ hash }) => hash)).size).toBe(1)
    await packages.put(zip)
    expect(readdirSync(folder)).toEqual([stored[0]?.hash])
  })

  it('is stored within seconds when it has 2,000 small files', async () => {
    const files = Object.fromEntries(
      Array.from({ length: 2000 }, (_, i) => [`d${i % 50}/f${i}.js`, Buffer.from(`// ${i}`)]),
    )
    const { hash } = await packages.put(Buffer.from(zipSync(files)))
    expect(readdirSync(packages.folder(hash), { recursive: true })).toHaveLength(2050)
  })

  it('that does not exist is not found, whatever it is called', () => {
    const unknown = 'a'.repeat(64)
    expect(() => packages.open(unknown)).toThrow(expect.objectContaining({ code: 'not_found' }))
    for (const name of ['../../etc', '', 'A'.repeat(64)]) {
      expect(() => packages.open(name)).toThrow(expect.objectContaining({ code: 'not_found' }))
      expect(() => packages.folder(name)).toThrow(expect.objectContaining({ code: 'not_found' }))
    }
  })
})

describe('pruning', () => {
  const age = (hash: string, ms: number) => {
    const then = (Date.now() - ms) / 1000
    utimesSync(join(folder, hash), then, then)
  }

  it('removes packages that nothing has used for seven days, and leaves the others', async () => {
    const put = async (text: string) => (await packages.put(zipOf('a.py', text))).hash
    const [old, kept] = [await put('old'), await put('kept')]
    for (const hash of [old, kept]) age(hash, 2 * hourMs)
    expect(await packages.prune(new Set([kept]))).toBe(0)
    laterMs = 7 * dayMs - hourMs
    const young = await put('young')
    expect(await packages.prune(new Set([kept]))).toBe(0)
    laterMs = 7 * dayMs + hourMs
    expect(await packages.prune(new Set([kept]))).toBe(1)
    expect(readdirSync(folder).toSorted()).toEqual([kept, young].toSorted())
    expect(existsSync(packages.folder(old))).toBe(false)
  })

  it('counts the seven days again from the last time that a package was used', async () => {
    const zip = zipOf('a.py', 'back')
    const { hash } = await packages.put(zip)
    for (const isBack of [async () => packages.prune(new Set([hash])), async () => packages.put(zip)]) {
      laterMs += 2 * hourMs
      expect(await packages.prune(new Set())).toBe(0)
      laterMs += 6 * dayMs
      await isBack()
      laterMs += 2 * dayMs
      expect(await packages.prune(new Set())).toBe(0)
    }
  })

  it('leaves an old package that was just uploaded again', async () => {
    const zip = zipOf('a.py', 'again')
    const { hash } = await packages.put(zip)
    age(hash, 2 * hourMs)
    await packages.put(zip)
    expect(await packages.prune(new Set())).toBe(0)
  })
})

it('opening removes what a crash left half unpacked, and nothing else', async () => {
  const { hash } = await packages.put(zipOf('a.py', 'kept'))
  const left = join(folder, '.unfinished-0123')
  mkdirSync(join(left, 'code/sub'), { recursive: true })
  writeFileSync(join(left, 'code/sub/file'), 'half', { mode: 0o444 })
  for (const path of ['code/sub', 'code']) chmodSync(join(left, path), 0o555)
  await openPackages()
  expect(readdirSync(folder)).toEqual([hash])
})

it('a single file gives the same package wherever and whenever it is made', () => {
  const zip = zipOf('main.py', 'def main():\n    return 1\n')
  expect(createHash('sha256').update(zip).digest('hex')).toMatchInlineSnapshot(
    `"e00008e4efeab0e1cebfdc33be3ee0230daa48f9cc8305ca34a582b213a5e71f"`,
  )
})

const mode = (path: string): number => statSync(path).mode & 0o777

function brokenDirectory(): Buffer {
  const zip = Buffer.from(zipOf('main.py', 'pass'))
  zip.writeUInt32LE(0, zip.readUInt32LE(zip.length - 6))
  return zip
}

/** 40 MiB of nothing. */
const bomb = (): Buffer => rawZip([{ name: 'bomb', content: Buffer.alloc(40 * mib), deflate: true }])

/** 4 MiB, but says something else. */
function liar(size: number): Buffer {
  const content = Buffer.from(Array.from({ length: 4 * mib }, (_, i) => i % 251))
  return rawZip([{ name: 'large', content, deflate: true, size }])
}

it('reads files at the top of a package as lists of dependencies: nothing of what is not a file, and none that is huge', async () => {
  const { hash } = await packages.put(
    rawZip([
      { name: 'package.json', content: '{}' },
      { name: 'uv.lock', content: 'nowhere', mode: linkMode },
      { name: 'requirements.txt/main.py', content: '' },
    ]),
  )
  expect(packages.text(hash, 'package.json')).toBe('{}')
  expect(packages.text(hash, 'uv.lock')).toBe('')
  expect(packages.text(hash, 'requirements.txt')).toBe('')
  const bytes = new Uint8Array(17 * mib)
  bytes.set(randomBytes(mib))
  const huge = await packages.put(Buffer.from(zipSync({ 'package.json': bytes })))
  expect(() => packages.text(huge.hash, 'package.json')).toThrow('Deploy the package as it is: --no-build')
})
