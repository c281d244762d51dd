import type { Fn, FunctionVersion, ImageStart } from '../../domain/functions/function.ts'
import type { LambdaFields } from '../../domain/functions/lambda-settings.ts'
import { factsOf, type Signature, signatureOfEvents } from '../../domain/functions/signature.ts'
import type { Principal } from '../../domain/platform/principal.ts'
import type { NewFunction } from '../../services/functions/function-creation.ts'
import type { FunctionVersions } from '../../services/functions/function-versions.ts'
import type { Functions } from '../../services/functions/functions.ts'
import type { Runtimes } from '../../services/platform/runtimes.ts'
import { type AwsAnswer, type AwsCall, objectIn, param } from './aws-call.ts'
import { AwsError, invalidParameter } from './aws-error.ts'
import { type Catalogue, defaultFields, type NamedFunction, refuseTooLong } from './catalogue.ts'
import { checkRevision, configurationOf } from './function-configuration.ts'
import {
  checkHandler,
  createDefaults,
  fieldsOf,
  imageIn,
  imageStartIn,
  objectOf,
  runtimeIn,
  settingsOf,
  zipIn,
} from './function-fields.ts'
import { checkNewName, current, readFunctionName } from './names.ts'
import { pageOf } from './pages.ts'
import type { PublishedVersions } from './version-operations.ts'

export interface FunctionOperationsParts {
  catalogue: Catalogue
  functions: Functions
  runtimes: Runtimes
  versions: FunctionVersions
  published: PublishedVersions
  /** The server's URL for clients. */
  baseUrl(call: AwsCall): string
}

/** Creates, shows, changes and deletes functions in AWS Lambda's API. */
export class FunctionOperations {
  #parts: FunctionOperationsParts

  constructor(parts: FunctionOperationsParts) {
    this.#parts = parts
  }

