import { createHash } from 'node:crypto'
import { FaasError, invalid, notFound } from '../../src/domain/errors.ts'
import type { Layer } from '../../src/domain/functions/build.ts'
import type { PackageStore, StoredPackage } from '../../src/domain/functions/function.ts'

/** Packages in memory. What begins like a ZIP is one. */
export class FakePackages implements PackageStore {
  readonly stored = new Map<string, Buffer>()
  maxBytes = 50 * 1024 * 1024

  async put(zip: Buffer, maxBytes = this.maxBytes): Promise<StoredPackage> {
    if (zip.length > maxBytes) throw new FaasError('too_large', 'The package is too large.')
    if (zip.subarray(0, 2).toString() !== 'PK') throw invalid('The package is not a ZIP.')
    const hash = createHash('sha256').update(zip).digest('hex')
    this.stored.set(hash, zip)
    return { hash, md5sum: createHash('md5').update(zip).digest('hex'), sizeBytes: zip.length }
  }

  async putBuilt(source: StoredPackage, layer: Layer): Promise<StoredPackage> {
    const zip = this.stored.get(source.hash) as Buffer
    const hash = createHash('sha256').update(`${source.hash}${layer.id}`).digest('hex')
    this.stored.set(hash, zip)
    this.#layers.set(hash, layer.key)
    return { ...source, hash }
  }

  readonly #layers = new Map<string, string>()

  layerOf(hash: string): string | null {
    return this.#layers.get(hash) ?? null
  }

  /** The files at the top of a package, set by the test: a fake ZIP has none. */
  readonly files = new Map<string, Record<string, string>>()

  names(hash: string): string[] {
    return Object.keys(this.files.get(hash) ?? {}).sort()
  }

  text(hash: string, name: string): string {
    return this.files.get(hash)?.[name] ?? ''
  }

  open(hash: string): { stream: ReadableStream<Uint8Array>; sizeBytes: number } {
    const zip = this.stored.get(hash)
    if (zip === undefined) throw notFound('Package', hash)
    return { stream: new Blob([new Uint8Array(zip)]).stream(), sizeBytes: zip.length }
  }

  sizeOf(hash: string): number {
    const zip = this.stored.get(hash)
    if (zip === undefined) throw notFound('Package', hash)
    return zip.length
  }

  async unpackedBytes(hash: string): Promise<number> {
    return this.stored.get(hash)?.length ?? 0
  }

  folder(hash: string): string {
    return `/packages/${hash}`
  }

  async prune(): Promise<number> {
    return 0
  }
}
