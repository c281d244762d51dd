import { FaasError } from '../../domain/errors.ts'
import type { Build } from '../../domain/functions/build.ts'
import type { FunctionStore, PackageStore } from '../../domain/functions/function.ts'
import { Upload } from '../../domain/functions/upload.ts'

/** What an earlier build was made from and for. Throws FaasError `conflict` when either is gone. */
export async function sourceOfBuild(
  { functions, packages }: { functions: FunctionStore; packages: PackageStore },
  { functionId, packageHash }: Build,
): Promise<{ functionId: string; zip: Upload }> {
  if (functionId === null || functions.find(functionId) === null) {
    throw new FaasError(
      'conflict',
      'The function of this build was not created, or is deleted: deploy the package again.',
    )
  }
  const zip = packageHash === null ? null : await bytesOf(packages, packageHash)
  if (zip === null) {
    throw new FaasError('conflict', 'The package of this build is not stored any more: deploy it again.')
  }
  return { functionId, zip }
}

/** Null: it no longer exists. */
async function bytesOf(packages: PackageStore, hash: string): Promise<Upload | null> {
  try {
    return new Upload(Buffer.from(await new Response(packages.open(hash).stream).arrayBuffer()))
  } catch (error) {
    if (error instanceof FaasError && error.code === 'not_found') return null
    throw error
  }
}
