import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { type Header, pack } from 'tar-stream'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Layer } from '../../src/domain/functions/build.ts'
import { LayerFolder } from '../../src/store/layers.ts'
import { PackageFolder } from '../../src/store/packages.ts'
import { zipOf } from '../../src/store/zip-of.ts'
import { FakeClock } from '../support/fake-clock.ts'

/** What builds hand over, on a real disk: what must not be laid out is refused, and nothing of it stays. */

let root: string
let layers: LayerFolder
const clock = new FakeClock()
const day = 86_400_000
const key = 'a'.repeat(64)

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'taibai-layers-'))
  const limits = { maxBytes: 1024 * 1024, maxEntries: 10, keepUnusedMs: 7 * day }
  layers = await LayerFolder.open({ ...limits, folder: join(root, 'layers'), clock })
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

type Given = Partial<Header> & { name: string; text?: string }

function tarOf(...entries: Given[]): Readable {
  const tar = pack()
  for (const { text = '', ...header } of entries) {
    if (header.type === undefined) tar.entry(header, text)
    else tar.entry(header)
  }
  tar.finalize()
  return Readable.from(tar)
}

describe('A build is refused', () => {
  const cases: [what: string, entry: Given, why: string][] = [
    ['that leads out of its folder', { name: '../evil', text: 'x' }, 'leads out of the folder'],
    ['with a whole path', { name: '/etc/passwd', text: 'x' }, 'leads out of the folder'],
    ['with a link that leads out', { name: 'link', type: 'symlink', linkname: '../../../etc' }, 'leads out of it'],
    [
      'with a hard link that leads out',
      { name: 'link', type: 'link', linkname: '../secret' },
      'leads out of the folder',
    ],
    [
      'with a device',
      { name: 'disk', type: 'block-device', devmajor: 8 },
      'is neither a file, nor a folder, nor a link',
    ],
    [
      'that is too large',
      { name: 'large', text: 'x'.repeat(1024 * 1024 + 1) },
      'more than 1 MiB (TAIBAI_BUILD_MAX_MB)',
    ],
  ]

  test.each(cases)('%s', async (_what, entry, why) => {
    await expect(layers.put(key, tarOf({ name: 'good', text: 'x' }, entry), 'red')).rejects.toThrow(why)
    expect(readdirSync(join(root, 'layers'))).toEqual([])
    expect(await layers.find(key)).toBeNull()
  })

  test('that has too many files', async () => {
    const many = Array.from({ length: 11 }, (_, at) => ({ name: `${at}` }))
    await expect(layers.put(key, tarOf(...many), 'red')).rejects.toThrow('more than 10 files (TAIBAI_BUILD_MAX_FILES)')
  })

  test('that writes through a link of its own', async () => {
    const entries = [
      { name: 'there', type: 'symlink' as const, linkname: '..' },
      { name: 'there/evil', text: 'x' },
    ]
    await expect(layers.put(key, tarOf(...entries), 'red')).rejects.toThrow()
    expect(existsSync(join(root, 'evil'))).toBe(false)
    expect(existsSync(join(root, 'layers/evil'))).toBe(false)
  })

  test('whose archive breaks off', async () => {
    const broken = Readable.from(
      (async function* () {
        yield Buffer.alloc(512)
        throw new Error('the engine broke off')
      })(),
    )
    await expect(layers.put(key, broken, 'red')).rejects.toThrow()
    expect(readdirSync(join(root, 'layers'))).toEqual([])
  })
})

const tool: Given[] = [
  { name: './', type: 'directory' },
  { name: './node_modules/tool.cjs', text: 'module.exports = 1', mode: 0o755, mtime: new Date(1_700_000_000_000) },
  { name: './node_modules/same.cjs', type: 'link', linkname: 'node_modules/tool.cjs' },
  { name: './node_modules/.bin/tool', type: 'symlink', linkname: '../tool.cjs' },
]

