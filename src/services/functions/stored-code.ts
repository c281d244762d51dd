import { invalid } from '../../domain/errors.ts'
import type { Fn, FunctionCode, PackageStore, StoredPackage } from '../../domain/functions/function.ts'
import type { Upload } from '../../domain/functions/upload.ts'
import type { ObjectRef } from '../../domain/platform/openstack.ts'
import type { Principal } from '../../domain/platform/principal.ts'
import type { Builds } from './builds.ts'
import { type GivenCode, md5 } from './function-code.ts'
import type { Deployment } from './running-builds.ts'
import { changedRef, objectRefOf, type SwiftCode } from './swift-code.ts'

export interface StoredCodesParts {
  packages: PackageStore
  builds: Pick<Builds, 'built'>
  /** A package with one file; the same file always gives the same bytes. */
  zipOf(filename: string, content: string): Buffer
  /** Absent without Keystone. */
  swift?: SwiftCode
}

/** Stored code, and the columns of the function's row that describe it. */
export interface StoredCode {
  code: FunctionCode
  packageHash: string
  objectEtag: string | null
}

/** Stores the code of a function as a package, and builds it on request. */
export class StoredCodes {
  #parts: StoredCodesParts

  constructor(parts: StoredCodesParts) {
    this.#parts = parts
  }

  /** Null for images, which are stored elsewhere, unless a package for them comes along. */
  async stored(
    who: Principal,
    fn: Fn,
    code: GivenCode,
    zip: Upload | undefined,
    build: Deployment | undefined,
  ): Promise<StoredCode | null> {
    if (code.source === 'image') return this.#besideImage(code.code, zip)
    if (code.source === 'swift') return this.#fromSwift(who, fn, code, objectRefOf(code.code))
    const stored = await this.#package(code, zip)
    const isBuilt = code.source === 'package' && build !== undefined
    const { hash, md5sum } = isBuilt ? await this.#parts.builds.built(fn, stored, build) : stored
    return { code: { ...withOrigin(fn.code, code.code), md5sum }, packageHash: hash, objectEtag: null }
  }

  /** Null: the code stays. `code` without a package changes nothing. */
  async changed(
    who: Principal,
    fn: Fn,
    code: GivenCode,
    zip: Upload | undefined,
    build: Deployment | undefined,
  ): Promise<StoredCode | Pick<StoredCode, 'code'> | null> {
    if (code.source === 'image')
      return (await this.#besideImage(code.code, zip)) ?? { code: withPackageOf(fn, code.code) }
    if (code.source === 'swift') return this.#fromSwift(who, fn, code, changedRef(fn.code, code.code))
    if (code.source === 'package' && zip === undefined) return null
    if (code.source === 'package' && code.md5sum !== null && code.md5sum === fn.code.md5sum) {
      throw invalid('"code.md5sum" is the checksum of the stored package: there is nothing to update.')
    }
    return this.stored(who, fn, code, zip, build)
  }

  /** The package that an environment of Fission loads. It brings its modules: a builder of ours knows nothing of that image. */
  async #besideImage(code: FunctionCode, zip: Upload | undefined): Promise<StoredCode | null> {
    if (zip === undefined || code.mode !== 'fission') return null
    const { hash, md5sum } = await this.#parts.packages.put(zip.take())
    return { code: { ...code, md5sum }, packageHash: hash, objectEtag: null }
  }

  async #package(code: GivenCode & { source: 'package' | 'inline' }, zip: Upload | undefined): Promise<StoredPackage> {
    const { packages, zipOf } = this.#parts
    if (code.source === 'inline') return packages.put(zipOf(code.file.name, code.file.content))
    if (zip === undefined) throw invalid('"package" is required: attach the ZIP as a file of that name.')
    const bytes = zip.take()
    if (code.md5sum !== null) await checkMd5(code.md5sum, bytes)
    return packages.put(bytes)
  }

  /** An `md5sum` is checked once and not stored: the object may change. */
  async #fromSwift(
    who: Principal,
    fn: Fn,
    given: GivenCode & { source: 'swift' },
    ref: ObjectRef,
  ): Promise<StoredCode> {
    const { swift } = this.#parts
    if (swift === undefined) {
      throw invalid(
        'Functions from Swift need Keystone authentication, which this server does not use: attach a package.',
      )
    }
    const isNew = fn.packageHash === null
    if (isNew && who.session === undefined) {
      throw invalid(
        'Functions from Swift need a Keystone token, to read the object with: attach a package, or use one.',
      )
    }
    const { stored, etag } = await swift.fetch(await swift.sessionFor(who, fn), ref)
    if (given.md5sum !== null && given.md5sum !== stored.md5sum) {
      throw invalid(`The object in Swift has the MD5 checksum ${stored.md5sum}, not ${given.md5sum}.`)
    }
    const { md5sum, ...code } = { ...fn.code, ...given.code, source: given.source, swift: ref }
    return { code, packageHash: stored.hash, objectEtag: etag }
  }
}

/** The package stays when the image changes. */
const withPackageOf = ({ code: { md5sum } }: Fn, code: FunctionCode): FunctionCode =>
  md5sum === undefined ? code : { ...code, md5sum }

/** The image that an app was taken from, and its variables, belong to its package; all else that a client said stays. */
function withOrigin(
  { from_image: _image, env_of_image: _env, ...kept }: FunctionCode,
  { from_image, env_of_image }: FunctionCode,
): FunctionCode {
  return from_image === undefined ? kept : { ...kept, from_image, env_of_image }
}

async function checkMd5(wanted: string, zip: Buffer): Promise<void> {
  const actual = await md5(zip)
  if (actual !== wanted) throw invalid(`The package has the MD5 checksum ${actual}, not ${wanted}: send it again.`)
}
