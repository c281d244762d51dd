// Makes a release: npm run release -- X.Y.Z [--dry-run] [--no-image]. It makes version, changelog, package, executable, image,
// bill of materials, licences, checksums, commit and tag, and publishes nothing.
import { createHash } from 'node:crypto'
import { copyFileSync, createReadStream, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { version as current, projectFolder } from '../src/assets.ts'
import { runOrThrow } from '../src/host/command.ts'
import { SetupProblem } from '../src/host/problem.ts'
import { audit } from './release/audit.ts'
import { checkVersion, releasedChangelog } from './release/changelog.ts'
import { bomOf, bundledParts, licencesText } from './release/parts.ts'
import { progress, runScript } from './setup/terminal.ts'

const folder = join(projectFolder, 'dist/release')
const flags = process.argv.slice(2).filter((word) => word.startsWith('--'))
const [wanted] = process.argv.slice(2).filter((word) => !word.startsWith('--'))
const isDry = flags.includes('--dry-run')
/** This machine's platform: releases run on the platform on which they are built. */
const platform = `linux-${process.arch}`

async function main(): Promise<undefined> {
  const version = attempt(() => checkVersion(wanted, current))
  const day = new Date().toISOString().slice(0, 10)
  const changelog = attempt(() =>
    releasedChangelog(readFileSync(join(projectFolder, 'CHANGELOG.md'), 'utf8'), version, day),
  )
  const isClean = (await git('status', '--porcelain')).trim() === ''
  if (!isClean && !isDry) throw new SetupProblem('There are changes that are not committed: commit them first.')

  progress.step(isDry ? `What a release of ${version} would hold; the version stays ${current}` : `Taibai ${version}`)
  await refuseVulnerable()
  if (!isDry) await setVersion(version, changelog)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const made = isDry ? current : version
  await makeParts(made)
  await makePackage()
  await makeExecutable(made)
  if (!flags.includes('--no-image')) await makeImage(made)
  await writeChecksums()
  if (!isDry) await commit(version)
  progress.done(`${folder}: ${readdirSync(folder).join(', ')}`)
  if (!isDry) progress.detail(`send it: git push --follow-tags, and what is in that folder to the release v${version}`)
}

/** A registry that cannot be asked does not stop a release; that it was not asked is said. */
async function refuseVulnerable(): Promise<void> {
  const { kind, text } = await audit(projectFolder)
  if (kind === 'vulnerable')
    throw new SetupProblem(`There are known vulnerabilities in what would be released:\n${text}`)
  if (kind === 'clean') progress.done(text)
  else progress.detail(text)
}

function attempt<T>(act: () => T): T {
  try {
    return act()
  } catch (error) {
    throw new SetupProblem((error as Error).message)
  }
}

const git = (...args: string[]): Promise<string> => runOrThrow(`git ${args[0]}`, 'git', args, { cwd: projectFolder })
const npm = (...args: string[]): Promise<string> => runOrThrow(`npm ${args[0]}`, 'npm', args, { cwd: projectFolder })
const script = (name: string, ...args: string[]): Promise<string> =>
  runOrThrow(name, process.execPath, [join('scripts', name), ...args], { cwd: projectFolder })

async function setVersion(version: string, changelog: string): Promise<void> {
  await npm('version', version, '--no-git-tag-version')
  writeFileSync(join(projectFolder, 'CHANGELOG.md'), changelog)
  progress.done('package.json, package-lock.json and CHANGELOG.md say so')
}

/** The bill of materials as CycloneDX, with licences. */
async function makeParts(version: string): Promise<void> {
  const parts = await bundledParts()
  const whole = JSON.parse(await npm('sbom', '--sbom-format', 'cyclonedx'))
  const bom = bomOf<Parameters<typeof bomOf>[0]>(whole, parts)
  writeFileSync(join(folder, `taibai-${version}.cdx.json`), `${JSON.stringify(bom, null, 2)}\n`)
  writeFileSync(join(folder, 'LICENCES.txt'), licencesText(parts))
  progress.done(`${parts.length} parts of others, ${bom.components.length} of them in the list, with their licences`)
}

async function makePackage(): Promise<void> {
  const [packed] = JSON.parse(await npm('pack', '--json', '--pack-destination', folder))
  progress.done(`${packed.filename}, ${(packed.size / 1048576).toFixed(1)} MiB`)
}

async function makeExecutable(version: string): Promise<void> {
  await script('build-binary.ts')
  copyFileSync(join(projectFolder, 'dist/taibai'), join(folder, `taibai-${version}-${platform}`))
  progress.done(`taibai-${version}-${platform}`)
}

async function makeImage(version: string): Promise<void> {
  await script('build-image.ts')
  const file = join(folder, `taibai-server-${version}-${platform}.tar`)
  await runOrThrow(
    'Saving the image',
    process.execPath,
    ['src/main.ts', 'images', 'save', file, `taibai/server:${version}`],
    {
      cwd: projectFolder,
    },
  )
  await runOrThrow('Compressing the image', 'gzip', ['-f', file])
  progress.done(`taibai/server:${version} as an archive`)
}

async function writeChecksums(): Promise<void> {
  const lines: string[] = []
  for (const name of readdirSync(folder).sort()) {
    const hash = createHash('sha256')
    await pipeline(createReadStream(join(folder, name)), hash)
    lines.push(`${hash.digest('hex')}  ${name}\n`)
  }
  writeFileSync(join(folder, 'SHA256SUMS'), lines.join(''))
}

async function commit(version: string): Promise<void> {
  await git('commit', '-am', `Release ${version}`)
  await git('tag', '-a', `v${version}`, '-m', `Taibai ${version}`)
  progress.done(`committed, and tagged v${version}`)
}

await runScript(main)
