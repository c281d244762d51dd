import { describe, expect, test } from 'vitest'
import {
  fullName,
  type ImageView,
  missingImages,
  overHighWater,
  viewsOf,
} from '../../src/domain/functions/image-use.ts'
import { checkedRegistry, registryOf } from '../../src/domain/platform/registry.ts'
import { anImage } from '../support/fake-images.ts'

const mib = 1024 * 1024

test.each([
  ['alpine', 'alpine:latest'],
  ['docker.io/library/alpine', 'alpine:latest'],
  ['docker.io/me/tool:2', 'me/tool:2'],
  ['localhost/taibai/nodejs:1', 'taibai/nodejs:1'],
  ['localhost:5000/tool', 'localhost:5000/tool:latest'],
  ['tool@sha256:00', 'tool@sha256:00'],
])('%s is called %s whatever the engine calls it', (name, full) => {
  expect(fullName(name)).toBe(full)
})

describe('of the images on an engine', () => {
  const used = new Map([
    ['taibai/nodejs:1', ['runtime nodejs']],
    ['docker.io/me/tool:2', ['function tool']],
  ])
  const all = [
    anImage({ names: ['taibai/nodejs:1', 'taibai/nodejs:latest'], isBuilt: true }),
    anImage({ names: ['taibai/nodejs-base:latest'], isBuilt: true }),
    anImage({ names: ['taibai/nodejs:0'], isBuilt: true }),
    anImage({ id: 'sha256:dangling', names: [], isBuilt: true }),
    anImage({ names: ['me/tool:2'] }),
    anImage({ names: ['me/tool:1'] }),
    anImage({ names: ['postgres:18'] }),
  ]
  const views = viewsOf(all, { used, pulled: ['me/tool:1', 'me/tool:2'] })
  const of = (name: string) => views.find(({ names, id }) => names.includes(name) || id === name)

  test('those that are somebody else’s are not among ours', () => {
    expect(of('postgres:18')).toBeUndefined()
  })

  test('those of runtimes and functions are used, and so is what runtimes are made on', () => {
    expect(of('taibai/nodejs:1')).toMatchObject({ usedBy: ['runtime nodejs'], isUnused: false })
    expect(of('me/tool:2')).toMatchObject({ usedBy: ['function tool'], isUnused: false })
    expect(of('taibai/nodejs-base:latest')).toMatchObject({ isUnused: false, isOtherRelease: false })
  })

  test('those that were fetched and are used no more may go, and those whose names were taken', () => {
    expect(of('me/tool:1')).toMatchObject({ isUnused: true, isOtherRelease: false })
    expect(of('sha256:dangling')).toMatchObject({ isUnused: true })
  })

  test('those of runtimes of other releases are told apart', () => {
    expect(of('taibai/nodejs:0')).toMatchObject({ isUnused: false, isOtherRelease: true })
  })
})

describe('beyond the high-water mark', () => {
  const view = (name: string, createdAt: number, given: Partial<ImageView> = {}): ImageView => ({
    ...anImage({ names: [name], createdAt }),
    usedBy: [],
    isPulled: true,
    isUnused: true,
    isOtherRelease: false,
    ...given,
  })
  const views = [view('new', 3), view('old', 1), view('mid', 2), view('used', 0, { isUnused: false })]
  const namesAt = (limitMib: number) => overHighWater(views, limitMib * mib).map(({ names }) => names[0])

  test('the oldest that nothing uses go until it is enough', () => {
    expect(namesAt(400)).toEqual([])
    expect(namesAt(399)).toEqual(['old'])
    expect(namesAt(200)).toEqual(['old', 'mid'])
  })

  test('what is used stays, however much it is', () => {
    expect(namesAt(1)).toEqual(['old', 'mid', 'new'])
  })

  test('images that were not fetched do not count and do not go', () => {
    expect(overHighWater([view('x', 1, { isPulled: false })], 1)).toEqual([])
  })
})

describe('registries', () => {
  test.each([
    ['alpine', 'docker.io'],
    ['me/tool:2', 'docker.io'],
    ['index.docker.io/me/tool', 'docker.io'],
    ['ghcr.io/me/tool', 'ghcr.io'],
    ['localhost:5000/tool', 'localhost:5000'],
  ])('%s comes from %s', (image, registry) => {
    expect(registryOf(image)).toBe(registry)
  })

  test.each(['', 'https://ghcr.io', 'ghcr.io/me', '-x', 'a b', 'x:port'])('%j names none', (text) => {
    expect(() => checkedRegistry(text)).toThrow(/named by its host/)
  })
})

test('what is used and not there is missing, by its canonical name; a digest is not judged', () => {
  const there = [{ id: '1', names: ['alpine:latest'], sizeBytes: 1, createdAt: 1, isBuilt: false }]
  const used = new Map([
    ['docker.io/library/alpine', ['function greet']],
    ['me/tool:2', ['function bye']],
    [`me/tool@sha256:${'0'.repeat(64)}`, ['function late']],
  ])
  expect(missingImages(there, { used })).toEqual([{ name: 'me/tool:2', usedBy: ['function bye'] }])
})
