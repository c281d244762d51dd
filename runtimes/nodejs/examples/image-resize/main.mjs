import sharp from 'sharp'

const usualWidth = 800
const largest = 4000

export const main = {
  async fetch(request) {
    if (request.method !== 'POST') return refused(405, 'Send an image with POST.')
    const { searchParams } = new URL(request.url)
    const width = Math.min(largest, Number(searchParams.get('width')) || usualWidth)
    const image = Buffer.from(await request.arrayBuffer())
    try {
      const { data, info } = await sharp(image)
        .rotate()
        .resize({ width, withoutEnlargement: true })
        .webp()
        .toBuffer({ resolveWithObject: true })
      console.log(`${image.length} bytes became ${data.length}, ${info.width}×${info.height}`)
      return new Response(data, { headers: { 'Content-Type': 'image/webp' } })
    } catch (error) {
      return refused(415, `This is not a readable image: ${error.message}`)
    }
  },
}

const refused = (status, error) => Response.json({ error }, { status })
