import { Marked, type Tokens } from 'marked'

/** Markdown of our own pages as HTML. Nothing is fetched from outside, and the text is trusted. */

/** `target`: where a link of the page leads to; null: nowhere that this server shows, so that only its text stays. */
export function markdownToHtml(markdown: string, target: (link: string) => string | null): string {
  const marked = new Marked({
    renderer: {
      heading({ tokens, depth, text }: Tokens.Heading) {
        return `<h${depth} id="${headingAnchor(text)}">${this.parser.parseInline(tokens)}</h${depth}>\n`
      },
      link({ href, tokens }: Tokens.Link) {
        const text = this.parser.parseInline(tokens)
        const to = target(href)
        return to === null ? text : `<a href="${to.replaceAll('"', '%22')}">${text}</a>`
      },
    },
  })
  return marked.parse(markdown, { async: false })
}

/** The anchor of a heading, as code hosts make it. */
export const headingAnchor = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')
