/** A page of the documentation, as it travels with the program. */
export interface DocPage {
  /** The file's name without its end; `README` lists the others. */
  name: string
  markdown: string
}
