/**
 * Compiles TypeScript and JSX, for functions written in it. Node.js alone only strips types: no enums, parameter properties, JSX,
 * or imports that are used as types only. Sucrase supports them in half the time, and keeps line numbers.
 */

const { builtin } = require('./builtins.cjs')
const { existsSync, readFileSync, statSync } = builtin('node:fs')
const { registerHooks, stripTypeScriptTypes } = builtin('node:module')
const { basename, join } = builtin('node:path')
const { fileURLToPath, pathToFileURL } = builtin('node:url')

const compiled = /\.(ts|mts|cts|tsx|jsx)$/
/** Sucrase omits namespaces; Node's own compiler, which is slower, supports them. */
const namespaces = /^\s*(export\s+)?(namespace|module)\s+[\w.]+\s*\{/m

/** From here on modules of the package are compiled when they are loaded. */
function compileModules(codeFolder) {
  const options = readOptions(join(codeFolder, 'tsconfig.json'))
  registerHooks({
    resolve: (specifier, context, next) => resolveAsCompilersDo(specifier, context, next),
    load(url, context, next) {
      if (!isOwn(url)) return next(url, context)
      const file = fileURLToPath(bare(url))
      const written = readFileSync(file, 'utf8')
      const format = formatOf(context.format, file, written)
      return { format, source: compile(written, file, format, options), shortCircuit: true }
    },
  })
}

function bare(url) {
  return url.replace(/[?#].*$/, '')
}

/** Packages in node_modules were compiled by their publishers. */
function isOwn(url) {
  return url.startsWith('file:') && compiled.test(bare(url)) && !url.includes('/node_modules/')
}

function compile(written, file, format, options) {
  const code = translated(written, file, format, options)
  return format === 'module' ? pathNames(code) + code : code
}

/**
 * Most compilers make CommonJS modules of TypeScript, which have `__dirname` and `__filename`. An ES module that uses them without
 * declaring or importing them gets them on its first line, so that its lines keep their numbers.
 */
function pathNames(code) {
  const names = ['dirname', 'filename'].filter((name) => {
    const own = new RegExp(
      `\\b(?:const|let|var|function|import|as)\\s+__${name}\\b|[{,]\\s*(?:\\w+\\s*:\\s*)?__${name}\\s*[,}=]`,
    )
    return new RegExp(`(?<![.\\w$'"\`])__${name}\\b`).test(code) && !own.test(code)
  })
  return names.map((name) => `const __${name} = import.meta.${name};`).join('')
}

function translated(written, file, format, options) {
  if (namespaces.test(written) && !file.endsWith('x')) return stripTypeScriptTypes(written, { mode: 'transform' })
  const { transform } = require('./vendor/sucrase.cjs')
  const transforms = []
  if (!file.endsWith('.jsx')) transforms.push('typescript')
  if (file.endsWith('x')) transforms.push('jsx')
  if (format === 'commonjs') transforms.push('imports')
  try {
    return transform(written, { ...options, ...pragmas(written), transforms, filePath: file }).code
  } catch (error) {
    error.message = error.message.replace(/^Error transforming (.*?): /, `${basename(file)}: `)
    throw error
  }
}

/** JSX pragmas in a file's comments. */
function pragmas(source) {
  const importSource = /@jsxImportSource\s+(\S+)/.exec(source)?.[1]
  const factory = /@jsx\s+(\S+)/.exec(source)?.[1]
  if (importSource !== undefined) return { jsxRuntime: 'automatic', jsxImportSource: importSource }
  return factory === undefined ? {} : { jsxRuntime: 'classic', jsxPragma: factory }
}

function readOptions(tsconfig) {
  const { jsx, jsxImportSource, jsxFactory, jsxFragmentFactory, verbatimModuleSyntax } = compilerOptions(tsconfig)
  return {
    disableESTransforms: true,
    production: true,
    jsxRuntime: jsx === 'react' ? 'classic' : 'automatic',
    ...(jsxImportSource && { jsxImportSource }),
    ...(jsxFactory && { jsxPragma: jsxFactory }),
    ...(jsxFragmentFactory && { jsxFragmentPragma: jsxFragmentFactory }),
    keepUnusedImports: verbatimModuleSyntax === true,
  }
}

/** A tsconfig.json may have comments and trailing commas; an unreadable one is ignored. */
function compilerOptions(tsconfig) {
  if (!existsSync(tsconfig)) return {}
  const text = readFileSync(tsconfig, 'utf8').replace(/("(?:[^"\\]|\\.)*")|\/\/.*|\/\*[\s\S]*?\*\//g, '$1')
  try {
    return JSON.parse(text.replace(/,(\s*[}\]])/g, '$1')).compilerOptions ?? {}
  } catch {
    return {}
  }
}

/** The module format by the file's content, where its package does not declare it. */
function formatOf(known, file, source) {
  if (file.endsWith('.mts')) return 'module'
  if (file.endsWith('.cts')) return 'commonjs'
  if (known?.startsWith('module')) return 'module'
  if (known?.startsWith('commonjs')) return 'commonjs'
  if (/^\s*(export\s*=|import\s+\w+\s*=\s*require\b)/m.test(source)) return 'commonjs'
  return /^\s*(import\b(?!\s*\()|export\b)/m.test(source) ? 'module' : 'commonjs'
}

const written = { '.js': ['.ts', '.tsx'], '.jsx': ['.tsx'], '.mjs': ['.mts'], '.cjs': ['.cts'] }
const endings = ['.ts', '.tsx', '.mts', '.cts', '.jsx', '.js', '.mjs', '.cjs', '/index.ts', '/index.tsx', '/index.js']

/** As in TypeScript, `./x` resolves to `./x.ts`, and `./x.js` as well where it does not exist. */
function resolveAsCompilersDo(specifier, context, next) {
  try {
    return next(specifier, context)
  } catch (error) {
    const found = /^\.{0,2}\//.test(specifier) && context.parentURL ? sourceOf(specifier, context.parentURL) : undefined
    if (found === undefined) throw error
    return next(context.conditions.includes('require') ? found : pathToFileURL(found).href, context)
  }
}

function sourceOf(specifier, parentUrl) {
  const path = fileURLToPath(bare(new URL(specifier, parentUrl).href))
  const extension = /\.\w+$/.exec(path)?.[0] ?? ''
  const others = (written[extension] ?? []).map((end) => path.slice(0, -extension.length) + end)
  return [...others, ...endings.map((end) => path + end)].find((file) =>
    statSync(file, { throwIfNoEntry: false })?.isFile(),
  )
}

module.exports = { compileModules }