describe('What a build installed', () => {
  test('is kept with its times and links, and cannot be written to', async () => {
    const { folder, sizeBytes } = await layers.put(key, tarOf(...tool), 'red')
    const file = statSync(join(folder, 'node_modules/tool.cjs'))
    expect([file.mode & 0o777, file.mtimeMs, sizeBytes]).toEqual([0o555, 1_700_000_000_000, 18])
    for (const name of ['same.cjs', '.bin/tool']) {
      expect(readFileSync(join(folder, 'node_modules', name), 'utf8')).toBe('module.exports = 1')
    }
    expect(await layers.find(key)).toMatchObject({ folder, sizeBytes })
  })

  test('is listed for its project, the one used longest ago first', async () => {
    const other = 'b'.repeat(64)
    for (const each of [key, other]) {
      const { release } = await layers.put(each, each === key ? tarOf(...tool) : tarOf({ name: 'x', text: 'x' }), 'red')
      release()
    }
    await layers.put('c'.repeat(64), tarOf({ name: 'x', text: 'x' }), 'blue')
    const usedAt = (name: string, ms: number) => utimesSync(join(root, 'layers', `${name}-1`), ms / 1000, ms / 1000)
    usedAt(key, clock.now())
    usedAt(other, clock.now() - day)
    expect(await layers.ofProject('red')).toMatchObject([
      { key: other, sizeBytes: 1 },
      { key, sizeBytes: 18 },
    ])
    await layers.remove(other)
    expect(await layers.ofProject('red')).toHaveLength(1)
  })

  test('is not found from the moment on that it is being removed, whole or half', async () => {
    const { release } = await layers.put(key, tarOf(...tool), 'red')
    release()
    const removed = layers.remove(key)
    expect(await layers.find(key)).toBeNull()
    await removed
    await layers.remove(key)
    expect(readdirSync(join(root, 'layers'))).toEqual([])
  })

  test('is removed when nothing has used it for some days', async () => {
    const { release } = await layers.put(key, tarOf(...tool), 'red')
    release()
    const place = join(root, 'layers', `${key}-1`)
    const usedAt = (ms: number) => utimesSync(place, ms / 1000, ms / 1000)
    usedAt(clock.now() - 8 * day)
    const found = await layers.find(key)
    expect(found).not.toBeNull()
    await layers.prune()
    expect(existsSync(place)).toBe(true)
    found?.release()
    usedAt(clock.now() - 8 * day)
    await layers.prune()
    expect(existsSync(place)).toBe(false)
  })

  test('lies beside the files of the package, whose own come first', async () => {
    const limits = { maxPackageBytes: 1e6, maxUnpackedBytes: 1e7, maxPackageEntries: 100 }
    const packages = await PackageFolder.open({ folder: join(root, 'packages'), limits, clock })
    const layer: Layer = await layers.put(key, tarOf(...tool, { name: './main.mjs', text: 'installed' }), 'red')
    const source = await packages.put(zipOf('main.mjs', 'own'))
    const built = await packages.putBuilt(source, layer)
    expect(await packages.putBuilt(source, layer)).toEqual(built)
    expect([built.md5sum, packages.sizeOf(built.hash)]).toEqual([source.md5sum, source.sizeBytes])
    const code = packages.folder(built.hash)
    expect(packages.names(built.hash)).toEqual(['main.mjs', 'node_modules'])
    expect(readFileSync(join(code, 'main.mjs'), 'utf8')).toBe('own')
    rmSync(join(root, 'layers'), { recursive: true })
    expect(readFileSync(join(code, 'node_modules/.bin/tool'), 'utf8')).toBe('module.exports = 1')
    expect(statSync(join(code, 'node_modules')).mode & 0o222).toBe(0)
  })
})

describe('A layer in use', () => {
  const oldFile = { name: 'node_modules/old.cjs', text: 'old' }
  const newFile = { name: 'node_modules/new.cjs', text: 'new' }
  const names = () => readdirSync(join(root, 'layers')).sort()
  const reopened = async () => {
    layers = await LayerFolder.open({
      maxBytes: 1e6,
      maxEntries: 10,
      keepUnusedMs: 7 * day,
      folder: join(root, 'layers'),
      clock,
    })
  }

  test('stays as it is while another build of the same lists replaces it, and goes with its last user', async () => {
    const first = await layers.put(key, tarOf(oldFile), 'red')
    const also = await layers.find(key)
    const second = await layers.put(key, tarOf(newFile), 'red')
    expect(also?.folder).toBe(first.folder)
    expect(second.folder).not.toBe(first.folder)
    first.release()
    first.release()
    expect(readdirSync(join(first.folder, 'node_modules'))).toEqual(['old.cjs'])
    expect(await layers.find(key)).toMatchObject({ id: second.id, folder: second.folder })
    also?.release()
    await expect.poll(names).toEqual([`${key}-2`])
  })

  test('is neither pruned nor removed, however old it is', async () => {
    const held = await layers.put(key, tarOf(oldFile), 'red')
    utimesSync(join(root, 'layers', `${key}-1`), 0, 0)
    await layers.prune()
    expect(await layers.remove(key)).toBe(false)
    expect(readdirSync(join(held.folder, 'node_modules'))).toEqual(['old.cjs'])
    held.release()
    await layers.prune()
    expect(names()).toEqual([])
  })

  test('keeps its folder when its successor was removed and the same is built once more', async () => {
    const first = await layers.put(key, tarOf(oldFile), 'red')
    const second = await layers.put(key, tarOf(newFile), 'red')
    second.release()
    expect(await layers.remove(key)).toBe(true)
    const third = await layers.put(key, tarOf(newFile), 'red')
    expect(readdirSync(join(first.folder, 'node_modules'))).toEqual(['old.cjs'])
    first.release()
    await expect.poll(names).toHaveLength(1)
    expect(readdirSync(join(third.folder, 'node_modules'))).toEqual(['new.cjs'])
  })

  test('that was replaced right before a crash is gone after the next start', async () => {
    await layers.put(key, tarOf(oldFile), 'red')
    await layers.put(key, tarOf(newFile), 'red')
    mkdirSync(join(root, 'layers', `.unfinished-${'0'.repeat(16)}`))
    expect(names()).toHaveLength(3)
    await reopened()
    expect(names()).toEqual([`${key}-2`])
    const found = await layers.find(key)
    expect(readdirSync(join(String(found?.folder), 'node_modules'))).toEqual(['new.cjs'])
  })

  test('of an earlier release, without a number, is found and replaced', async () => {
    await layers.put(key, tarOf(oldFile), 'red')
    renameSync(join(root, 'layers', `${key}-1`), join(root, 'layers', key))
    await reopened()
    expect(await layers.find(key)).toMatchObject({ folder: join(root, 'layers', key, 'files') })
    const { folder } = await layers.put(key, tarOf(newFile), 'red')
    expect(folder).toBe(join(root, 'layers', `${key}-1`, 'files'))
  })
})
