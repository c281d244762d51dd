import { FaasError, invalid } from '../../domain/errors.ts'
import { appFolder, appOfImage } from '../../domain/functions/app-image.ts'
import type { Fn } from '../../domain/functions/function.ts'
import { checkedImage } from '../../domain/functions/image.ts'
import type { ImageFolders } from '../../domain/functions/image-use.ts'
import { Upload } from '../../domain/functions/upload.ts'
import type { Principal } from '../../domain/platform/principal.ts'
import { checkImageOf, type FunctionFields, type FunctionLimits } from './function-fields.ts'
import { zipOfTar } from './zip-of-tar.ts'

export interface AppImagesParts {
  /** Null: the engine has no images. */
  engine: ImageFolders | null
  limits: FunctionLimits
  /** Limit of the app's folder. */
  maxBytes: number
}

/** What a request gives of a function. */
interface Given extends FunctionFields {
  code?: unknown
  runtime?: string
  zip?: Upload
}

/** Images of the mode `azure`: the app is taken out of its image, and deployed as a package. */
export class AppImages {
  #parts: AppImagesParts

  constructor(parts: AppImagesParts) {
    this.#parts = parts
  }

  /**
   * Returns other requests as they are. `before`: the function that gets the app; null: a new one. Throws FaasError
   * `invalid_request`, `forbidden`, `not_supported`, `engine_failed`.
   */
  async unpacked<T extends Given>(who: Principal, given: T, before: Fn | null): Promise<T> {
    const image = imageIn(given.code)
    if (image === undefined) return given
    const { engine, limits, maxBytes } = this.#parts
    checkImageOf({ source: 'image', image: checkedImage('code.image', image) }, who, limits)
    if (engine === null) throw new FaasError('not_supported', 'Apps in images need the docker engine.')
    const { env: said, tar } = await engine.folder(image, appFolder)
    try {
      const { runtime, env } = appOfImage(image, said)
      const zip = await zipOfTar(tar, maxBytes, withoutFirst).catch((cause: unknown) => {
        throw invalid(`The app of the image ${image} cannot be taken: ${(cause as Error).message}`)
      })
      const own = given.env ?? ownVariables(before)
      const ofImage = Object.keys(env).filter((name) => !Object.hasOwn(own, name))
      return {
        ...given,
        code: { source: 'package', from_image: image, env_of_image: ofImage },
        runtime: given.runtime ?? runtime,
        signature: 'azure',
        env: { ...env, ...own },
        zip: new Upload(zip),
      }
    } finally {
      // The engine keeps what it takes out until the stream is closed.
      tar.destroy()
    }
  }
}

/** Those that did not come from its image: they stay when another image takes its place. */
function ownVariables(fn: Fn | null): Record<string, string> {
  const ofImage = fn?.code.env_of_image
  const isOwn = (name: string) => !Array.isArray(ofImage) || !ofImage.includes(name)
  return Object.fromEntries(Object.entries(fn?.env ?? {}).filter(([name]) => isOwn(name)))
}

/** The tar's names begin with that of the folder itself. */
const withoutFirst = (name: string): string => name.slice(name.indexOf('/') + 1)

/** The image of a request for this mode; undefined: it is another one. */
function imageIn(code: unknown): string | undefined {
  const { source, mode, image } = objectIn(code)
  return mode === 'azure' && source === 'image' && typeof image === 'string' ? image : undefined
}

function objectIn(code: unknown): Record<string, unknown> {
  if (typeof code === 'object' && code !== null) return code as Record<string, unknown>
  try {
    return typeof code === 'string' ? (JSON.parse(code) ?? {}) : {}
  } catch {
    return {}
  }
}