  create = async (call: AwsCall): Promise<AwsAnswer> => {
    const { functions, catalogue, published } = this.#parts
    const given = objectIn(call.body)
    if (typeof given.FunctionName !== 'string') throw invalidParameter('FunctionName is required.')
    const { name } = readFunctionName(given.FunctionName)
    checkNewName(name)
    this.#refuseTaken(call.who, call.region, name)
    const code = given.PackageType === 'Image' ? imageOf(given) : this.#packageOf(call.who, given)
    const settings = settingsOf(
      { ...createDefaults, ...given },
      defaultFields({ memoryBytes: 0 }, code.runtime ?? null),
    )
    refuseTooLong(settings)
    const alongside = (made: Fn) => {
      catalogue.change(asFound(made, settings), {})
      if (given.Publish === true) published.publish(call.who, catalogue.described(call.who, made), '')
    }
    await functions.create(call.who, { ...fieldsOf({ ...createDefaults, ...given }), name, ...code, alongside })
    const found = catalogue.find(call.who, call.region, name, given.Publish === true ? '1' : null)
    return { status: 201, json: this.#configuration(call, found) }
  }

  get = (call: AwsCall): AwsAnswer => {
    const found = this.#named(call)
    const { fn, settings, version } = found
    const query = version === null ? '' : `/versions/${version.number}`
    const location = `${this.#parts.baseUrl(call)}/v1/functions/${fn.id}${query}?download=true`
    const image = fn.code.image
    const code =
      image === undefined
        ? { RepositoryType: 'S3', Location: location }
        : { RepositoryType: 'ECR', ImageUri: image, ResolvedImageUri: image }
    const concurrency = fn.maxWorkers === null ? {} : { Concurrency: { ReservedConcurrentExecutions: fn.maxWorkers } }
    const json = { Configuration: this.#configuration(call, found), Code: code, Tags: settings.tags, ...concurrency }
    return { status: 200, json }
  }

  configuration = (call: AwsCall): AwsAnswer => ({ status: 200, json: this.#configuration(call, this.#named(call)) })

  updateCode = async (call: AwsCall): Promise<AwsAnswer> => {
    const { functions, catalogue, published } = this.#parts
    const given = objectIn(call.body)
    const found = catalogue.findWhole(call.who, call.region, param(call))
    checkRevision(given.RevisionId, this.#configuration(call, found))
    const { fn } = found
    const isImage = fn.code.source === 'image'
    if (isImage) refusePublish(given)
    const code = isImage ? { image: imageIn(given) } : { code: { source: 'package' }, zip: zipIn(given) }
    if (given.DryRun === true) return { status: 200, json: this.#configuration(call, found) }
    const alongside = this.#ifUnchanged(call, given, (now) => {
      if (Array.isArray(given.Architectures)) catalogue.change(now, { architectures: given.Architectures.map(String) })
    })
    const version: { made?: FunctionVersion } = {}
    const afterwards = (written: Fn) => {
      version.made = published.publish(call.who, catalogue.described(call.who, written), '')
    }
    const change = { ...code, keepJobs: true, alongside, afterwards: given.Publish === true ? afterwards : undefined }
    await functions.update(call.who, fn.id, change)
    return this.#updated(call, version.made)
  }

  updateConfiguration = async (call: AwsCall): Promise<AwsAnswer> => {
    const { functions, catalogue } = this.#parts
    const given = objectIn(call.body)
    const found = catalogue.findWhole(call.who, call.region, param(call))
    checkRevision(given.RevisionId, this.#configuration(call, found))
    this.#refuseOtherRuntime(call.who, found, given.Runtime)
    refuseTooLong(settingsOf(given, found.settings))
    const { fn } = found
    const start = given.ImageConfig === undefined ? undefined : startOf(fn, given)
    const alongside = this.#ifUnchanged(call, given, (now) => catalogue.change(now, settingsOf(given, now.settings)))
    await functions.update(call.who, fn.id, { ...fieldsOf(given), start, keepJobs: true, alongside })
    return { status: 200, json: this.#configuration(call, catalogue.findWhole(call.who, call.region, param(call))) }
  }

  list = (call: AwsCall): AwsAnswer => {
    const { catalogue } = this.#parts
    const all = catalogue.list(call.who)
    const shown =
      call.query.get('FunctionVersion') === 'ALL' ? all.flatMap((one) => catalogue.versions(call.who, one)) : all
    const { items, next } = pageOf(shown, call.query)
    const json = { Functions: items.map((one) => this.#configuration(call, one)), ...next }
    return { status: 200, json }
  }

  delete = async (call: AwsCall): Promise<AwsAnswer> => {
    const { functions, catalogue, published } = this.#parts
    const { name, qualifier } = readFunctionName(param(call), call.query.get('Qualifier'))
    if (qualifier === current) throw invalidParameter('$LATEST cannot be deleted by itself: delete the function.')
    const found = catalogue.find(call.who, call.region, name, qualifier)
    if (qualifier === null) await functions.delete(call.who, found.fn.id)
    else await published.remove(call.who, found, qualifier)
    return { status: 204 }
  }

  #named(call: AwsCall): NamedFunction {
    return this.#parts.catalogue.find(call.who, call.region, param(call), call.query.get('Qualifier'))
  }

  /** For the step that writes: another change may have been written since the client's revision was looked at. */
  #ifUnchanged(call: AwsCall, given: Record<string, unknown>, write: (now: NamedFunction) => void): (fn: Fn) => void {
    return (fn) => {
      const now = this.#parts.catalogue.described(call.who, fn)
      checkRevision(given.RevisionId, this.#configuration(call, now))
      write(now)
    }
  }

  #configuration(call: AwsCall, found: NamedFunction): Record<string, unknown> {
    return configurationOf(found, call.region, this.#parts.catalogue.sizeOf(found))
  }

  /** Uses the error type and text that clients expect. */
  #refuseTaken(who: Principal, region: string, name: string): void {
    try {
      this.#parts.catalogue.find(who, region, name)
    } catch (error) {
      if (error instanceof AwsError && error.status === 404) return
      throw error
    }
    throw new AwsError(409, 'ResourceConflictException', `Function already exist: ${name}`)
  }

  #packageOf(
    who: Principal,
    given: Record<string, unknown>,
  ): Pick<NewFunction, 'code' | 'zip' | 'runtime' | 'signature'> {
    const zip = zipIn(objectOf('Code', given.Code))
    const runtime = this.#runtimeIn(who, given)
    checkHandler(given)
    return { code: { source: 'package' }, zip, runtime, ...this.#signature(who, runtime) }
  }

  #runtimeIn(who: Principal, given: Record<string, unknown>): string {
    const isHere = (name: string): boolean =>
      this.#parts.runtimes.list(who).some((runtime) => runtime.name === name && runtime.status === 'available')
    return runtimeIn(given, isHere)
  }

  /** Accepts another version of the same language that maps to the same runtime here. */
  #refuseOtherRuntime(who: Principal, { runtime, settings }: NamedFunction, wanted: unknown): void {
    if (wanted === undefined || wanted === settings.runtime) return
    if (this.#runtimeIn(who, { Runtime: wanted }) === runtime) return
    throw invalidParameter(`Runtime is ${settings.runtime} and stays: make another function for ${wanted}.`)
  }

  /** Keeps the runtime's signature when it takes AWS events, else names the one that does. */
  #signature(who: Principal, runtime: string): { signature?: Signature } {
    const { signature } = this.#parts.runtimes.byNameOrId(who, runtime)
    return factsOf(signature).events === 'aws' ? {} : { signature: signatureOfEvents('aws') }
  }

  #updated(call: AwsCall, version: FunctionVersion | undefined): AwsAnswer {
    const now = this.#parts.catalogue.findWhole(call.who, call.region, param(call))
    const shown = version === undefined ? now : { ...now, version, qualifier: String(version.number) }
    return { status: 200, json: this.#configuration(call, shown) }
  }
}

function imageOf(given: Record<string, unknown>): { code: object; runtime?: undefined } {
  refusePublish(given)
  const image = imageIn(objectOf('Code', given.Code))
  return { code: { source: 'image', image, mode: 'lambda', ...imageStartIn(given) } }
}

function refusePublish({ Publish: wanted }: Record<string, unknown>): void {
  if (wanted !== true) return
  throw invalidParameter(
    'Versions of images are not kept here: leave Publish out, and name the image by its tag or digest.',
  )
}

/** Throws AwsError when the function is not an image. */
function startOf({ code }: Fn, given: Record<string, unknown>): ImageStart {
  if (code.source === 'image') return imageStartIn(given)
  throw invalidParameter('ImageConfig is for functions of PackageType Image.')
}

const asFound = (fn: Fn, settings: LambdaFields): NamedFunction => ({
  fn,
  settings,
  version: null,
  qualifier: null,
  runtime: null,
  updatedAt: fn.createdAt,
})
