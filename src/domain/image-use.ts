/** Images on an engine: which are whose, which are used, which may go. */

export interface EngineImage {
  id: string
  /** With their tags; none: a newer image has taken its names. */
  names: string[]
  sizeBytes: number
  createdAt: number
  /** Built by a Taibai: an image of a runtime, or the base of one. */
  isBuilt: boolean
}

/** An engine that keeps images. Rejects with FaasError `engine_failed`. */
export interface EngineImages {
  list(): Promise<EngineImage[]>
  /** Fetches it from its registry, newer or not. */
  pull(image: string): Promise<void>
  /** False: it stays, because a container or another image uses it. */
  remove(nameOrId: string): Promise<boolean>
}

/** Which images this installation fetched: others may be somebody else's. */
export interface PulledImages {
  names(): string[]
  note(name: string): void
  forget(name: string): void
}

/** What an installation knows of images. */
export interface ImageUse {
  /** By name: by what it is used, such as `function greet`. */
  used: ReadonlyMap<string, string[]>
  pulled: readonly string[]
}

export interface ImageView extends EngineImage {
  usedBy: string[]
  /** Fetched by this installation. */
  isPulled: boolean
  /** Nothing of this installation uses it, and it is ours to remove. */
  isUnused: boolean
  /** It is the image of a runtime of another release: another installation on this engine may need it. */
  isOtherRelease: boolean
}

/** Bases of runtimes are needed to make the images anew. */
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

/** What to remove so that fetched images take no more than `highWaterBytes`: of those that nothing uses the oldest. */
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

/** One spelling for a name, as engines differ: `alpine`, `docker.io/library/alpine:latest` are the same. */
export function fullName(name: string): string {
  const short = name
    .replace(/^(?:docker\.io\/|index\.docker\.io\/|localhost\/(?=taibai\/))/, '')
    .replace(/^library\//, '')
  return short.includes('@') || short.lastIndexOf(':') > short.lastIndexOf('/') ? short : `${short}:latest`
}
