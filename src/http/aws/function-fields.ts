import type { FunctionCode, ImageStart } from '../../domain/functions/function.ts'
import type { LambdaFields } from '../../domain/functions/lambda-settings.ts'
import { Upload } from '../../domain/functions/upload.ts'
import type { FunctionFields } from '../../services/functions/function-fields.ts'
import { invalidParameter } from './aws-error.ts'
import { runtimeOf } from './runtime-families.ts'

/** Converts a client's function fields to ours. Pure. Throws AwsError. */

type Given = Record<string, unknown>

const mib = 1_048_576
/** Limits of AWS Lambda. */
export const longestDescription = 256
const longestHandler = 128

/** Fields of create and update. Absent fields stay unchanged. */
export function fieldsOf(given: Given): FunctionFields {
  const fields: FunctionFields = {}
  if (given.Description !== undefined) fields.description = textOf('Description', given.Description, longestDescription)
  if (given.Handler !== undefined) fields.entry = textOf('Handler', given.Handler, longestHandler)
  if (given.Timeout !== undefined) fields.timeoutSeconds = numberOf('Timeout', given.Timeout)
  if (given.MemorySize !== undefined) fields.memoryBytes = numberOf('MemorySize', given.MemorySize) * mib
  if (given.Environment !== undefined) fields.env = variablesOf(given.Environment)
  if (given.Layers !== undefined) refuseAny('Layers', given.Layers)
  if (given.FileSystemConfigs !== undefined) refuseAny('FileSystemConfigs', given.FileSystemConfigs)
  return fields
}

/** AWS Lambda's defaults, so that a function has the same time and memory as there; our own default time is longer. */
export const createDefaults = { Timeout: 3, MemorySize: 128 }

/** The ZIP in `Code` of a create request, or in an update. */
export function zipIn(code: Given): Upload {
  if (code.ImageUri !== undefined) {
    throw invalidParameter('ImageUri is for functions of PackageType Image: leave it out, or make one of these.')
  }
  if (code.S3Bucket !== undefined || code.S3Key !== undefined) {
    throw invalidParameter('Code from S3 is not supported here: send the ZIP as Code.ZipFile.')
  }
  return zipOf(code.ZipFile)
}

/** The image in `Code` of a create request, or in an update. */
export function imageIn(code: Given): string {
  const others = ['ZipFile', 'S3Bucket', 'S3Key'].filter((name) => code[name] !== undefined)
  if (others.length > 0) {
    throw invalidParameter(`The function is an image: leave ${others.join(', ')} out, and name the image in ImageUri.`)
  }
  if (typeof code.ImageUri === 'string' && code.ImageUri !== '') return code.ImageUri
  throw invalidParameter('Please provide a source for function code: ImageUri.')
}

/** `ImageConfig`, which overrides the image's own command. */
export function imageStartIn({ ImageConfig: given }: Given): ImageStart {
  const { EntryPoint, Command, WorkingDirectory } = objectOf('ImageConfig', given ?? {})
  const words = (name: string, list: unknown): string[] | undefined => {
    if (list === undefined || list === null || (Array.isArray(list) && list.length === 0)) return undefined
    if (Array.isArray(list) && list.every((word) => typeof word === 'string')) return list
    throw invalidParameter(`ImageConfig.${name} must be a list of strings.`)
  }
  const entryPoint = words('EntryPoint', EntryPoint)
  const command = words('Command', Command)
  return {
    ...(entryPoint !== undefined && { entry_point: entryPoint }),
    ...(command !== undefined && { command }),
    ...(Boolean(WorkingDirectory) && {
      working_directory: textOf('ImageConfig.WorkingDirectory', WorkingDirectory),
    }),
  }
}

/** `ImageConfig` for clients; absent: the image's own command. */
export function imageConfigOf({ entry_point, command, working_directory }: FunctionCode): Given {
  const config = {
    ...(entry_point && { EntryPoint: entry_point }),
    ...(command && { Command: command }),
    ...(working_directory && { WorkingDirectory: working_directory }),
  }
  return Object.keys(config).length === 0 ? {} : { ImageConfigResponse: { ImageConfig: config } }
}

const noHandler = () =>
  invalidParameter('Runtime and Handler are mandatory parameters for functions created with deployment packages.')

/** Throws AwsError for a new function of a package without a handler: our own default would be another one. */
export function checkHandler({ Handler: handler }: Given): void {
  if (typeof handler !== 'string' || handler === '') throw noHandler()
}

/** Name of our runtime; `isHere`: whether a runtime of this name exists. */
export function runtimeIn({ Runtime: runtime }: Given, isHere: (runtime: string) => boolean): string {
  if (typeof runtime === 'string') return runtimeOf(runtime, isHere)
  throw noHandler()
}

function zipOf(text: unknown): Upload {
  if (typeof text !== 'string' || text === '')
    throw invalidParameter('Please provide a source for function code: ZipFile.')
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) throw invalidParameter('ZipFile must be the base64 of a ZIP.')
  return new Upload(Buffer.from(text, 'base64'))
}

