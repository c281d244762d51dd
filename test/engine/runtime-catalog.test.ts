import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { hashFolder } from '../../src/assets.ts'
import { readRuntimes } from '../../src/engine/worker/runtime-catalog.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'taibai-runtimes-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const cobol = {
  name: 'cobol',
  description: 'COBOL 2023',
  image: 'taibai/cobol',
  languages: ['cobol'],
  command: ['cobol', '-x', '/opt/taibai/shim.cob'],
  shim: 'shim.cob',
  signature: 'event',
  signatures: ['event', 'qinling'],
  min_memory: 1048576,
  default_entry: 'main.main',
  base: { image: 'cobol', debian: ['gnucobol'] },
}

function write(name: string, manifest: unknown): string {
  mkdirSync(join(folder, name), { recursive: true })
  const file = join(folder, name, 'runtime.json')
  writeFileSync(file, typeof manifest === 'string' ? manifest : JSON.stringify(manifest))
  return file
}

describe('a folder of runtimes that cannot be read', () => {
  test('that is missing is an error', () => {
    expect(() => readRuntimes(join(folder, 'nowhere'))).toThrow('nowhere')
  })

  const wrong: [string, unknown, RegExp][] = [
    ['is no JSON', '{"name": ', /is not a runtime/],
    ['is not an object', '[]', /is not a runtime/],
    ['lacks an image', { ...cobol, image: undefined }, /image/],
    ['has a name with a slash', { ...cobol, name: 'a/b' }, /name/],
    ['has no command', { ...cobol, command: [] }, /command/],
    ['has an unknown signature', { ...cobol, signature: 'soap' }, /signature/],
    ['has a default signature that its shim cannot do', { ...cobol, signature: 'http' }, /signature/],
    ['has a twin whose signature its shim cannot do', twin({ signature: 'http' }), /signature/],
    ['names no default entry', { ...cobol, default_entry: undefined }, /default_entry/],
    ['has a default entry without a callable', { ...cobol, default_entry: 'main' }, /module\.callable/],
    ['has a version without an image', { ...cobol, versions: [{ name: 'cobol85', description: '' }] }, /image/],
    ['needs no memory', { ...cobol, min_memory: 0 }, /min_memory/],
    ['needs part of a byte', { ...cobol, min_memory: 1.5 }, /min_memory/],
  ]
  test.each(wrong)('one whose runtime.json %s is an error that names the file', (_what, manifest, message) => {
    const file = write('cobol', manifest)
    expect(() => readRuntimes(folder)).toThrow(file)
    expect(() => readRuntimes(folder)).toThrow(message)
  })

  test('two that have one name are an error', () => {
    write('cobol', cobol)
    write('other', cobol)
    expect(() => readRuntimes(folder)).toThrow(/cobol.*twice/s)
  })

  test('a twin that has the name of another runtime is an error', () => {
    write('cobol', twin({ name: 'other' }))
    write('other', { ...cobol, name: 'other' })
    expect(() => readRuntimes(folder)).toThrow(/other.*twice/s)
  })
})

describe('a folder of runtimes', () => {
  test('that is empty has none', () => {
    expect(readRuntimes(folder)).toEqual([])
  })

  test('gives what the server needs of each', () => {
    write('cobol', cobol)
    expect(readRuntimes(folder)).toEqual([
      {
        name: 'cobol',
        description: 'COBOL 2023',
        image: `taibai/cobol:${hashFolder(join(folder, 'cobol')).slice(0, 12)}`,
        repository: 'taibai/cobol',
        languages: ['cobol'],
        command: ['cobol', '-x', '/opt/taibai/shim.cob'],
        shimPath: join(folder, 'cobol', 'shim.cob'),
        signature: 'event',
        signatures: ['event', 'qinling'],
        minMemoryBytes: 1048576,
        defaultEntry: 'main.main',
      },
    ])
  })

  test('leaves an image alone that names a tag itself', () => {
    write('cobol', { ...cobol, image: 'registry.example:5000/cobol:2023' })
    expect(readRuntimes(folder)).toMatchObject([{ image: 'registry.example:5000/cobol:2023' }])
  })

  test('gives an image another tag when what goes into it has changed', () => {
    write('cobol', cobol)
    const [before] = readRuntimes(folder)
    writeFileSync(join(folder, 'cobol', 'more.cob'), 'DISPLAY')
    expect(readRuntimes(folder)[0]?.image).not.toBe(before?.image)
  })

  test('gives them by name, twins behind their own', () => {
    write('b', twin({ name: 'a-twin' }, 'b'))
    write('a', { ...cobol, name: 'a' })
    expect(readRuntimes(folder).map(({ name }) => name)).toEqual(['a', 'b', 'a-twin'])
  })

  test('gives a twin with its own name, text and signature, and the image of the first', () => {
    write('cobol', twin({}))
    const [first, second] = readRuntimes(folder)
    expect(second).toEqual({ ...first, name: 'twin', description: 'a twin', signature: 'qinling' })
  })

  test('gives a twin its own languages where it has some', () => {
    write('cobol', twin({ languages: ['jcl'] }))
    expect(readRuntimes(folder)).toMatchObject([{ languages: ['cobol'] }, { name: 'twin', languages: ['jcl'] }])
  })

  test('ignores files, and folders without a runtime.json', () => {
    writeFileSync(join(folder, 'README.md'), '')
    mkdirSync(join(folder, 'empty'))
    expect(readRuntimes(folder)).toEqual([])
  })
})

