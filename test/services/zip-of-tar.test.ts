/** What of a tar is in the ZIP that is made of it. */
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { unzipSync } from 'fflate'
import { type Pack, pack } from 'tar-stream'
import { expect, test } from 'vitest'
import { zipOfTar } from '../../src/services/functions/zip-of-tar.ts'
import { unpack } from '../../src/store/unpack.ts'

const mib = 1024 * 1024
const limits = { maxPackageBytes: mib, maxUnpackedBytes: mib, maxPackageEntries: 10 }

async function filesOf(write: (tar: Pack) => void, maxBytes = mib): Promise<Record<string, string>> {
  const tar = pack()
  write(tar)
  tar.finalize()
  const files = unzipSync(await zipOfTar(Readable.from(tar), maxBytes))
  return Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, Buffer.from(bytes).toString()]))
}

test('files are kept, also as hard links; folders are not, nor hard links to elsewhere', async () => {
  const files = await filesOf((tar) => {
    tar.entry({ name: './a', type: 'directory' })
    tar.entry({ name: './a/first' }, 'text')
    tar.entry({ name: './again', type: 'link', linkname: './a/first' })
    tar.entry({ name: './third', type: 'link', linkname: './again' })
    tar.entry({ name: './elsewhere', type: 'link', linkname: '/etc/passwd' })
  })
  expect(files).toEqual({ 'a/first': 'text', again: 'text', third: 'text' })
})

test('symbolic links are kept where they stay inside, and the package with them is taken', async () => {
  const tar = pack()
  tar.entry({ name: './lib/index.js' }, 'text')
  tar.entry({ name: './lib64', type: 'symlink', linkname: 'lib' })
  tar.entry({ name: './node_modules/.bin/tool', type: 'symlink', linkname: '../../lib/index.js' })
  tar.entry({ name: './bin/python', type: 'symlink', linkname: '/usr/bin/python3' })
  tar.entry({ name: './out', type: 'symlink', linkname: 'lib/../../etc' })
  tar.finalize()
  const above = mkdtempSync(join(tmpdir(), 'taibai-tar-'))
  const folder = join(above, 'code')
  try {
    await unpack(await zipOfTar(Readable.from(tar), mib), folder, limits)
    expect(readlinkSync(join(folder, 'lib64'))).toBe('lib')
    expect(readFileSync(join(folder, 'lib64/index.js'), 'utf8')).toBe('text')
    expect(readFileSync(join(folder, 'node_modules/.bin/tool'), 'utf8')).toBe('text')
    expect(readdirSync(folder).sort()).toEqual(['lib', 'lib64', 'node_modules'])
  } finally {
    rmSync(above, { recursive: true })
  }
})

test.each(['character-device', 'block-device', 'fifo'] as const)('a %s is refused', async (type) => {
  await expect(filesOf((tar) => tar.entry({ name: 'dev/x', type }))).rejects.toThrow(
    '"dev/x" is neither a file nor a folder nor a link.',
  )
})

test('hard links count with all their bytes', async () => {
  const made = filesOf((tar) => {
    tar.entry({ name: 'large' }, 'x'.repeat(mib / 2))
    for (let at = 0; at < 3; at++) tar.entry({ name: `link${at}`, type: 'link', linkname: 'large' })
  })
  await expect(made).rejects.toThrow(`more than ${mib} bytes`)
})

test('more files than a ZIP can count are refused', async () => {
  const made = (most: number) => {
    const tar = pack()
    for (const name of ['a', 'b', 'c']) tar.entry({ name }, '')
    tar.finalize()
    return zipOfTar(Readable.from(tar), mib, undefined, most)
  }
  await expect(made(2)).rejects.toThrow('more than 2 files')
  expect(Object.keys(unzipSync(await made(3)))).toHaveLength(3)
})
