"""The style sheet of the pages: one, in the page itself, for light, dark, print, small screens and large text."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, fields
from functools import lru_cache
from hashlib import sha256
from typing import Final

from authmw.pages.colours import Palette, palettes, parsed
from authmw.pages.look import Look

# Sizes are in rem, so that they follow the text size that a person has set in the browser (WCAG 2.2 §1.4.4). What would
# leave no room for text on a small screen is also bounded by the width of the screen.
_RULES: Final = """\
*,::before,::after{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;min-height:100vh;min-height:100dvh;display:flex;flex-direction:column;align-items:center;
padding:min(2rem,5vw) min(1rem,3vw);background:var(--page);color:var(--ink);
font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Liberation Sans",sans-serif;overflow-wrap:anywhere}
:lang(zh){font-family:system-ui,-apple-system,"PingFang SC","Microsoft YaHei","Noto Sans CJK SC",sans-serif}
header{margin-top:auto;padding-bottom:1.25rem;display:flex;align-items:center;justify-content:center;flex-wrap:wrap;
gap:.25rem .75rem;font-size:1.125rem;font-weight:600;text-align:center}
header img{display:block;height:2.5rem;max-width:100%;object-fit:contain}
main{width:100%;max-width:26rem;padding:min(2rem,6vw);background:var(--card);border:1px solid var(--line);
border-radius:var(--radius);box-shadow:0 1px 2px rgb(0 0 0/.04),0 8px 24px rgb(0 0 0/.06)}
main:first-child{margin-top:auto}
main.wide{max-width:40rem}
main:last-child,footer{margin-bottom:auto}
footer{padding-top:1.25rem;display:flex;flex-wrap:wrap;justify-content:center;gap:0 1.25rem;font-size:.875rem}
footer a{display:inline-flex;align-items:center;min-height:2.75rem;color:var(--quiet)}
h1{margin:0 0 1.25rem;font-size:clamp(1.25rem,12vw,1.5rem);line-height:1.25;font-weight:650;letter-spacing:-.01em;
text-wrap:balance}
h1,h2,label,.button,.problem{hyphens:auto;hyphenate-limit-chars:10 4 4}
bdi{hyphens:none}
:lang(zh) h1{letter-spacing:0}
h2{margin:0;font-size:1rem;line-height:1.5;font-weight:650}
p{margin:0 0 1.25rem;text-wrap:pretty}
main>:last-child,form>:last-child{margin-bottom:0}
a{color:var(--link);text-underline-offset:.15em}
a:hover{text-decoration-thickness:2px}
form{margin:0 0 1.25rem}
.field{margin:0 0 1.25rem}
label{display:block;margin:0 0 .375rem;font-weight:600}
.hint{margin:0 0 .5rem;color:var(--quiet);font-size:.9375rem}
.field input{display:block;width:100%;min-height:3rem;padding:.5rem .75rem;background:var(--card);color:var(--ink);
border:1px solid var(--edge);border-radius:calc(var(--radius)*.6);font:inherit}
.field input[aria-invalid]{border:2px solid var(--danger)}
.check{display:flex;align-items:center;gap:min(.75rem,3vw);min-height:2.75rem;margin:0 0 1.25rem;font-weight:400}
.check input{flex:none;width:1.375rem;height:1.375rem;margin:0;accent-color:var(--link)}
.button{display:flex;align-items:center;justify-content:center;width:100%;min-height:3rem;margin:0;
padding:.5rem min(1rem,3vw);
border:1px solid var(--accent-edge);border-radius:calc(var(--radius)*.6);background:var(--accent);
color:var(--on-accent);
font:inherit;font-weight:600;text-align:center;text-decoration:none;cursor:pointer}
.button:hover{background:var(--accent-hover)}
.plain{background:transparent;color:var(--ink);border-color:var(--edge)}
.plain:hover{background:var(--page)}
.below{margin:.75rem 0 -.75rem;text-align:center}
.below a{display:inline-flex;align-items:center;min-height:2.75rem}
:focus-visible{outline:3px solid var(--link);outline-offset:2px}
.problem{margin:0 0 1.5rem;padding:min(.875rem,4vw) min(1rem,4vw);background:var(--danger-ground);color:var(--danger);
border:1px solid var(--danger);border-radius:calc(var(--radius)*.6)}
.problem p{margin:.25rem 0 0}
.problem a{color:inherit;display:inline-block;padding:.25rem 0}
.sessions{margin:0 0 1.5rem;padding:0;list-style:none;border-bottom:1px solid var(--line)}
.sessions li{display:flex;flex-wrap:wrap;align-items:center;justify-content:space-between;gap:.75rem 1.5rem;
padding:1rem 0;border-top:1px solid var(--line)}
.sessions li>div{flex:1 1 14rem}
.sessions p{margin:0;color:var(--quiet);font-size:.9375rem}
.sessions h2{display:flex;flex-wrap:wrap;align-items:center;gap:.25rem .5rem}
.sessions time{display:inline-block}
.sessions form{margin:0;flex:none;max-width:100%}
.sessions .button{width:auto;min-height:2.75rem}
.after{margin:.75rem 0 0;text-align:center}
.sessions .mark{padding:0 .5rem;border:1px solid var(--link);
border-radius:1rem;color:var(--link);font-size:.8125rem;font-weight:600}
.hidden{position:absolute;width:1px;height:1px;margin:-1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
@media (prefers-reduced-motion:no-preference){.button{transition:background-color .12s}}
@media (max-width:24rem){main{box-shadow:none}.sessions .button,.sessions form{width:100%}}
@media (forced-colors:active){.button,.problem{border-color:currentColor}}
@media print{body{background:#fff;color:#000}main{border:0;box-shadow:none;background:#fff}.button,footer{display:none}
a{color:#000}}
"""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A style sheet, and the source that allows it in a policy.

    Args:
        css: the text of the ``<style>`` element.
        source: ``'sha256-...'`` of `css` (CSP Level 3 §6.7.3.3).
    """

    css: str
    source: str


@lru_cache(maxsize=64)
def sheet(look: Look) -> Sheet:
    """The style sheet for a look."""
    light, dark = palettes(parsed(look.accent) or (0, 0, 0))  # a Look has no other accent
    css = (
        f":root{{color-scheme:light dark;--radius:{look.radius}px;{_variables(light)}}}\n"
        f"@media screen and (prefers-color-scheme:dark){{:root{{{_variables(dark)}}}}}\n{_RULES}"
    )
    return Sheet(css, source_of(css))


def source_of(css: str) -> str:
    """The source that allows exactly this inline style sheet.

    >>> source_of("")
    "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"
    """
    return f"'sha256-{b64encode(sha256(css.encode()).digest()).decode()}'"


def _variables(palette: Palette) -> str:
    names = [each.name for each in fields(palette)]
    return ";".join(f"--{name.replace('_', '-')}:{getattr(palette, name)}" for name in names)
