import { Marked, type Tokens } from 'marked'

/** Converts our own pages from Markdown to HTML, without external resources. The text is trusted. */

/** `target`: maps a link of the page; null: this server does not show the target, so only the text remains. */
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

/** The anchor of a heading, in the format of code hosts. */
export const headingAnchor = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')
