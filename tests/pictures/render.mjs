// Reads [URL of the library, [text, ...]] as JSON, and prints [[SVG, drawing in characters], ...].
import { readFileSync } from "node:fs";

const [library, texts] = JSON.parse(readFileSync(0, "utf8"));
const { renderMermaidASCII, renderMermaidSVG } = await import(library);
const pictures = texts.map((text) => [
  renderMermaidSVG(text, { padding: 8, transparent: true }),
  renderMermaidASCII(text, { paddingX: 3, paddingY: 2, boxBorderPadding: 0, colorMode: "none" }),
]);
process.stdout.write(JSON.stringify(pictures));