describe('a further version of a language', () => {
  const versions = [
    { name: 'cobol85', description: 'COBOL 85', image: 'taibai/cobol85', base: { image: 'cobol:85' } },
    { name: 'cobol60', description: 'COBOL 60', image: 'taibai/cobol60', base: { image: 'cobol:60' } },
  ]

  test('is a runtime when it is asked for, with an image of its own and all else of the language', () => {
    write('cobol', { ...cobol, versions })
    const [usual, asked, ...more] = readRuntimes(folder, ['cobol85', 'cobol'])
    expect(more).toEqual([])
    expect(asked).toEqual({
      ...usual,
      name: 'cobol85',
      description: 'COBOL 85',
      image: usual?.image.replace('cobol:', 'cobol85:'),
      repository: 'taibai/cobol85',
    })
  })

  test('has twins of its own image, and comes by the name of one, too', () => {
    const also = [{ name: 'old-cobol85', signature: 'qinling', description: 'as long ago' }]
    write('cobol', { ...cobol, versions: [{ ...versions[0], also }] })
    const [, version, twin, ...more] = readRuntimes(folder, ['cobol85'])
    expect(more).toEqual([])
    expect(twin).toEqual({ ...version, name: 'old-cobol85', description: 'as long ago', signature: 'qinling' })
    expect(readRuntimes(folder, ['old-cobol85'])).toEqual(readRuntimes(folder, ['cobol85']))
  })

  test('whose twin calls functions as the shim cannot is refused', () => {
    const also = [{ name: 'twin', signature: 'lambda', description: 'not there' }]
    write('cobol', { ...cobol, versions: [{ ...versions[0], also }] })
    expect(() => readRuntimes(folder)).toThrow('must be among "signatures"')
  })

  test('is none of a machine without containers, whose languages are of the versions that it has', () => {
    write('cobol', { ...cobol, versions })
    write('ada', { ...cobol, name: 'ada', optional: true })
    expect(() => readRuntimes(folder, ['cobol85'], { ofHost: true })).toThrow(
      /TAIBAI_RUNTIMES.*cobol85 needs containers/,
    )
    expect(readRuntimes(folder, ['ada'], { ofHost: true }).map(({ name }) => name)).toEqual(['cobol', 'ada'])
  })

  test('that there is not is said, with those that there are', () => {
    write('cobol', { ...cobol, versions })
    expect(() => readRuntimes(folder, ['cobol74'])).toThrow(
      'no runtime cobol74; the ones that can be added are cobol85, cobol60.',
    )
  })

  test('has a name that no other has', () => {
    write('cobol', { ...cobol, versions: [{ ...versions[0], name: 'cobol' }] })
    expect(() => readRuntimes(folder)).toThrow(/cobol.*twice/s)
  })
})

test('a language that is optional is there, with its twins, when it is asked for', () => {
  write('cobol', { ...(twin({}) as typeof cobol), optional: true })
  expect(readRuntimes(folder)).toEqual([])
  expect(readRuntimes(folder, ['cobol']).map(({ name }) => name)).toEqual(['cobol', 'twin'])
})

test('the runtimes that come along can be read, and their shims are there', () => {
  const comingAlong = fileURLToPath(new URL('../../runtimes', import.meta.url))
  const runtimes = readRuntimes(comingAlong)
  const further = readRuntimes(comingAlong, ['nodejs22', 'python311', 'ruby', 'go']).slice(runtimes.length)
  expect(further.map(({ name, signature }) => `${name} ${signature}`)).toEqual([
    'go event',
    'ruby event',
    'nodejs22 event',
    'qinling-nodejs22 qinling',
    'python311 event',
    'qinling-python311 qinling',
  ])
  expect(runtimes.map(({ name }) => name)).toEqual([
    'nodejs',
    'qinling-nodejs',
    'provided',
    'executable',
    'python3',
    'qinling-python3',
  ])
  for (const { shimPath } of runtimes) expect(existsSync(shimPath), shimPath).toBe(true)
})

function twin(overrides: object, name = 'cobol'): object {
  return {
    ...cobol,
    name,
    also: [{ name: 'twin', signature: 'qinling', description: 'a twin', ...overrides }],
  }
}
