/** The style of the pages that the server generates. */
export const pageStyle = `body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}
summary{cursor:pointer;padding:.3rem 0}table{border-collapse:collapse;margin:.5rem 0 1rem;display:block;overflow-x:auto}
th{text-align:left}td,th{border-top:1px solid #8884;padding:.2rem .8rem .2rem 0;vertical-align:top}h2{margin-top:2rem}
pre{background:#8882;padding:.8rem;overflow-x:auto;border-radius:4px}code{font-size:.9em}`
