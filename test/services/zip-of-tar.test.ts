/** What of a tar is in the ZIP that is made of it. */
import { Readable } from 'node:stream'
import { unzipSync } from 'fflate'
import { type Pack, pack } from 'tar-stream'
import { expect, test } from 'vitest'
import { zipOfTar } from '../../src/services/functions/zip-of-tar.ts'

const mib = 1024 * 1024

async function filesOf(write: (tar: Pack) => void, maxBytes = mib): Promise<Record<string, string>> {
  const tar = pack()
  write(tar)
  tar.finalize()
  const files = unzipSync(await zipOfTar(Readable.from(tar), maxBytes))
  return Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, Buffer.from(bytes).toString()]))
}

test('files are kept, also as hard links; symbolic links and folders are not', async () => {
  const files = await filesOf((tar) => {
    tar.entry({ name: './a', type: 'directory' })
    tar.entry({ name: './a/first' }, 'text')
    tar.entry({ name: './again', type: 'link', linkname: './a/first' })
    tar.entry({ name: './third', type: 'link', linkname: './again' })
    tar.entry({ name: './symbolic', type: 'symlink', linkname: './a/first' })
    tar.entry({ name: './elsewhere', type: 'link', linkname: '/etc/passwd' })
  })
  expect(files).toEqual({ 'a/first': 'text', again: 'text', third: 'text' })
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
