import type { Fn } from '../../domain/functions/function.ts'
import type { FunctionCors } from '../../domain/functions/function-access.ts'
import type { LambdaUrl } from '../../domain/functions/lambda-settings.ts'
import type { Functions } from '../../services/functions/functions.ts'
import { type AwsAnswer, type AwsCall, objectIn, param } from './aws-call.ts'
import { AwsError, invalidParameter, missing } from './aws-error.ts'
import { type Catalogue, type NamedFunction, refuseTooLong } from './catalogue.ts'
import { numberOf, objectOf, tagsOf } from './function-fields.ts'
import { arnOf, readFunctionName } from './names.ts'

interface Parts {
  catalogue: Catalogue
  functions: Functions
  baseUrl(call: AwsCall): string
  now(): number
}

/** Settings beside a function: URL, tags and concurrency, and what Terraform reads after each change. */
export class SettingOperations {
  #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  createUrl = async (call: AwsCall): Promise<AwsAnswer> => {
    const found = this.#forUrl(call)
    if (found.settings.url !== null) {
      throw new AwsError(409, 'ResourceConflictException', `FunctionUrlConfig exists for this Lambda function`)
    }
    return { status: 201, json: await this.#setUrl(call, found, null) }
  }

  updateUrl = async (call: AwsCall): Promise<AwsAnswer> => {
    const found = this.#forUrl(call)
    return { status: 200, json: await this.#setUrl(call, found, urlOf(found)) }
  }

  getUrl = (call: AwsCall): AwsAnswer => {
    const found = this.#forUrl(call)
    return { status: 200, json: this.#shownUrl(call, found, urlOf(found)) }
  }

  listUrls = (call: AwsCall): AwsAnswer => {
    const found = this.#whole(call)
    const { url } = found.settings
    return { status: 200, json: { FunctionUrlConfigs: url === null ? [] : [this.#shownUrl(call, found, url)] } }
  }

  deleteUrl = async (call: AwsCall): Promise<AwsAnswer> => {
    const found = this.#forUrl(call)
    urlOf(found)
    const alongside = this.#withUrl(call, null)
    await this.#parts.functions.update(call.who, found.fn.id, { access: 'token', cors: null, alongside })
    return { status: 204 }
  }

  listTags = (call: AwsCall): AwsAnswer => ({ status: 200, json: { Tags: this.#whole(call).settings.tags } })

  tag = (call: AwsCall): AwsAnswer => {
    const found = this.#whole(call)
    this.#parts.catalogue.change(found, { tags: tagsOf(objectIn(call.body).Tags, found.settings.tags) })
    return { status: 204 }
  }

  untag = (call: AwsCall): AwsAnswer => {
    const found = this.#whole(call)
    const gone = new Set(call.query.getAll('tagKeys'))
    if (gone.size === 0) throw invalidParameter('tagKeys is required.')
    const kept = Object.entries(found.settings.tags).filter(([key]) => !gone.has(key))
    this.#parts.catalogue.change(found, { tags: Object.fromEntries(kept) })
    return { status: 204 }
  }

  putConcurrency = async (call: AwsCall): Promise<AwsAnswer> => {
    const wanted = numberOf('ReservedConcurrentExecutions', objectIn(call.body).ReservedConcurrentExecutions)
    if (wanted < 1)
      throw invalidParameter('ReservedConcurrentExecutions must be 1 or more here: delete the function to stop it.')
    await this.#parts.functions.update(call.who, this.#whole(call).fn.id, { maxWorkers: wanted })
    return { status: 200, json: { ReservedConcurrentExecutions: wanted } }
  }

  concurrency = (call: AwsCall): AwsAnswer => {
    const { maxWorkers } = this.#whole(call).fn
    return { status: 200, json: maxWorkers === null ? {} : { ReservedConcurrentExecutions: maxWorkers } }
  }

  deleteConcurrency = async (call: AwsCall): Promise<AwsAnswer> => {
    await this.#parts.functions.update(call.who, this.#whole(call).fn.id, { maxWorkers: null })
    return { status: 204 }
  }

  codeSigning = (call: AwsCall): AwsAnswer => ({
    status: 200,
    json: { CodeSigningConfigArn: '', FunctionName: nameOf(this.#whole(call).fn) },
  })

  accountSettings = ({ who }: AwsCall): AwsAnswer => {
    const all = this.#parts.catalogue.list(who)
    const bytes = all.reduce((sum, one) => sum + this.#parts.catalogue.sizeOf(one), 0)
    return {
      status: 200,
      json: { AccountLimit: accountLimit, AccountUsage: { TotalCodeSize: bytes, FunctionCount: all.length } },
    }
  }

  #whole(call: AwsCall): NamedFunction {
    return this.#parts.catalogue.findWhole(call.who, call.region, param(call))
  }

  #forUrl(call: AwsCall): NamedFunction {
    const { name, qualifier } = readFunctionName(param(call), call.query.get('Qualifier'))
    if (qualifier !== null)
      throw invalidParameter('A function has one URL here, of its current code: leave the qualifier out.')
    return this.#parts.catalogue.findWhole(call.who, call.region, name)
  }

  async #setUrl(call: AwsCall, found: NamedFunction, before: LambdaUrl | null): Promise<object> {
    const given = objectIn(call.body)
    const now = this.#parts.now()
    const url: LambdaUrl = {
      authType: oneOf('AuthType', given.AuthType, ['NONE', 'AWS_IAM'], before?.authType),
      invokeMode: oneOf(
        'InvokeMode',
        given.InvokeMode,
        ['BUFFERED', 'RESPONSE_STREAM'],
        before?.invokeMode ?? 'BUFFERED',
      ),
      cors: given.Cors === undefined ? (before?.cors ?? null) : objectOf('Cors', given.Cors),
      createdAt: before?.createdAt ?? now,
      updatedAt: now,
    }
    const access = url.authType === 'NONE' ? 'public' : 'token'
    refuseTooLong({ ...found.settings, url })
    const fields = { access, cors: corsOf(url.cors), alongside: this.#withUrl(call, url) } as const
    await this.#parts.functions.update(call.who, found.fn.id, fields)
    return this.#shownUrl(call, found, url)
  }

  /** Written with the function, beside the settings as they are then. */
  #withUrl({ who }: AwsCall, url: LambdaUrl | null): (fn: Fn) => void {
    const { catalogue } = this.#parts
    return (fn) => void catalogue.change(catalogue.described(who, fn), { url })
  }

  #shownUrl(call: AwsCall, { fn }: NamedFunction, url: LambdaUrl): object {
    return {
      FunctionUrl: `${this.#parts.baseUrl(call)}/fn/${nameOf(fn)}/`,
      FunctionArn: arnOf(call.region, nameOf(fn)),
      AuthType: url.authType,
      ...(url.cors !== null && { Cors: url.cors }),
      CreationTime: new Date(url.createdAt).toISOString(),
      LastModifiedTime: new Date(url.updatedAt).toISOString(),
      InvokeMode: url.invokeMode,
    }
  }
}

const accountLimit = {
  TotalCodeSize: 80_530_636_800,
  CodeSizeUnzipped: 262_144_000,
  CodeSizeZipped: 52_428_800,
  ConcurrentExecutions: 1000,
  UnreservedConcurrentExecutions: 1000,
}

const nameOf = (fn: Fn): string => fn.name ?? fn.id

function urlOf({ settings }: NamedFunction): LambdaUrl {
  if (settings.url === null) throw missing('The resource you requested does not exist.')
  return settings.url
}

function oneOf<T extends string>(name: string, given: unknown, allowed: T[], before?: T): T {
  if (given === undefined && before !== undefined) return before
  if (allowed.includes(given as T)) return given as T
  throw invalidParameter(`${name} must be one of ${allowed.join(', ')}.`)
}

function corsOf(cors: Record<string, unknown> | null): FunctionCors | null {
  if (cors === null) return null
  return {
    origins: listOf('AllowOrigins', cors.AllowOrigins) ?? [],
    methods: allowed(listOf('AllowMethods', cors.AllowMethods)),
    headers: allowed(listOf('AllowHeaders', cors.AllowHeaders)),
    credentials: cors.AllowCredentials === true,
  }
}

/** `*` allows every request. */
const allowed = (list: string[] | null): string[] | null => (list?.includes('*') ? null : list)

const mostInList = 100

function listOf(name: string, given: unknown): string[] | null {
  if (given === undefined || given === null) return null
  const isList = Array.isArray(given) && given.every((one) => typeof one === 'string')
  if (isList && given.length <= mostInList) return given
  throw invalidParameter(`Cors.${name} must be a list of strings, ${mostInList} at most.`)
}
