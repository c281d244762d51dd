import type { PulledImages } from '../domain/functions/image-use.ts'
import { readJson, writeJson } from './json-file.ts'

/** A file in the data folder. If it is lost, no image counts as ours to remove; nothing else is affected. */
export class PulledImageNotes implements PulledImages {
  #file: string
  #names: Set<string>

  constructor(file: string) {
    this.#file = file
    this.#names = new Set(readJson<string[]>(file, []))
  }

  names(): string[] {
    return [...this.#names]
  }

  note(name: string): void {
    if (this.#names.has(name)) return
    this.#names.add(name)
    writeJson(this.#file, this.names())
  }

  forget(name: string): void {
    if (this.#names.delete(name)) writeJson(this.#file, this.names())
  }
}
