import { createHash } from 'node:crypto'
import type { Client } from '../../client/client.ts'
import type { Deploying } from '../../client/deployment.ts'
import type { FunctionFields, FunctionRow } from '../../client/resources/functions.ts'
import { CliError } from '../command.ts'
import { canonical, changedFields, type Step } from './difference.ts'
import { besideGoneEntry } from './gone-entry.ts'
import type { ManifestFunctionState } from './manifest-function.ts'

/** At most one step. */
export async function functionSteps(
  client: Client,
  given: ManifestFunctionState,
  how: Deploying = {},
): Promise<Step[]> {
  const { wanted, notes: limitNotes } = await withTimeout(client, given)
  const there = await existing(client, wanted.name)
  const what = `function ${wanted.name}`
  if (there === null) {
    const details = [
      wanted.zip ? `${wanted.zip.length} bytes of code` : `image ${wanted.image?.image}`,
      ...Object.keys(wanted.fields),
      ...limitNotes,
    ]
    return [{ kind: 'create', what, details, take: () => create(client, wanted, how) }]
  }
  const isNew = wanted.zip !== undefined && (there.code.md5sum !== md5(wanted.zip) || how.build === 'always')
  const newZip = isNew ? wanted.zip : undefined
  const { fields: said, notes } = withoutGuess(wanted, there)
  const guided = newZip === undefined ? said : besideGoneEntry(said, there, newZip)
  const fields = changedFields(besideItsOwn(guided, there), there)
  const changed = isTakenOut(wanted) ? changedApp(wanted, there, fields) : { ...fields, ...changedImage(wanted, there) }
  refuseOtherKind(wanted, there)
  await refuseOtherRuntime(client, wanted, there)
  if (isNew) await refuseOtherLanguage(client, wanted, there)
  const isSameImage = 'code' in changed || isTakenOut(wanted) || wanted.image?.image === there.code.image
  const image = isSameImage ? undefined : wanted.image?.image
  if (Object.keys(changed).length === 0 && newZip === undefined && image === undefined) return []
  const details = [
    ...(newZip ? ['code'] : []),
    ...(image === undefined ? [] : [`image: ${there.code.image} → ${image}`]),
    ...Object.entries(changed).map(
      ([field, value]) =>
        `${field}: ${shownValue(field, there[field as keyof FunctionRow])} → ${shownValue(field, value)}`,
    ),
    ...notes,
    ...limitNotes,
  ]
  return [
    {
      kind: 'change',
      what,
      details,
      take: () => change(client, there, { fields: changed, zip: newZip, image }, how),
    },
  ]
}

/** The timeout of the code's own settings, or as much of it as the server allows. */
async function withTimeout(
  { limits }: Client,
  given: ManifestFunctionState,
): Promise<{ wanted: ManifestFunctionState; notes: string[] }> {
  const { fileTimeout, fields } = given
  if (fileTimeout === undefined) return { wanted: given, notes: [] }
  // A server of an earlier version does not show it.
  const { timeout_max = fileTimeout } = await limits.get()
  const timeout = Math.min(fileTimeout, timeout_max)
  const note = `timeout ${timeout} s, the maximum of this server (TAIBAI_TIMEOUT_MAX_SECONDS), not ${fileTimeout} s`
  return { wanted: { ...given, fields: { timeout, ...fields } }, notes: timeout < fileTimeout ? [note] : [] }
}

/** An existing function keeps its signature, and the entry with it, where the files only look like another platform's. */
function withoutGuess(
  { fields, isGuessed }: ManifestFunctionState,
  there: FunctionRow,
): { fields: FunctionFields; notes: string[] } {
  const { signature, entry: _entry, ...others } = fields
  if (isGuessed !== true || signature == null || signature === there.signature) return { fields, notes: [] }
  const advice = `the code looks like ${signature}: pass --signature ${signature} to change it`
  return { fields: others, notes: [`signature stays ${there.signature ?? "the runtime's"} (${advice})`] }
}

/** A function's runtime stays as it is: code of another language would be stored and never load. */
async function refuseOtherLanguage(
  { runtimes }: Client,
  { name, runtime }: ManifestFunctionState,
  { runtime_id }: FunctionRow,
): Promise<void> {
  if (runtime === undefined || runtime_id === null) return
  const { is, wanted } = await runtimesOf(runtimes, runtime_id, runtime)
  if (is === undefined || wanted === undefined || is.languages.length === 0 || wanted.languages.length === 0) return
  if (is.languages.some((language) => wanted.languages.includes(language))) return
  throw runtimeStays(`${name} runs on ${is.name}, and this code is for ${wanted.name}.`)
}

/** A runtime that the user names is refused rather than ignored. Throws CliError, also for a runtime that does not exist. */
async function refuseOtherRuntime(
  { runtimes }: Client,
  { name, namedRuntime }: ManifestFunctionState,
  { runtime_id }: FunctionRow,
): Promise<void> {
  if (namedRuntime === undefined || runtime_id === null) return
  const { is, wanted } = await runtimesOf(runtimes, runtime_id, namedRuntime)
  if (is === undefined || is.id === wanted?.id) return
  if (wanted === undefined) throw new CliError(`Runtime ${namedRuntime} was not found: see taibai runtimes.`, 'usage')
  throw runtimeStays(`${name} runs on ${is.name}, not on ${wanted.name}.`)
}

