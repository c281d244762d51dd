import { dependsOn, type KnownPackage, type PackageFiles } from './package-files.ts'

/** An app of Express, Fastify, Koa or Hono that a module in the root exports. */
export function ofNodeWeb(files: PackageFiles): KnownPackage | null {
  const known = frameworks.filter(({ module }) => dependsOn(files, module))
  if (known.length === 0) return null
  for (const name of files.names.filter((each) => /^[\w-]+\.[cm]?[jt]s$/.test(each))) {
    const text = files.text(name) ?? ''
    if (exportsHandler.test(text)) continue
    for (const { framework, make } of known) {
      const [, app] = new RegExp(`\\b(?:const|let|var)\\s+(\\w+)(?:\\s*:\\s*\\w+)?\\s*=\\s*${make}`).exec(text) ?? []
      const exported = app === undefined ? undefined : exportOf(text, app)
      if (exported === undefined) continue
      const entry = `${name.replace(/\.\w+$/, '')}.${exported}`
      return { kind: `an app of ${framework}`, signature: 'http', runtime: 'nodejs', entry }
    }
  }
  return null
}

const frameworks = [
  { module: 'express', framework: 'Express', make: 'express\\(' },
  { module: 'fastify', framework: 'Fastify', make: '(?:[Ff]astify\\(|require\\([\'"]fastify[\'"]\\)\\()' },
  { module: 'koa', framework: 'Koa', make: 'new\\s+Koa\\b' },
  { module: 'hono', framework: 'Hono', make: 'new\\s+Hono\\b' },
]

/** Such modules are functions, of Taibai or of AWS Lambda, that may use an app. */
const exportsHandler =
  /^\s*(?:module\.)?exports\.(?:main|handler)\s*=|^export\s+(?:async\s+)?(?:function|const|let)\s+(?:main|handler)\b/m

/** The name by which the module exports a variable; undefined: it does not. */
function exportOf(text: string, name: string): string | undefined {
  const isDefault = `\\bmodule\\.exports\\s*=\\s*${name}\\s*;?\\s*$|^export\\s+default\\s+${name}\\b`
  const isNamed = [
    `\\bexports\\.${name}\\s*=`,
    `\\bmodule\\.exports\\s*=\\s*\\{[^}]*\\b${name}\\b`,
    `^export\\s+(?:const|let|var)\\s+${name}\\b`,
    `^export\\s*\\{[^}]*\\b${name}\\s*[,}]`,
  ]
  if (new RegExp(isDefault, 'm').test(text)) return 'default'
  return new RegExp(isNamed.join('|'), 'm').test(text) ? name : undefined
}
