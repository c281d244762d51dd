import { join } from 'node:path'
import type { Deploying } from '../../client/deployment.ts'
import type { FunctionFields } from '../../client/resources/functions.ts'
import { readLocalCode } from './local-code.ts'
import type { ManifestFunction } from './manifest.ts'
import { packFile } from './package-zip.ts'

const mib = 1024 * 1024

/** A function's fields in the manifest, with the API's names. */
function fieldsOf(fn: ManifestFunction): FunctionFields {
  const {
    code: _code,
    image: _image,
    mode: _mode,
    port: _port,
    command: _command,
    entry_point: _entryPoint,
    working_directory: _folder,
    memory_mb,
    tmp_mb,
    jobs: _jobs,
    webhooks: _webhooks,
    aliases: _aliases,
    runtime: _runtime,
    build: _build,
    inline: _inline,
    ...same
  } = fn
  return {
    ...same,
    ...(memory_mb !== undefined && { memory_size: memory_mb * mib }),
    ...(tmp_mb !== undefined && { tmp_size: tmp_mb * mib }),
  }
}

export interface ManifestFunctionState {
  name: string
  fields: FunctionFields
  runtime: string | undefined
  /** The runtime that the user names; undefined: only the files name one. */
  namedRuntime?: string | undefined
  zip?: Buffer
  /** Timeout in seconds that the code's own settings name; the server's maximum is enough for it. */
  fileTimeout?: number | undefined
  /** Folders below that contain code, when the folder itself has none. */
  codeIn?: string[] | undefined
  /** True when signature and entry are a guess, which an existing function of another signature does not follow. */
  isGuessed?: boolean | undefined
  image?: ImageCode
}

type ImageCode = { source: 'image'; image: string; mode?: string; port?: number; init?: { main: string } } & ImageStart

/** Overrides of an image's command; absent: the image's own. */
type ImageStart = Pick<ManifestFunction, 'command' | 'entry_point' | 'working_directory'>

/** The object without undefined fields. `entry`: the function's name in the package that an image loads. */
export function imageCode({
  entry,
  ...own
}: {
  mode?: string | undefined
  port?: number
  entry?: string | null | undefined
} & ImageStart & { image: string }): ImageCode {
  const init = entry === undefined || entry === null ? undefined : { main: entry }
  const given = Object.entries({ ...own, init, source: 'image' }).filter(([, value]) => value !== undefined)
  return Object.fromEntries(given) as ImageCode
}

/** Reads the manifest's function and the files that it names. Throws CliError. */
export function functionInManifest(
  name: string,
  fn: ManifestFunction,
  folder: string,
  how: Deploying = {},
): ManifestFunctionState {
  const fields = fieldsOf(fn)
  if (fn.image !== undefined && fn.mode === 'fission') return ofFission(name, fn, fn.image, folder, how)
  if (fn.image !== undefined) {
    const { image, mode, port, command, entry_point, working_directory } = fn
    const start = { command, entry_point, working_directory }
    return { name, fields, runtime: undefined, image: imageCode({ image, mode, ...(port && { port }), ...start }) }
  }
  if (fn.inline !== undefined) {
    const zip = packFile(fn.inline.file, Buffer.from(fn.inline.text))
    return { name, fields, runtime: fn.runtime, namedRuntime: fn.runtime, zip }
  }
  const code = readLocalCode(join(folder, fn.code ?? name), how, fn)
  const runtime = fn.runtime ?? code.runtime
  const entry = fn.entry ?? code.entry
  const signature = fn.signature ?? (fn.entry == null && fn.runtime === undefined ? code.signature : undefined)
  const isSame = signature !== undefined && signature === code.signature
  const found = { ...(entry !== undefined && { entry }), ...(signature !== undefined && { signature }) }
  return {
    name,
    fields: { ...fields, ...found },
    runtime,
    namedRuntime: fn.runtime,
    fileTimeout: isSame && fn.timeout === undefined ? code.timeout : undefined,
    zip: code.zip,
    codeIn: code.codeIn,
    isGuessed: fn.signature == null && code.isGuessed,
  }
}

/** An environment of Fission, and the package that it loads unless the image has it. */
function ofFission(
  name: string,
  fn: ManifestFunction,
  image: string,
  folder: string,
  how: Deploying,
): ManifestFunctionState {
  const { entry, ...fields } = fieldsOf(fn)
  const { mode, port, code } = fn
  const zip = code === undefined ? undefined : readLocalCode(join(folder, code), how).zip
  const loaded = zip === undefined ? {} : { zip }
  return {
    name,
    fields,
    runtime: undefined,
    image: imageCode({ image, mode, ...(port && { port }), entry }),
    ...loaded,
  }
}
