import type { LayerStore } from '../../domain/functions/build.ts'
import type { FunctionStore, PackageStore } from '../../domain/functions/function.ts'
import type { Shares } from '../../domain/platform/limits.ts'

export interface PackageQuotaParts {
  functions: Pick<FunctionStore, 'packageHashesOf'>
  packages: Pick<PackageStore, 'unpackedBytes' | 'layerOf'>
  layers: Pick<LayerStore, 'ofProject' | 'remove'>
  shares: Pick<Shares, 'refuseMore' | 'limitOf'>
}

/** A project's use of its disk share: its packages, and the dependencies installed for them. */
export class PackageQuota {
  #parts: PackageQuotaParts
  /** Packages of deployments that are under way, in the order in which they came. */
  #held: { projectId: string; packageHash: string }[] = []

  constructor(parts: PackageQuotaParts) {
    this.#parts = parts
  }

  async used(projectId: string): Promise<{ packages: number; bytes: number }> {
    const hashes = this.#parts.functions.packageHashesOf(projectId)
    const spare = await this.#spareLayers(projectId, hashes)
    return { packages: hashes.length, bytes: (await this.#bytesOf(hashes)) + sumOf(spare) }
  }

  /**
   * Counts a package as the project's until what this returns is called, which is after its function was written or refused.
   * Throws FaasError `limit_reached` for a new package beyond the share. Unused packages are removed automatically, and layers
   * of builds are removed to make room.
   */
  async hold(projectId: string, packageHash: string | null): Promise<() => void> {
    const { shares } = this.#parts
    const isLimited = (['packages', 'package_bytes'] as const).some((name) => shares.limitOf(projectId, name) !== null)
    if (!isLimited || packageHash === null) return () => {}
    const own = { projectId, packageHash }
    const earlier = this.#held.filter((one) => one.projectId === projectId).map((one) => one.packageHash)
    this.#held.push(own)
    const release = () => {
      this.#held = this.#held.filter((one) => one !== own)
    }
    try {
      await this.#refuse(own, earlier)
    } catch (error) {
      release()
      throw error
    }
    return release
  }

  /** Packages of earlier deployments may be refused yet, so one of them does not stand for the same package here. */
  async #refuse({ projectId, packageHash }: { projectId: string; packageHash: string }, earlier: string[]) {
    const { shares, functions, packages } = this.#parts
    const stored = functions.packageHashesOf(projectId)
    if (stored.includes(packageHash)) return
    const others = [...new Set([...stored, ...earlier])].filter((hash) => hash !== packageHash)
    shares.refuseMore(projectId, 'packages', others.length)
    const bytes = await this.#bytesOf(others)
    shares.refuseMore(projectId, 'package_bytes', bytes, await packages.unpackedBytes(packageHash))
  }

  /** Removes unused layers of builds, the least recently used first, until the project is within its share. */
  async makeRoom(projectId: string): Promise<void> {
    const limit = this.#parts.shares.limitOf(projectId, 'package_bytes')
    if (limit === null) return
    const hashes = this.#parts.functions.packageHashesOf(projectId)
    const spare = await this.#spareLayers(projectId, hashes)
    let bytes = (await this.#bytesOf(hashes)) + sumOf(spare)
    for (const { key, sizeBytes } of spare) {
      if (bytes <= limit) return
      if (await this.#parts.layers.remove(key)) bytes -= sizeBytes
    }
  }

  /** Layers of stored packages share files with these and are counted there. */
  async #spareLayers(projectId: string, hashes: string[]) {
    const { packages, layers } = this.#parts
    const used = new Set(hashes.map((hash) => packages.layerOf(hash)))
    return (await layers.ofProject(projectId)).filter(({ key }) => !used.has(key))
  }

  async #bytesOf(hashes: string[]): Promise<number> {
    const sizes = await Promise.all(hashes.map((hash) => this.#parts.packages.unpackedBytes(hash)))
    return sizes.reduce((sum, bytes) => sum + bytes, 0)
  }
}

const sumOf = (layers: { sizeBytes: number }[]): number => layers.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