/** Settings stored beside the function; `before`: the current ones. */
export function settingsOf(given: Given, before: LambdaFields): LambdaFields {
  return {
    ...before,
    ...(given.Runtime !== undefined && { runtime: textOf('Runtime', given.Runtime) }),
    ...(given.Role !== undefined && { role: textOf('Role', given.Role) }),
    ...(given.MemorySize !== undefined && { memoryMb: numberOf('MemorySize', given.MemorySize) }),
    ...(given.Architectures !== undefined && { architectures: architecturesOf(given.Architectures) }),
    ...(given.EphemeralStorage !== undefined && {
      ephemeralMb: numberOf('EphemeralStorage.Size', objectOf('EphemeralStorage', given.EphemeralStorage).Size),
    }),
    ...(given.Tags !== undefined && { tags: tagsOf(given.Tags) }),
    echoed: { ...before.echoed, ...echoedIn(given) },
  }
}

/** Settings without effect here: stored and returned. */
const echoed = ['TracingConfig', 'LoggingConfig', 'VpcConfig', 'DeadLetterConfig', 'KMSKeyArn', 'SnapStart']

/** What those with a fixed set of values may be. */
const echoedValues: [setting: string, key: string, values: string[]][] = [
  ['TracingConfig', 'Mode', ['Active', 'PassThrough']],
  ['SnapStart', 'ApplyOn', ['PublishedVersions', 'None']],
  ['LoggingConfig', 'LogFormat', ['JSON', 'Text']],
]

function echoedIn(given: Given): Given {
  for (const [setting, key, values] of echoedValues) {
    const value = (given[setting] as Given | null | undefined)?.[key]
    if (value === undefined || values.includes(String(value))) continue
    throw invalidParameter(`${setting}.${key} is ${JSON.stringify(value)}: it must be ${values.join(' or ')}.`)
  }
  return Object.fromEntries(Object.entries(given).filter(([name, value]) => echoed.includes(name) && value !== null))
}

const mostTags = 50

/** Tags of a request, with those that are there. Throws AwsError beyond AWS Lambda's own limits. */
export function tagsOf(given: unknown, before: Record<string, string> = {}): Record<string, string> {
  const tags = textsOf('Tags', given)
  const taken = Object.keys(tags).find((key) => key.startsWith('aws:'))
  if (taken !== undefined) throw invalidParameter(`The tag ${taken} begins with aws:, which is reserved.`)
  const all = { ...before, ...tags }
  const count = Object.keys(all).length
  if (count > mostTags) throw invalidParameter(`A function may have ${mostTags} tags; these are ${count}.`)
  return all
}

/** Variables that are set by the platform, or that identify the function. */
const reserved = [
  ...['_HANDLER', '_X_AMZN_TRACE_ID', 'AWS_DEFAULT_REGION', 'AWS_REGION', 'AWS_EXECUTION_ENV'],
  ...['AWS_LAMBDA_FUNCTION_NAME', 'AWS_LAMBDA_FUNCTION_MEMORY_SIZE', 'AWS_LAMBDA_FUNCTION_VERSION'],
  ...['AWS_LAMBDA_INITIALIZATION_TYPE', 'AWS_LAMBDA_LOG_GROUP_NAME', 'AWS_LAMBDA_LOG_STREAM_NAME'],
  ...['AWS_ACCESS_KEY', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_LAMBDA_RUNTIME_API'],
  ...['LAMBDA_TASK_ROOT', 'LAMBDA_RUNTIME_DIR'],
]

function variablesOf(environment: unknown): Record<string, string> {
  const variables = textsOf('Environment.Variables', objectOf('Environment', environment).Variables ?? {})
  const taken = Object.keys(variables).filter((name) => reserved.includes(name))
  if (taken.length === 0) return variables
  throw invalidParameter(`Environment.Variables names reserved keys that cannot be set: ${taken.join(', ')}.`)
}

function architecturesOf(given: unknown): string[] {
  if (Array.isArray(given) && given.length === 1 && (given[0] === 'x86_64' || given[0] === 'arm64')) return given
  throw invalidParameter('Architectures must be one of x86_64 and arm64.')
}

function refuseAny(name: string, given: unknown): void {
  if (given === null || (Array.isArray(given) && given.length === 0)) return
  throw invalidParameter(`${name} are not supported here: put what they contain into the package.`)
}

export function textOf(name: string, given: unknown, mostChars = Number.POSITIVE_INFINITY): string {
  if (typeof given !== 'string') throw invalidParameter(`${name} must be a string.`)
  if (given.length <= mostChars) return given
  throw invalidParameter(`${name} has ${given.length} characters; at most ${mostChars} are allowed.`)
}

export function numberOf(name: string, given: unknown): number {
  if (typeof given === 'number' && Number.isSafeInteger(given)) return given
  throw invalidParameter(`${name} must be a whole number.`)
}

export function objectOf(name: string, given: unknown): Given {
  if (typeof given === 'object' && given !== null && !Array.isArray(given)) return given as Given
  throw invalidParameter(`${name} must be an object.`)
}

export function textsOf(name: string, given: unknown): Record<string, string> {
  const texts = objectOf(name, given)
  if (Object.values(texts).every((value) => typeof value === 'string')) return texts as Record<string, string>
  throw invalidParameter(`${name} must hold strings.`)
}
