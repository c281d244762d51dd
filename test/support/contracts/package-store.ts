import { buffer } from 'node:stream/consumers'
import { beforeEach, describe, expect, it } from 'vitest'
import type { PackageStore } from '../../../src/domain/functions/function.ts'
import { zipOf } from '../../../src/store/zip-of.ts'

/** What every PackageStore promises of the packages that it is given. */
export function packageStoreContract(open: () => Promise<PackageStore>): void {
  describe('a store of packages', () => {
    const zip = zipOf('main.py', 'def main(event, context): return event')
    const unknown = 'f'.repeat(64)
    let packages: PackageStore

    beforeEach(async () => {
      packages = await open()
    })

    it('refuses what is not a ZIP, and what is larger than asked', async () => {
      await expect(packages.put(Buffer.from('#!/bin/sh'))).rejects.toMatchObject({ code: 'invalid_request' })
      await expect(packages.put(zip, zip.length - 1)).rejects.toMatchObject({ code: 'too_large' })
    })

    it('has nothing under an address that it did not give', () => {
      expect(() => packages.open(unknown)).toThrow(expect.objectContaining({ code: 'not_found' }))
    })

    it('gives the bytes back as they came, under the SHA-256 and the MD5 of them', async () => {
      const stored = await packages.put(zip)
      expect(stored).toMatchObject({
        hash: expect.stringMatching(/^[0-9a-f]{64}$/),
        md5sum: expect.stringMatching(/^[0-9a-f]{32}$/),
        sizeBytes: zip.length,
      })
      const { stream, sizeBytes } = packages.open(stored.hash)
      expect(await buffer(stream)).toEqual(zip)
      expect(sizeBytes).toBe(zip.length)
      expect(packages.folder(stored.hash)).toContain(stored.hash)
    })

    it('keeps the same bytes once', async () => {
      expect(await packages.put(zip)).toEqual(await packages.put(zip))
    })

    it('prunes nothing that is to be kept, and nothing that has just come', async () => {
      const { hash } = await packages.put(zip)
      const young = await packages.put(zipOf('main.py', 'young'))
      expect(await packages.prune(new Set([hash]))).toBe(0)
      for (const one of [hash, young.hash]) expect(packages.open(one).sizeBytes).toBeGreaterThan(0)
    })
  })
}
