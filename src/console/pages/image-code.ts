import { numberIn } from '../number-text.ts'

/** A container image as the code of a function. */

export const imageModes: [mode: string, how: string][] = [
  ['command', 'command: one run per call, input as arguments'],
  ['http', 'http: an HTTP server that is kept warm'],
  ['lambda', 'lambda: an image of AWS Lambda'],
  ['azure', 'azure: an image of Azure Functions, whose app is extracted'],
  ['openwhisk', 'openwhisk: an action image with /init and /run'],
  ['fission', 'fission: an environment image, which loads a package or has the code in it'],
]

export const aboutFission =
  'The package that the environment loads, with its dependencies: drop files, a folder or a ZIP here, or choose them. Without one, the code is in the image.'

/** Ports of servers that images may choose. */
export const defaultPorts: Record<string, string> = { http: '8080', fission: '8888' }

export interface ImageTexts {
  image: string
  mode: string
  port: string
  /** Name of the function that a Fission environment loads. */
  entry: string
}

/** Throws an Error with a sentence. */
export function imageCode({ image, mode, port, entry }: ImageTexts) {
  const number = mode in defaultPorts ? numberIn(port, 'Port') : undefined
  return {
    source: 'image',
    image,
    mode,
    ...(number !== undefined && { port: number }),
    ...(mode === 'fission' && entry !== '' && { init: { main: entry } }),
  }
}
