import { type Files, makePackage } from '../packages.ts'

/** Turns files and folders that were dropped or chosen into a package. */

/** A ZIP is used as it is; of a folder, its contents. Throws an Error with a sentence. */
export async function packageOf(files: Files): Promise<Blob> {
  const names = Object.keys(files)
  const [only = ''] = names
  if (names.length === 0) throw new Error('Choose a file, a folder or a ZIP of a folder’s contents.')
  if (names.length === 1 && only.toLowerCase().endsWith('.zip')) {
    return new Blob([files[only] as Uint8Array<ArrayBuffer>], { type: 'application/zip' })
  }
  return makePackage(withoutFolder(files))
}

export async function filesOfInput(list: FileList): Promise<Files> {
  const entries = [...list].map(
    async (file) => [file.webkitRelativePath || file.name, await bytesOfFile(file)] as const,
  )
  return wanted(Object.fromEntries(await Promise.all(entries)))
}

export async function filesOfDrop(dropped: DataTransfer): Promise<Files> {
  const entries = [...dropped.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null)
  const files: Files = {}
  for (const entry of entries) await collect(entry, files)
  return wanted(files)
}

async function collect(entry: FileSystemEntry, files: Files): Promise<void> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject))
    files[entry.fullPath.slice(1)] = await bytesOfFile(file)
    return
  }
  if (isIgnored(entry.fullPath)) return
  const reader = (entry as FileSystemDirectoryEntry).createReader()
  for (;;) {
    // The browser returns the entries in batches.
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject))
    if (some.length === 0) return
    for (const one of some) await collect(one, files)
  }
}

const bytesOfFile = async (file: File): Promise<Uint8Array> => new Uint8Array(await file.arrayBuffer())

/** Files that no function needs. */
const isIgnored = (path: string): boolean => /(^|\/)(\.git|__pycache__|\.venv)(\/|$)/.test(path)
const wanted = (files: Files): Files => Object.fromEntries(Object.entries(files).filter(([name]) => !isIgnored(name)))

/** Removes a folder that contains all files from their names. */
function withoutFolder(files: Files): Files {
  const names = Object.keys(files)
  const folder = /^[^/]+\//.exec(names[0] ?? '')?.[0]
  if (folder === undefined || !names.every((name) => name.startsWith(folder))) return files
  return Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name.slice(folder.length), bytes]))
}
