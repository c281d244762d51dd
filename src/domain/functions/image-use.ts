import type { Readable } from 'node:stream'

/** An image in an engine. */

export interface EngineImage {
  id: string
  /** Names with tags; empty: a newer image has taken its names. */
  names: string[]
  sizeBytes: number
  createdAt: number
  /** True for images that Taibai built: a runtime, or the base of one. */
  isBuilt: boolean
}

/** The images of an engine. Rejects with FaasError `engine_failed`. */
export interface EngineImages {
  list(): Promise<EngineImage[]>
  /** Pulls it from its registry, even if it exists. */
  pull(image: string): Promise<void>
  /** False: it remains, because a container or another image uses it. */
  remove(nameOrId: string): Promise<boolean>
}

/** Takes folders out of images. */
export interface ImageFolders {
  /**
   * A folder of an image as a tar, whose names begin with the folder's own, and the image's environment. Pulls the image if
   * necessary; nothing of it runs. Rejects with FaasError `engine_failed`, `invalid_request` when there is no such folder.
   */
  folder(image: string, path: string): Promise<{ env: Record<string, string>; tar: Readable }>
}

/** The images that this installation pulled: others may belong to somebody else. */
export interface PulledImages {
  names(): string[]
  note(name: string): void
  forget(name: string): void
}

/** What an installation knows about images. */
export interface ImageUse {
  /** The users of each image by name, such as `function greet`. */
  used: ReadonlyMap<string, string[]>
  pulled: readonly string[]
}

export interface MissingImage {
  name: string
  /** Its users, such as `function greet`. */
  usedBy: string[]
}

export interface ImageView extends EngineImage {
  usedBy: string[]
  /** True when this installation pulled it. */
  isPulled: boolean
  /** True when nothing of this installation uses it, and this installation may remove it. */
  isUnused: boolean
  /** True for a runtime image of another release, which another installation on this engine may need. */
  isOtherRelease: boolean
}

/** Bases are needed to rebuild the runtimes' images. */
const isBase = (name: string): boolean => /^taibai\/(?:debian:|[^:]*-base:)/.test(name)

/** The images that concern this installation, the largest first. */
export function viewsOf(images: readonly EngineImage[], { used, pulled }: ImageUse): ImageView[] {
  const users = new Map([...used].map(([name, by]) => [fullName(name), by]))
  const ours = new Set(pulled.map(fullName))
  return images
    .map((image): ImageView => {
      const names = image.names.map(fullName)
      const usedBy = [...new Set(names.flatMap((name) => users.get(name) ?? []))]
      if (names.some(isBase)) usedBy.push('making runtime images')
      const isPulled = names.some((name) => ours.has(name))
      const isFree = usedBy.length === 0
      const isOtherRelease = isFree && image.isBuilt && names.length > 0 && !isPulled
      const isUnused = isFree && (isPulled || (image.isBuilt && names.length === 0))
      return { ...image, usedBy, isPulled, isUnused, isOtherRelease }
    })
    .filter(({ usedBy, isPulled, isBuilt }) => usedBy.length > 0 || isPulled || isBuilt)
    .sort((a, b) => b.sizeBytes - a.sizeBytes)
}

/** What runtimes and functions use and the engine does not have, with who uses it. Images that are named by a digest are left out: engines list names. */
export function missingImages(images: readonly EngineImage[], { used }: Pick<ImageUse, 'used'>): MissingImage[] {
  const present = new Set(images.flatMap(({ names }) => names.map(fullName)))
  return [...used]
    .filter(([name]) => !name.includes('@') && !present.has(fullName(name)))
    .map(([name, usedBy]) => ({ name, usedBy }))
}

/** The unused images to remove, oldest first, so that pulled images take at most `highWaterBytes`. */
export function overHighWater(views: readonly ImageView[], highWaterBytes: number): ImageView[] {
  const pulled = views.filter(({ isPulled }) => isPulled)
  let bytes = pulled.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  const chosen: ImageView[] = []
  for (const view of pulled.filter(({ isUnused }) => isUnused).sort((a, b) => a.createdAt - b.createdAt)) {
    if (bytes <= highWaterBytes) break
    chosen.push(view)
    bytes -= view.sizeBytes
  }
  return chosen
}

/** The canonical name: `alpine` and `docker.io/library/alpine:latest` are the same. */
export function fullName(name: string): string {
  const short = name
    .replace(/^(?:docker\.io\/|index\.docker\.io\/|localhost\/(?=taibai\/))/, '')
    .replace(/^library\//, '')
  return short.includes('@') || short.lastIndexOf(':') > short.lastIndexOf('/') ? short : `${short}:latest`
}
