import { FaasError, notFound } from '../../domain/errors.ts'
import type { Fn, PackageStore } from '../../domain/functions/function.ts'
import type { Principal } from '../../domain/platform/principal.ts'
import { objectRefOf, type SwiftCode } from './swift-code.ts'

export interface Download {
  stream: ReadableStream<Uint8Array>
  /** Null: unknown before the end. */
  sizeBytes: number | null
  fileName: string
}

/** The function's package. Code in Swift is read as it is now, for callers with a Keystone token. */
export async function download(
  { packages, swift }: { packages: PackageStore; swift?: SwiftCode },
  who: Principal,
  fn: Fn,
): Promise<Download> {
  if (fn.code.source === 'image' && fn.packageHash === null) {
    throw new FaasError('method_not_allowed', 'This function is an image: there is no package to download.')
  }
  if (fn.code.source === 'swift' && swift !== undefined && who.session !== undefined) {
    return { ...(await swift.download(await swift.sessionFor(who, fn), objectRefOf(fn.code))), fileName: fn.id }
  }
  if (fn.packageHash === null) throw notFound('The package of function', fn.id)
  return { ...packages.open(fn.packageHash), fileName: fn.id }
}
