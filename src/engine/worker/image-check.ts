import type { Runtime, RuntimeImages } from '../../domain/functions/runtime.ts'
import type { WorkerFactory } from '../pool/pool-worker.ts'
import type { SandboxEngine } from '../sandbox/sandbox.ts'

/** Tests a runtime that an operator adds: its image must exist, and a worker must say hello. */
export class ImageCheck implements RuntimeImages {
  #engine: SandboxEngine
  #factory: WorkerFactory
  #versions: ReadonlyMap<string, string>

  /** `versions`: language versions by image. */
  constructor(engine: SandboxEngine, factory: WorkerFactory, versions: ReadonlyMap<string, string>) {
    this.#engine = engine
    this.#factory = factory
    this.#versions = versions
  }

  languageVersion(image: string): string | null {
    return this.#versions.get(image) ?? null
  }

  async prepare(runtime: Runtime): Promise<void> {
    const { image, trusted, minMemoryBytes: memoryBytes } = runtime
    await this.#engine.prepareImage(image)
    const worker = await this.#factory.startGeneric({ image, trusted, memoryBytes, network: 'none', api: false })
    await worker.kill()
  }
}