async function runtimesOf(runtimes: Client['runtimes'], there: string, named: string) {
  const all = await runtimes.list()
  return {
    is: all.find(({ id }) => id === there),
    wanted: all.find(({ name }) => name === named) ?? all.find(({ id }) => id === named),
  }
}

const runtimeStays = (why: string): CliError =>
  new CliError(
    `${why} The runtime of a function stays as it is: deploy the code under another name, or delete the function first.`,
    'usage',
  )

/** An action of OpenWhisk keeps the variables in which the server tells it its name. */
function besideItsOwn(fields: FunctionFields, { env, signature }: FunctionRow): FunctionFields {
  if (signature !== 'openwhisk' || fields.env == null) return fields
  const own = Object.entries(env ?? {}).filter(([name]) => name.startsWith('__OW_') && name !== '__OW_PARAMETERS')
  return { ...fields, env: { ...Object.fromEntries(own), ...fields.env } }
}

/** A new image of mode lambda or fission, or a new command of it, counts as new code. */
function changedImage(
  { image }: ManifestFunctionState,
  { code: { md5sum: _package, ...code } }: FunctionRow,
): FunctionFields {
  const isOfKind = image?.mode === code.mode && (image?.mode === 'lambda' || image?.mode === 'fission')
  return image === undefined || !isOfKind || canonical(image) === canonical(code) ? {} : { code: { ...image } }
}

/** An image of mode azure: the server takes its app out, and adds its environment to the given one. */
const isTakenOut = ({ image }: ManifestFunctionState): boolean => image?.mode === 'azure'

function changedApp(
  { image }: ManifestFunctionState,
  { code, env: before }: FunctionRow,
  changed: FunctionFields,
): FunctionFields {
  const { env, ...others } = changed
  const isSaid = Object.entries(env ?? {}).every(([name, value]) => before[name] === value)
  if (image === undefined || (isSaid && image.image === code.from_image)) return others
  return { ...others, ...(env !== undefined && { env }), code: { ...image } }
}

/** Refuses in advance what the server would refuse in the middle of a deployment; only fields in the manifest count. */
function refuseOtherKind({ name, image }: ManifestFunctionState, { code }: FunctionRow): void {
  const { mode = code.mode ?? 'command', port = code.port } = image ?? {}
  const isSame = code.source === 'image' && mode === (code.mode ?? 'command') && port === code.port
  if (image === undefined || isSame || (mode === 'azure' && code.from_image !== undefined)) return
  const is = code.source === 'image' ? `the image ${code.image} (mode ${code.mode ?? 'command'})` : 'code, no image'
  throw new CliError(
    `${name} is ${is}, and what a function is stays as it is, with mode and port: deploy it under another name, or delete it first.`,
    'usage',
  )
}

/** Values of environment variables may be secrets, so only names are shown. */
const shownValue = (field: string, value: unknown): string =>
  field === 'env' ? `{${Object.keys((value as object) ?? {}).join(', ')}}` : JSON.stringify(value ?? null)

/** Null: there is none of this name. */
export async function existing(client: Client, name: string): Promise<FunctionRow | null> {
  try {
    return await client.functions.get(name)
  } catch (error) {
    if ((error as { status?: number }).status === 404) return null
    throw error
  }
}

const md5 = (bytes: Buffer): string => createHash('md5').update(bytes).digest('hex')

async function create(
  client: Client,
  { name, fields, runtime, zip, image, codeIn = [] }: ManifestFunctionState,
  how: Deploying,
): Promise<void> {
  if (image !== undefined) {
    if (zip === undefined) await client.functions.create({ name, ...fields, code: image })
    else await client.functions.createFromZip({ name, ...fields, code: { ...image } }, zip, how)
    return
  }
  if (runtime === undefined) {
    const inside = codeIn.length === 0 ? '' : ` Code is in ${codeIn.join(', ')}: to deploy it, name that folder.`
    throw new CliError(
      `The runtime of ${name} is not known: pass --runtime, or set "runtime" in taibai.yaml.${inside}`,
      'usage',
    )
  }
  await client.functions.createFromZip({ name, ...fields, runtime }, zip as Buffer, how)
}

interface Changed extends Pick<ManifestFunctionState, 'fields' | 'zip'> {
  image: string | undefined
}

/** Images are not loaded, so there is no check for them. */
async function change(client: Client, { id, code }: FunctionRow, { fields, zip, image }: Changed, how: Deploying) {
  const { functions } = client
  const named = image === undefined ? fields : { ...fields, image }
  if (zip === undefined) return void (await functions.update(id, named, code.source === 'image' ? {} : how))
  await functions.updateWithZip(id, fields, zip, how)
  // Fields beside a ZIP are text, which cannot express null.
  const cleared = Object.fromEntries(Object.entries(fields).filter(([, value]) => value === null))
  if (Object.keys(cleared).length > 0) await functions.update(id, cleared)
}
