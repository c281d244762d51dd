/** A package before it is deployed, and what is recognised in it. */

export interface PackageFiles {
  names: string[]
  /** Undefined: there is no such file. */
  text(path: string): string | undefined
}

export interface KnownPackage {
  /** The detected kind, for messages. */
  kind: string
  signature: string
  /** Undefined: other files determine it. */
  runtime?: string
  entry?: string
  /** Seconds. */
  timeout?: number
}

/** Whether `package.json` lists the dependency. */
export function dependsOn(files: PackageFiles, name: string): boolean {
  try {
    const { dependencies, devDependencies } = JSON.parse(files.text('package.json') ?? '{}')
    return dependencies?.[name] !== undefined || devDependencies?.[name] !== undefined
  } catch {
    return false
  }
}
