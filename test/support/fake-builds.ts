import { Readable } from 'node:stream'
import { projectFolder } from '../../src/assets.ts'
import type { Builder, BuilderFacts, BuilderRun, HeldLayer, LayerStore } from '../../src/domain/functions/build.ts'
import { readRuntimes } from '../../src/engine/worker/runtime-catalog.ts'

/** Builds that install nothing: a test says how each goes. */
export class FakeBuilds implements Builder, LayerStore {
  readonly runs: BuilderRun[] = []
  readonly #layers = new Map<string, HeldLayer & { projectId: string }>()
  /** What a run does; it may print, wait and throw. */
  go: (run: BuilderRun) => Promise<void> = async ({ onOutput }) => onOutput('installed\n')

  /** Every image is that of Node.js. */
  readonly factsOf = (_image: string): BuilderFacts | undefined =>
    readRuntimes(`${projectFolder}/runtimes`).find(({ name }) => name === 'nodejs')?.builder

  async run<T>(run: BuilderRun, take: (tar: AsyncIterable<Uint8Array>) => Promise<T>): Promise<T> {
    this.runs.push(run)
    await this.go(run)
    return take(Readable.from([]))
  }

  async find(key: string): Promise<HeldLayer | null> {
    return this.#layers.get(key) ?? null
  }

  async put(key: string, _tar: AsyncIterable<Uint8Array>, projectId: string): Promise<HeldLayer> {
    const about = { key, projectId, id: `layer-${this.runs.length}`, folder: `/layers/${key}`, sizeBytes: 1000 }
    const layer = { ...about, release() {} }
    this.#layers.set(key, layer)
    return layer
  }

  async ofProject(projectId: string): Promise<HeldLayer[]> {
    return [...this.#layers.values()].filter((layer) => layer.projectId === projectId)
  }

  async remove(key: string): Promise<boolean> {
    return this.#layers.delete(key)
  }

  async prune(): Promise<void> {}
}
