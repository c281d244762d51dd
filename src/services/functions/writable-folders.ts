import { posix } from 'node:path'
import { invalid } from '../../domain/errors.ts'

/** Limit of writable folders of an image: each is a tmpfs mounted over the image's content. */
const mostFolders = 8
const longestPath = 255
/** Folders of the kernel, and those that workers have anyway. */
const taken = ['/proc', '/sys', '/dev', '/tmp']

export function checkWritable(paths: string[]): void {
  if (paths.length > mostFolders) {
    throw invalid(`"writable" has ${paths.length} folders; at most ${mostFolders} are allowed.`)
  }
  for (const path of paths) checkFolder(path)
  const twice = paths.find((path, at) => paths.indexOf(path) !== at)
  if (twice !== undefined) throw invalid(`"writable" names ${JSON.stringify(twice)} twice.`)
}

function checkFolder(path: string): void {
  const isClean = posix.isAbsolute(path) && posix.normalize(path) === path && !path.endsWith('/')
  if (!isClean || path.startsWith('//') || /[^\x21-\x7e]/.test(path) || path.length > longestPath) {
    throw invalid(
      `"writable" names ${JSON.stringify(path)}: write whole paths without "..", "//" or "/" at the end, such as /var/cache/app.`,
    )
  }
  const within = taken.find((folder) => path === folder || path.startsWith(`${folder}/`))
  if (within === undefined) return
  throw invalid(`"writable" names ${path}: ${within} cannot be mounted by a function; name folders of its image.`)
}
