import type { PackageFiles } from './package-files.ts'

/**
 * Packages that the images of AWS Lambda have and Taibai's do not (its SDK has 100 MB): functions that import them without
 * listing them get them by the build.
 */

export interface SuppliedPackages {
  names: string[]
  /** The changed or new list of dependencies. */
  file: string
  text: string
}

/** Null: nothing is missing, or a lock file or a list of another kind decides what is installed. */
export function suppliedPackages(files: PackageFiles, signature: string | undefined): SuppliedPackages | null {
  return signature === 'lambda' ? (inPython(files) ?? inNode(files)) : null
}

const pythonLists = ['uv.lock', 'poetry.lock', 'Pipfile.lock', 'Pipfile', 'pyproject.toml']

function inPython(files: PackageFiles): SuppliedPackages | null {
  const file = 'requirements.txt'
  const isInstalled = files.names.some((name) => /^(boto3|botocore)\/|\.dist-info\//.test(name))
  if (isInstalled || files.names.some((name) => pythonLists.includes(name))) return null
  const listed = files.text(file) ?? ''
  // Hashes are for all of a list or for none.
  if (/^\s*boto3(?![\w.-])/im.test(listed) || listed.includes('--hash=')) return null
  if (!ownTexts(files, /\.py$/).some((text) => /^\s*(?:import|from)\s+(?:boto3|botocore)\b/m.test(text))) return null
  return { names: ['boto3'], file, text: `${listed === '' ? '' : `${listed.trimEnd()}\n`}boto3\n` }
}

const nodeLocks = ['package-lock.json', 'npm-shrinkwrap.json', 'pnpm-lock.yaml', 'yarn.lock', 'bun.lock', 'bun.lockb']
const importsSdk = /(?:\bfrom|\bimport|\brequire\(|\bimport\()\s*(['"])(@aws-sdk\/[\w-]+|aws-sdk)(?:\/[^'"\n]*)?\1/g

function inNode(files: PackageFiles): SuppliedPackages | null {
  const file = 'package.json'
  if (files.names.some((name) => nodeLocks.includes(name) || name.startsWith('node_modules/'))) return null
  const listed = parsed(files.text(file))
  if (listed === null) return null
  const { dependencies, optionalDependencies, peerDependencies, devDependencies } = listed
  const imported = ownTexts(files, /\.[cm]?[jt]sx?$/).flatMap((text) =>
    [...text.matchAll(importsSdk)].map(([, , name = '']) => name),
  )
  const installed = { ...dependencies, ...optionalDependencies, ...peerDependencies }
  const names = [...new Set(imported)].filter((name) => !(name in installed)).sort()
  if (names.length === 0) return null
  const added = Object.fromEntries(names.map((name) => [name, devDependencies?.[name] ?? '*']))
  // Node.js warns of a list that does not say the kind of its modules.
  const type = files.names.includes(file) || !isEsm(files) ? {} : { type: 'module' }
  const text = `${JSON.stringify({ ...type, ...listed, dependencies: { ...dependencies, ...added } }, null, 2)}\n`
  return { names, file, text }
}

const isEsm = (files: PackageFiles): boolean =>
  ownTexts(files, /\.js$/).some((text) => /^(?:import|export)\b/m.test(text))

type Versions = Record<string, string>
type PackageJson = Partial<
  Record<'dependencies' | 'optionalDependencies' | 'peerDependencies' | 'devDependencies', Versions>
>

/** Null: it is no JSON object, which the build reports. */
function parsed(text: string | undefined): PackageJson | null {
  try {
    const value: unknown = JSON.parse(text ?? '{}')
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null
  } catch {
    return null
  }
}

/** Texts of the author's own modules. */
const ownTexts = (files: PackageFiles, ending: RegExp): string[] =>
  files.names
    .filter((name) => ending.test(name) && !/(^|\/)(node_modules|site-packages|tests?)\//.test(name))
    .map((name) => files.text(name) ?? '')
