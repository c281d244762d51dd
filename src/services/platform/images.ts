import { FaasError } from '../../domain/errors.ts'
import type { FunctionStore } from '../../domain/functions/function.ts'
import { checkedImage } from '../../domain/functions/image.ts'
import {
  type EngineImages,
  fullName,
  type ImageUse,
  type ImageView,
  type MissingImage,
  missingImages,
  overHighWater,
  type PulledImages,
  viewsOf,
} from '../../domain/functions/image-use.ts'
import type { RuntimeStore } from '../../domain/functions/runtime.ts'
import { type Principal, requireAdmin } from '../../domain/platform/principal.ts'
import type { Log } from '../../domain/runs/log.ts'

export interface ImagesParts {
  /** Null: the engine has no images. */
  engine: EngineImages | null
  pulled: PulledImages
  functions: Pick<FunctionStore, 'list'>
  runtimes: Pick<RuntimeStore, 'list'>
  log: Log
  /** Above this size unused images are removed; 0: never. */
  highWaterBytes: number
}

export interface PruneResult {
  removed: { names: string[]; id: string; sizeBytes: number }[]
  /** Unused images that a container or another image holds. */
  kept: { names: string[]; id: string; sizeBytes: number }[]
}

/** The images of runtimes and functions in the engine. For admins only: all projects share the engine. */
export class Images {
  #parts: ImagesParts

  constructor(parts: ImagesParts) {
    this.#parts = parts
  }

  async list(who: Principal): Promise<ImageView[]> {
    requireAdmin(who, 'Listing images')
    return this.#views()
  }

  /** Images without which calls would fail; none where the engine has no images or does not answer. */
  async missing(): Promise<MissingImage[]> {
    const present = await this.#parts.engine?.list().catch(() => null)
    return present == null ? [] : missingImages(present, this.#use())
  }

  /** Pulls an image with the stored credentials of its registry. */
  async pull(who: Principal, image: string): Promise<void> {
    requireAdmin(who, 'Pulling an image')
    const name = checkedImage('image', image)
    await this.#engine().pull(name)
    this.#parts.pulled.note(fullName(name))
  }

  /** Removes unused images; `isDry`: only lists them. `otherReleases`: includes runtime images of other releases. */
  async prune(who: Principal, how: { isDry: boolean; otherReleases: boolean }): Promise<PruneResult> {
    requireAdmin(who, 'Removing images')
    const unused = (await this.#views()).filter(
      ({ isUnused, isOtherRelease }) => isUnused || (how.otherReleases && isOtherRelease),
    )
    return how.isDry ? { removed: unused, kept: [] } : this.#remove(unused)
  }

  /** Removes images above the high-water mark; called periodically. */
  async collect(): Promise<void> {
    const { engine, highWaterBytes, log } = this.#parts
    if (engine === null || highWaterBytes === 0) return
    const { removed } = await this.#remove(overHighWater(await this.#views(), highWaterBytes))
    for (const { names, sizeBytes } of removed) log.info({ images: names, bytes: sizeBytes }, 'removed an unused image')
  }

  async #remove(views: ImageView[]): Promise<PruneResult> {
    const engine = this.#engine()
    const pruned: PruneResult = { removed: [], kept: [] }
    for (const { id, names, sizeBytes } of views) {
      let isGone = true
      for (const name of names.length === 0 ? [id] : names) isGone = (await engine.remove(name)) && isGone
      if (isGone) for (const name of names) this.#parts.pulled.forget(fullName(name))
      pruned[isGone ? 'removed' : 'kept'].push({ id, names, sizeBytes })
    }
    return pruned
  }

  async #views(): Promise<ImageView[]> {
    return viewsOf(await this.#engine().list(), this.#use())
  }

  #use(): ImageUse {
    const used = new Map<string, string[]>()
    const add = (image: string, by: string) => used.set(image, [...(used.get(image) ?? []), by])
    for (const { name, id, image } of this.#parts.runtimes.list()) add(image, `runtime ${name ?? id}`)
    for (const { name, id, code } of this.#parts.functions.list(null)) {
      if (code.source === 'image' && code.image !== undefined) add(code.image, `function ${name ?? id}`)
    }
    return { used, pulled: this.#parts.pulled.names() }
  }

  #engine(): EngineImages {
    if (this.#parts.engine !== null) return this.#parts.engine
    throw new FaasError(
      'not_supported',
      'This engine keeps no images: functions run as plain processes here, or as tasks of a swarm.',
    )
  }
}
