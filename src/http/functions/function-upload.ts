import { FaasError } from '../../domain/errors.ts'
import { Upload } from '../../domain/functions/upload.ts'
import { jsonText, mediaType, parseObject, readBytes } from '../connection/body.ts'
import { parseMultipart } from '../connection/multipart.ts'
import type { Ctx } from '../request-context.ts'

/** A function as it is sent: JSON, a form, or a bare ZIP with the fields in the query. */

export interface UploadLimits {
  maxBodyBytes: number
  maxPackageBytes: number
}

export interface FunctionUpload {
  fields: Record<string, unknown>
  /** Whether unknown keys are refused; in forms they are ignored. */
  unknownKeys: 'strict' | 'ignore'
  zip?: Upload
}

export async function readFunctionUpload(c: Ctx, limits: UploadLimits): Promise<FunctionUpload> {
  const { maxBodyBytes, maxPackageBytes } = limits
  switch (mediaType(c)) {
    case '':
    case 'application/json':
      return { fields: parseObject(jsonText(await readBytes(c, maxBodyBytes))), unknownKeys: 'strict' }
    case 'application/x-www-form-urlencoded':
      return { fields: formFields(await readBytes(c, maxBodyBytes)), unknownKeys: 'ignore' }
    case 'multipart/form-data':
      return readMultipart(c, maxPackageBytes + maxBodyBytes)
    case 'application/zip':
      return { fields: queryFields(c), unknownKeys: 'strict', zip: new Upload(await readBytes(c, maxPackageBytes)) }
    default:
      throw new FaasError(
        'unsupported_media_type',
        'Send a function as multipart/form-data, application/x-www-form-urlencoded, application/json or application/zip.',
      )
  }
}

/** Query parameters may request a check or a build in addition to the fields. */
function queryFields(c: Ctx): Record<string, unknown> {
  const { check: _check, build: _build, bundle: _bundle, async: _async, ...fields } = c.req.query()
  return fields
}

const formFields = (body: Buffer): Record<string, unknown> =>
  Object.fromEntries(new URLSearchParams(body.toString('utf8')))

/** The part named `package` is the package; its file name and type are ignored. */
async function readMultipart(c: Ctx, maxBytes: number): Promise<FunctionUpload> {
  const parts = parseMultipart(await readBytes(c, maxBytes), c.req.header('Content-Type') ?? '')
  const texts = parts.filter(({ name }) => name !== 'package').map(({ name, body }) => [name, body.toString('utf8')])
  const zip = parts.find(({ name }) => name === 'package')?.body
  return {
    fields: Object.fromEntries(texts),
    unknownKeys: 'ignore',
    ...(zip !== undefined && { zip: new Upload(zip) }),
  }
}
