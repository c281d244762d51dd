import { createHash } from 'node:crypto'
import { AwsError } from './aws-error.ts'
import type { NamedFunction } from './catalogue.ts'
import { imageConfigOf } from './function-fields.ts'
import { arnOf, current } from './names.ts'

/** `FunctionConfiguration`, the response of most operations. */
export function configurationOf(found: NamedFunction, region: string, codeSize: number): Record<string, unknown> {
  const configuration = describe(found, region, codeSize)
  return { ...configuration, RevisionId: revisionIdOf(configuration) }
}

function describe({ fn, settings, version, qualifier, ...found }: NamedFunction, region: string, codeSize: number) {
  const isImage = fn.code.source === 'image'
  const name = fn.name ?? fn.id
  const { Handler: _handler, ...echoed } = settings.echoed
  return {
    FunctionName: name,
    FunctionArn: arnOf(region, name, qualifier),
    ...(isImage ? imageConfigOf(fn.code) : { Runtime: settings.runtime, Handler: fn.entry }),
    Role: settings.role,
    CodeSize: codeSize,
    Description: version === null ? (fn.description ?? '') : (version.description ?? ''),
    Timeout: fn.timeoutSeconds,
    MemorySize: settings.memoryMb,
    LastModified: new Date(version?.createdAt ?? found.updatedAt).toISOString().replace('Z', '+0000'),
    CodeSha256: shaOf(version?.packageHash ?? fn.packageHash ?? imageHash(String(fn.code.image))),
    Version: version === null ? current : String(version.number),
    ...(Object.keys(fn.env).length > 0 && { Environment: { Variables: fn.env } }),
    TracingConfig: { Mode: 'PassThrough' },
    State: 'Active',
    LastUpdateStatus: 'Successful',
    PackageType: isImage ? 'Image' : 'Zip',
    Architectures: settings.architectures,
    EphemeralStorage: { Size: settings.ephemeralMb },
    ...echoed,
    LoggingConfig: { LogFormat: 'Text', LogGroup: `/aws/lambda/${name}`, ...objectIn(echoed.LoggingConfig) },
    SnapStart: { ApplyOn: 'None', ...objectIn(echoed.SnapStart), OptimizationStatus: 'Off' },
  }
}

/** Clients send a part; the answer has all of it. */
const objectIn = (value: unknown): object => (typeof value === 'object' && value !== null ? value : {})

const shaOf = (hash: string): string => Buffer.from(hash, 'hex').toString('base64')

const imageHash = (image: string): string => createHash('sha256').update(image).digest('hex')

/** A UUID derived from the content: it changes with each change only. */
export function revisionIdOf(shown: object): string {
  const digest = createHash('sha256').update(JSON.stringify(shown)).digest('hex')
  return digest.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5')
}

/** Refuses a change when the client's revision is not the current one. Throws AwsError. */
export function checkRevision(given: unknown, configuration: Record<string, unknown>): void {
  if (given === undefined || given === null || given === configuration.RevisionId) return
  throw new AwsError(
    412,
    'PreconditionFailedException',
    'The RevisionId provided does not match the latest RevisionId. Call GetFunction to find it.',
  )
}
