import { beforeEach, describe, expect, it } from 'vitest'
import type { ListedObject, SourceStore } from '../../../src/domain/triggers/source.ts'
import { aSource } from '../builders.ts'
import { triggerStoreContract } from './trigger-store.ts'

const full = aSource({
  name: 'uploads',
  prefix: 'in/',
  events: ['deleted'],
  functionId: null,
  functionVersion: null,
  functionAlias: 'live',
  intervalSeconds: 60,
  status: 'paused',
  sinceMs: 7,
  updatedAt: 1,
})

/** The contract of every SourceStore. */
export function sourceStoreContract(open: () => SourceStore): void {
  triggerStoreContract({ what: 'sources', open, make: aSource, full })

  describe('what a source remembers', () => {
    let sources: SourceStore
    const source = aSource()

    beforeEach(() => {
      sources = open()
      sources.insert(source)
    })

    const created = (name: string, etag = 'e') => ({ object: anObject(name, etag), event: 'created' as const })

    it('is nothing of a source that there is not', () => {
      sources.remember('unknown', [created('a')])
      expect(sources.objectsAfter('unknown', '', 10)).toEqual([])
    })

    it('comes back as it was, by name as bytes, from behind a name, as many as are wanted', () => {
      sources.remember(
        source.id,
        ['a', 'é', 'z', '日', '😀'].map((name) => created(name)),
      )
      const names = (after: string, limit: number) =>
        sources.objectsAfter(source.id, after, limit).map(({ name }) => name)
      expect(names('', 10)).toEqual(['a', 'z', 'é', '日', '😀'])
      expect(names('z', 2)).toEqual(['é', '日'])
      expect(sources.objectsAfter(source.id, '', 1)).toEqual([anObject('a', 'e')])
    })

    it('is the newest that was learnt of an object, and nothing of one that is gone', () => {
      sources.remember(source.id, [created('a'), created('b')])
      sources.remember(source.id, [
        { object: anObject('a', 'new'), event: 'changed' },
        { object: anObject('b', 'e'), event: 'deleted' },
        { object: anObject('c', 'e'), event: null },
      ])
      expect(sources.objectsAfter(source.id, '', 10)).toEqual([anObject('a', 'new'), anObject('c', 'e')])
    })

    it('is its own, and goes with it', () => {
      const other = aSource()
      sources.insert(other)
      sources.remember(source.id, [created('a')])
      sources.remember(other.id, [created('b')])
      sources.delete(source.id)
      expect(sources.objectsAfter(source.id, '', 10)).toEqual([])
      expect(sources.objectsAfter(other.id, '', 10)).toEqual([anObject('b', 'e')])
    })
  })
}

const anObject = (name: string, etag: string): ListedObject => ({
  name,
  etag,
  bytes: 3,
  lastModified: '2030-01-02T03:04:05.678900',
})
