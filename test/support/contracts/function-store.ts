import { beforeEach, describe, expect, it } from 'vitest'
import type { FunctionStore } from '../../../src/domain/functions/function.ts'
import type { JobStore } from '../../../src/domain/triggers/job.ts'
import { aFn, aJob, aVersion } from '../builders.ts'

/** The contract of every FunctionStore. `jobs` are the jobs that its `delete` also removes. */
export function functionStoreContract(open: () => { functions: FunctionStore; jobs: JobStore }): void {
  let functions: FunctionStore
  let jobs: JobStore

  beforeEach(() => {
    ;({ functions, jobs } = open())
  })

  describe('functions', () => {
    it('refuses a second function of the same name in a project', () => {
      functions.insert(aFn({ name: 'hello' }))
      const second = aFn({ name: 'hello' })
      expect(() => functions.insert(second)).toThrow(
        expect.objectContaining({ code: 'conflict', message: expect.stringContaining('named hello') }),
      )
      expect(functions.find(second.id)).toBeNull()
    })

    it('refuses to rename a function to a name that is taken', () => {
      functions.insert(aFn({ name: 'hello' }))
      const other = aFn({ name: 'other' })
      functions.insert(other)
      expect(() => functions.update({ ...other, name: 'hello' })).toThrow(expect.objectContaining({ code: 'conflict' }))
      expect(functions.find(other.id)).toEqual(other)
    })

    it('replaces one by another under its name; a refused replacement changes nothing', () => {
      const [before, other] = [aFn({ name: 'hello' }), aFn({ name: 'other' })]
      for (const fn of [before, other]) functions.insert(fn)
      functions.insertVersion(aVersion({ functionId: before.id, number: 1 }))
      const refused = aFn({ name: 'other' })
      expect(() => functions.replace(before.id, refused)).toThrow(expect.objectContaining({ code: 'conflict' }))
      expect(functions.list(null)).toEqual([{ ...before, latestVersion: 1 }, other])
      const after = aFn({ name: 'hello' })
      functions.replace(before.id, after)
      expect([functions.find(before.id), functions.findByName(after.projectId, 'hello')]).toEqual([null, after])
      expect(functions.listVersions(before.id)).toEqual([])
    })

    it('keeps functions of one name in several projects, and many without a name', () => {
      const fns = [aFn({ name: 'hello' }), aFn({ name: 'hello', projectId: 'other' }), aFn(), aFn()]
      for (const fn of fns) functions.insert(fn)
      expect(functions.list(null)).toEqual(fns)
    })

    it('gives back every field as it was written', () => {
      const plain = aFn()
      const full = aFn({
        name: 'full',
        description: 'all of it',
        code: { source: 'image', image: 'busybox', mode: 'http', port: 8080, extra: { kept: [1, null, 'x'] } },
        packageHash: null,
        entry: null,
        runtimeId: null,
        trustId: 'trust',
        signature: 'http',
        env: { NAME: 'wörld', EMPTY: '' },
        concurrency: 7,
        minWorkers: 1,
        api: true,
        maxWorkers: 9,
        idleTimeoutSeconds: 30,
        network: 'none',
        cpuMaxMillicpu: 1500,
        tmpSizeBytes: 5_000_000,
        placement: { gpu: 'true' },
        writable: ['/var/cache/nginx', '/run'],
        updatedAt: 5,
      })
      for (const fn of [plain, full]) functions.insert(fn)
      expect(functions.find(plain.id)).toEqual(plain)
      expect(functions.find(full.id)).toEqual(full)
    })

    it('writes every field on an update', () => {
      const fn = aFn({ name: 'before' })
      functions.insert(fn)
      const changed = aFn({ id: fn.id, name: 'after', env: { A: '1' }, memoryBytes: 1, latestVersion: 0, updatedAt: 9 })
      functions.update(changed)
      expect(functions.find(fn.id)).toEqual(changed)
    })

    it('finds by id, and by name inside a project only', () => {
      const fn = aFn({ name: 'hello' })
      functions.insert(fn)
      expect(functions.find('unknown')).toBeNull()
      expect(functions.findByName('default', 'hello')).toEqual(fn)
      expect(functions.findByName('other', 'hello')).toBeNull()
      expect(functions.findByName('default', 'unknown')).toBeNull()
    })

    it('lists by time, then id', () => {
      const third = aFn({ id: 'b', createdAt: 2 })
      const second = aFn({ id: 'a', createdAt: 2 })
      const first = aFn({ id: 'c', createdAt: 1 })
      const foreign = aFn({ createdAt: 3, projectId: 'other' })
      for (const fn of [third, foreign, second, first]) functions.insert(fn)
      expect(functions.list('default')).toEqual([first, second, third])
      expect(functions.list(null)).toEqual([first, second, third, foreign])
    })

    it('knows which runtimes are in use', () => {
      functions.insert(aFn({ runtimeId: 'used' }))
      expect(functions.usesRuntime('used')).toBe(true)
      expect(functions.usesRuntime('unused')).toBe(false)
    })

    it('tells whether there was something to delete', () => {
      const fn = aFn()
      functions.insert(fn)
      expect(functions.delete(fn.id)).toBe(true)
      expect(functions.find(fn.id)).toBeNull()
      expect(functions.delete(fn.id)).toBe(false)
    })

    it('deletes versions and finished jobs with their function, and nothing of other functions', () => {
      const fn = aFn()
      const other = aFn()
      for (const each of [fn, other]) functions.insert(each)
      for (const { id } of [fn, other]) functions.insertVersion(aVersion({ functionId: id }))
      const doomed = [aJob({ functionId: fn.id, status: 'done' }), aJob({ functionId: fn.id, status: 'cancelled' })]
      const kept = [aJob({ functionId: other.id, status: 'done' }), aJob({ functionId: null, functionAlias: 'live' })]
      for (const job of [...doomed, ...kept]) jobs.insert(job)
      functions.delete(fn.id)
      expect(functions.listVersions(fn.id)).toEqual([])
      expect(functions.listVersions(other.id)).toHaveLength(1)
      expect(jobs.list(null)).toEqual(kept)
    })
  })

  describe('versions', () => {
    const fn = aFn()
    beforeEach(() => functions.insert(fn))

    it('refuses a number that the function has', () => {
      functions.insertVersion(aVersion({ functionId: fn.id, number: 1 }))
      expect(() => functions.insertVersion(aVersion({ functionId: fn.id, number: 1 }))).toThrow(
        expect.objectContaining({ code: 'conflict' }),
      )
    })

    it('gives back every field, and lists by number', () => {
      const second = aVersion({ functionId: fn.id, number: 2, description: 'second', updatedAt: 3 })
      const first = aVersion({ functionId: fn.id, number: 1 })
      for (const version of [second, first]) functions.insertVersion(version)
      expect(functions.findVersion(fn.id, 2)).toEqual(second)
      expect(functions.findVersion(fn.id, 3)).toBeNull()
      expect(functions.findVersion('other', 1)).toBeNull()
      expect(functions.listVersions(fn.id)).toEqual([first, second])
    })

    it('deletes one version', () => {
      for (const number of [1, 11]) functions.insertVersion(aVersion({ functionId: fn.id, number }))
      expect(functions.deleteVersion(fn.id, 1)).toBe(true)
      expect(functions.deleteVersion(fn.id, 1)).toBe(false)
      expect(functions.listVersions(fn.id).map(({ number }) => number)).toEqual([11])
    })

    it("move their function's latest version to the highest there is", () => {
      const latest = () => functions.find(fn.id)?.latestVersion
      for (const number of [1, 2, 3]) functions.insertVersion(aVersion({ functionId: fn.id, number }))
      expect(latest()).toBe(3)
      functions.deleteVersion(fn.id, 2)
      expect(latest()).toBe(3)
      functions.deleteVersion(fn.id, 3)
      expect(latest()).toBe(1)
      functions.deleteVersion(fn.id, 1)
      expect(latest()).toBe(0)
    })

    it('names every package in use by a function or a version, once', () => {
      functions.insert(aFn({ packageHash: null }))
      functions.insertVersion(aVersion({ functionId: fn.id, number: 1, packageHash: 'frozen' }))
      functions.insertVersion(aVersion({ functionId: fn.id, number: 2, packageHash: fn.packageHash as string }))
      expect(functions.packageHashes()).toEqual(new Set([fn.packageHash, 'frozen']))
    })
  })
}
