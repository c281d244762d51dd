import type { Runtime, RuntimePools } from '../../domain/runtime.ts'
import type { WorkerFactory } from '../pool/pool-worker.ts'
import type { SandboxEngine } from '../sandbox/sandbox.ts'

/** Tries a runtime that an operator adds: its image is there, and a worker of it says hello. */
export class ImageTrial implements RuntimePools {
  #engine: SandboxEngine
  #factory: WorkerFactory

  constructor(engine: SandboxEngine, factory: WorkerFactory) {
    this.#engine = engine
    this.#factory = factory
  }

  async prepare(runtime: Runtime): Promise<void> {
    const { image, trusted, minMemoryBytes: memoryBytes } = runtime
    await this.#engine.prepareImage(image)
    const worker = await this.#factory.startGeneric({ image, trusted, memoryBytes, network: 'none' })
    await worker.kill()
  }
}
