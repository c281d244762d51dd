import { invalid } from '../../domain/errors.ts'
import { checkedImage } from '../../domain/functions/image.ts'
import type { Runtime, RuntimeManifest } from '../../domain/functions/runtime.ts'
import { defaultSignature, type Signature } from '../../domain/functions/signature.ts'
import { idFrom } from '../../domain/ids.ts'
import { defaultProjectId } from '../../domain/platform/principal.ts'

/** Rows of new runtimes, and the checks of their fields. */

export interface NewRuntime {
  image?: string
  name?: string
  description?: string
  isPublic?: boolean
  trusted?: boolean
  signature?: Signature
  minMemoryBytes?: number
}

/** Least memory of a runtime without a minimum of its own. */
const commonMinMemoryBytes = 64 * 1024 * 1024
/** A runtime that an admin adds. `known`: the manifest of its image. */
export function newRuntime(
  { id, projectId, createdAt }: Pick<Runtime, 'id' | 'projectId' | 'createdAt'>,
  given: NewRuntime,
  image: string,
  known: RuntimeManifest | undefined,
): Runtime {
  return {
    id,
    projectId,
    name: given.name ?? null,
    description: given.description ?? null,
    image,
    isPublic: given.isPublic ?? true,
    trusted: given.trusted ?? true,
    status: 'creating',
    signature: checkedSignature(given.signature, known),
    minMemoryBytes: checkedMinMemory(given.minMemoryBytes) ?? known?.minMemoryBytes ?? commonMinMemoryBytes,
    languages: known?.languages ?? [],
    builtin: false,
    createdAt,
    updatedAt: null,
  }
}

/** A runtime of this installation. */
export function builtinRuntime(manifest: RuntimeManifest, createdAt: number): Runtime {
  const { name, description, image, signature, minMemoryBytes, languages } = manifest
  return {
    id: idFrom('runtime', name),
    projectId: defaultProjectId,
    name,
    description,
    image,
    isPublic: true,
    trusted: true,
    status: 'available',
    signature,
    minMemoryBytes,
    languages,
    builtin: true,
    createdAt,
    updatedAt: null,
  }
}

/** Whether the rows differ in more than their times. */
export const differs = (stored: Runtime, wanted: Runtime): boolean =>
  JSON.stringify({ ...stored, createdAt: 0, updatedAt: 0 }) !==
  JSON.stringify({ ...wanted, createdAt: 0, updatedAt: 0 })

/** Undefined when none is given. */
export function givenImage(image: string | undefined): string | undefined {
  if (image !== undefined && image.trim() === '') throw invalid('"image" must name a container image; it is empty.')
  return image === undefined ? undefined : checkedImage('image', image)
}

function checkedMinMemory(bytes: number | undefined): number | undefined {
  if (bytes !== undefined && bytes < 1) throw invalid('"min_memory" must be a number of bytes above 0.')
  return bytes
}

function checkedSignature(given: Signature | undefined, known: RuntimeManifest | undefined): Signature {
  if (given !== undefined && known !== undefined && !known.signatures.includes(given)) {
    throw invalid(`"signature" must be one that ${known.image} supports: ${known.signatures.join(', ')}.`)
  }
  return given ?? known?.signature ?? defaultSignature
}
